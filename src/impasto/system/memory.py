"""The memory of the machine: what is free, what a run may take of it, and how people write such sizes."""

import re
import sys
from pathlib import Path

import torch

from impasto.errors import MemoryLimitError

FREE_SHARE = 0.7
"""Share of the free memory that a run may take where no limit is given."""

_UNITS = {"": (1, 1), "k": (10**3, 2**10), "m": (10**6, 2**20), "g": (10**9, 2**30), "t": (10**12, 2**40)}


def parse_memory(text: str) -> int:
    """Bytes of a size as people write it: "4GiB" and "4G" are 4 * 2^30, "900MB" is 900 * 10^6, a plain number is bytes.

    Raises MemoryLimitError where the text is no size.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?", text.strip().lower())
    if found is None or (found[3] == "ib" and not found[2]) or not float(found[1]) > 0:
        raise MemoryLimitError(
            f"max_memory is {text!r}; expected a size such as 4GiB, 900MB or 1.5G.", "Give --max-memory 4GiB, say."
        )
    return round(float(found[1]) * _UNITS[found[2]][found[3] != "b"])


def format_memory(size: int) -> str:
    """The size as `parse_memory` reads it, rounded up: "2.3GiB"."""
    for unit, power in (("GiB", 30), ("MiB", 20)):
        if size >= 2**power:
            return f"{-(-size * 10 // 2**power) / 10:g}{unit}"
    return str(size)


def used_bytes(device: torch.device) -> int:
    """Memory that is in use: of the GPU by torch on a GPU, else of this process; 0 where the system does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.memory_reserved(device))
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    except OSError:
        return 0


def free_bytes(device: torch.device) -> int | None:
    """Memory that a run can still get: of the GPU on a GPU, else of the machine; None where it is not told."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    found = [*_linux_free(), *_container_free()]
    return min(found) if found else None


def memory_limit(max_memory: int | None, device: torch.device) -> int:
    """The most that this process may take: what was asked for, or what it has and 70 % of what is free."""
    if max_memory is not None:
        return max_memory
    free = free_bytes(device)
    return sys.maxsize if free is None else used_bytes(device) + int(FREE_SHARE * free)


def _linux_free() -> list[int]:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return []
    return [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]


def _container_free() -> list[int]:
    """What a container's limit leaves, where there is one. Cached files do not count: they make room."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit, used = (int((folder / name).read_text()) for name in ("memory.max", "memory.current"))
        cached = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())["inactive_file"]
    except (OSError, ValueError, KeyError):
        return []
    return [limit - used + int(cached)]

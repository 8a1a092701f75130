"""Memory of the machine and the process, memory limits, and sizes as text."""

import os
import re
import sys
from pathlib import Path

import torch

from impasto.errors import MemoryLimitError

FREE_SHARE = 0.7
"""Share of the free memory that a run may use if no limit is given."""

USUAL_USE = 500 * 10**6
"""Bytes of a process that has loaded torch and the network, where the system does not say what is in use."""

_UNITS = {"": (1, 1), "k": (10**3, 2**10), "m": (10**6, 2**20), "g": (10**9, 2**30), "t": (10**12, 2**40)}


def parse_memory(text: str) -> int:
    """Return the bytes of a size: "4GiB" and "4G" are 4 * 2^30, "900MB" is 900 * 10^6, a plain number is bytes.

    Raises MemoryLimitError for any other text.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?", text.strip().lower())
    if found is None or (found[3] == "ib" and not found[2]) or not float(found[1]) > 0:
        raise MemoryLimitError(
            f"max_memory is {text!r}; expected a size such as 4GiB, 900MB or 1.5G.", "Give --max-memory 4GiB, say."
        )
    return round(float(found[1]) * _UNITS[found[2]][found[3] != "b"])


def format_memory(size: int) -> str:
    """Return a size as text for `parse_memory`, rounded up: "2.3GiB"."""
    for unit, power in (("GiB", 30), ("MiB", 20)):
        if size >= 2**power:
            return f"{-(-size * 10 // 2**power) / 10:g}{unit}"
    return str(size)


def used_bytes(device: torch.device) -> int:
    """Return the memory in use: by torch on a GPU, else by this process; `USUAL_USE` if unknown, outside Linux."""
    if device.type == "cuda":
        return int(torch.cuda.memory_reserved(device))
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return USUAL_USE


def free_bytes(device: torch.device) -> int | None:
    """Return the memory that is free: on a GPU, else of the machine, half of it outside Linux; None on Windows."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    found = [*_linux_free(), *_container_free()]
    total = total_bytes()
    return min(found) if found else total and total // 2


def total_bytes() -> int | None:
    """Return the memory of the machine; None on Windows, which has no sysconf."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def memory_limit(max_memory: int | None, device: torch.device) -> int:
    """Return the most that this process may use: max_memory, or what it uses now and 70 % of what is free."""
    if max_memory is not None:
        return max_memory
    free = free_bytes(device)
    return sys.maxsize if free is None else used_bytes(device) + int(FREE_SHARE * free)


def share_memory(max_memory: int | None, device: torch.device, share: float) -> int | None:
    """Return the bytes that one of several workers may use: its share of max_memory, or of what is free now.

    To be divided once, before any worker uses its share.
    """
    if device.type != "cpu" or share == 1.0:  # a GPU belongs to one worker
        return max_memory
    if max_memory is not None:
        return int(share * max_memory)
    used = used_bytes(device)
    return used + int(share * (memory_limit(None, device) - used))


def _linux_free() -> list[int]:
    try:
        lines = Path("/proc/meminfo").read_text("ascii", "replace").splitlines()
    except OSError:
        return []
    return [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]


def _container_free() -> list[int]:
    """What a container's limit leaves, if there is one. Cached files count as free: the system evicts them."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit, used = (int((folder / name).read_text()) for name in ("memory.max", "memory.current"))
        cached = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())["inactive_file"]
    except (OSError, ValueError, KeyError):
        return []
    return [limit - used + int(cached)]

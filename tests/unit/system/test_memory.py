"""Memory of the machine and the process, as each system reports it; sizes as text."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from impasto.system.memory import USUAL_USE, free_bytes, memory_limit, total_bytes, used_bytes

CPU = torch.device("cpu")


def pretend_files(monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> None:
    """Only these files are there."""

    def read(path: Path, *rest: Any) -> str:
        if str(path) not in files:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return files[str(path)]

    monkeypatch.setattr(Path, "read_text", read)


def pretend_sysconf(page: int, pages: int) -> Callable[[str], int]:
    return lambda name: {"SC_PAGE_SIZE": page, "SC_PHYS_PAGES": pages}[name]


@pytest.mark.parametrize("page", [4096, 16384, 65536])
def test_a_page_has_the_machines_size(page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_files(monkeypatch, {"/proc/self/statm": "900 100 7 1 0 50 0"})
    monkeypatch.setattr(os, "sysconf", pretend_sysconf(page, 10))
    assert used_bytes(CPU) == 100 * page


def test_used_memory_is_that_of_this_process() -> None:
    held = torch.ones(50_000_000 // 4)
    assert used_bytes(CPU) > held.numel() * 4


def test_linux_reports_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"/proc/meminfo": "MemTotal: 9000 kB\nMemAvailable: 3000 kB\n", "/proc/self/statm": "9 1 0"}
    pretend_files(monkeypatch, files)
    assert free_bytes(CPU) == 3000 * 1024
    container = {"memory.max": "2000000\n", "memory.current": "900000\n", "memory.stat": "file 9\ninactive_file 100\n"}
    files |= {f"/sys/fs/cgroup/{name}": text for name, text in container.items()}
    assert free_bytes(CPU) == 1_100_100
    files["/sys/fs/cgroup/memory.max"] = "max\n"
    assert free_bytes(CPU) == 3000 * 1024
    for damaged in ("", "a b c"):
        files["/proc/self/statm"] = damaged
        assert used_bytes(CPU) == USUAL_USE


def test_macos_reports_the_machines_memory_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_files(monkeypatch, {})
    monkeypatch.setattr(os, "sysconf", pretend_sysconf(16384, 2**20))
    assert (total_bytes(), free_bytes(CPU), used_bytes(CPU)) == (2**34, 2**33, USUAL_USE)
    assert memory_limit(None, CPU) == USUAL_USE + int(0.7 * 2**33)
    assert memory_limit(2**30, CPU) == 2**30


def test_windows_reports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_files(monkeypatch, {})
    monkeypatch.delattr(os, "sysconf")
    assert (total_bytes(), free_bytes(CPU), used_bytes(CPU)) == (None, None, USUAL_USE)
    assert memory_limit(None, CPU) == sys.maxsize


def test_a_system_that_does_not_know_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> NoReturn:
        raise ValueError("unrecognized configuration name")

    pretend_files(monkeypatch, {})
    monkeypatch.setattr(os, "sysconf", refuse)
    assert (total_bytes(), free_bytes(CPU)) == (None, None)

"""A settled process holds freed memory until it is asked to return it, unless the environment says otherwise."""

import os
import platform
import subprocess
import sys
from typing import NoReturn

import pytest

from impasto.system.process import return_freed_memory, settle_process

SCRIPT = """
import sys
from pathlib import Path
from impasto.system.process import return_freed_memory, settle_process
if sys.argv[1] == "settle":
    settle_process()
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
before = resident()
blocks = [bytearray(b"x") * 2**23 for _ in range(33)]  # of 8 MiB
last = blocks[-1]  # at the heap's end
del blocks
held = resident() - before
return_freed_memory()
print(held, resident() - before)
"""
"""Prints the bytes that are resident after 256 MiB were freed, and after free memory was returned."""


def measure_held(how: str, **environment: str) -> tuple[int, int]:
    command = [sys.executable, "-c", SCRIPT, how]
    own = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(command, env={**own, **environment}, capture_output=True, text=True, check=True)
    held, left = map(int, done.stdout.split())
    return held, left


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the setting")
def test_freed_memory_is_held_until_it_is_returned() -> None:
    held, left = measure_held("settle")
    assert held > 2**27
    assert left < 2**26


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the setting")
def test_freed_memory_is_not_held_in_a_process_of_others_or_against_the_environment() -> None:
    assert measure_held("plain")[0] < 2**26
    assert measure_held("settle", MALLOC_MMAP_THRESHOLD_=str(2**20))[0] < 2**26


def test_threads_sleep_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    settle_process()
    assert os.environ["OMP_WAIT_POLICY"] == "passive"
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    settle_process()
    assert os.environ["OMP_WAIT_POLICY"] == "active"


def no_library(name: str | None) -> NoReturn:
    raise TypeError("bad argument type for built-in operation")


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_other_systems_have_no_settings_of_glibc(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows `CDLL(None)` is a TypeError, and Python's own file may not be readable."""

    def unreadable() -> NoReturn:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr("ctypes.CDLL", no_library)
    monkeypatch.setattr(platform, "libc_ver", unreadable)
    settle_process()
    return_freed_memory()


def test_a_linux_without_glibc_returns_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())  # musl has no malloc_trim
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    settle_process()
    return_freed_memory()

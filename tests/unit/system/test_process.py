"""A process of ours holds on to freed memory, and the environment has the last word."""

import os
import platform
import subprocess
import sys

import pytest

SCRIPT = """
import sys
from impasto.system.process import settle_process
if sys.argv[1] == "settle":
    settle_process()
import resource, torch
for _ in range(40):
    torch.ones(2**24)  # 64 MiB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def count_faults(how: str, **environment: str) -> int:
    command = [sys.executable, "-c", SCRIPT, how]
    own = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(command, env={**own, **environment}, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_a_freed_block_is_taken_again_without_new_pages() -> None:
    plain, settled = count_faults("plain"), count_faults("settle")
    assert plain - settled > 20 * 2**14  # of 40 blocks of 2^14 pages; the first few widen the heap


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_the_environment_has_the_last_word() -> None:
    settled = count_faults("settle", MALLOC_MMAP_THRESHOLD_=str(2**20))
    assert settled > 40 * 2**14


FREED = """
from impasto.system.process import give_back, settle_process
settle_process()
from pathlib import Path
import torch
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
before = resident()
blocks = [torch.ones(2**21) for _ in range(33)]  # of 8 MiB
last = blocks[-1]  # at the heap's end
del blocks
held = resident() - before
give_back()
print(held, resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_what_is_held_can_be_given_back() -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run([sys.executable, "-c", FREED], env=own, capture_output=True, text=True, check=True)
    held, given_back = map(int, done.stdout.split())
    assert held > 2**27
    assert given_back < 2**26


def test_threads_sleep_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.system.process import settle_process

    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    settle_process()
    assert os.environ["OMP_WAIT_POLICY"] == "passive"
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    settle_process()
    assert os.environ["OMP_WAIT_POLICY"] == "active"

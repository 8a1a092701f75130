"""What a process of ours is told before torch is imported; a program that imports impasto decides for itself."""

import ctypes
import os
import platform

HELD_BLOCK = 2**31 - 1
"""Bytes below which glibc keeps a freed block for the next one, instead of taking it from the system page by page."""

NEVER = -1
"""The number by which glibc is told never to give memory at the heap's end back to the system."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

_libc: ctypes.CDLL | None = None
"""The C library that was told to hold memory, if any was."""


def settle_process() -> None:
    """Lets threads sleep while they wait, and glibc keep its memory. What the environment says already stands.

    Beside any other busy program, threads that spin while they wait for each other make a step several times as slow.
    A large picture's features are blocks over 32 MiB, which glibc gives back each time they are freed: a run at 1024
    pixels takes 1.5 times as long without this. Measured: docs/experiments.md, "Held memory".
    """
    global _libc
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if platform.libc_ver()[0] == "glibc" and not any(name.startswith("MALLOC_") for name in os.environ):
        _libc = ctypes.CDLL(None)
        _libc.mallopt(_M_TRIM_THRESHOLD, NEVER)
        _libc.mallopt(_M_MMAP_THRESHOLD, HELD_BLOCK)


def return_freed_memory() -> None:
    """Return all freed memory to the operating system, in a process that was settled."""
    if _libc is not None:
        _libc.malloc_trim(0)

"""Settings of our own processes, made before torch is imported; a program that imports impasto has its own."""

import atexit
import ctypes
import gc
import io
import os
import platform
import sys

HELD_BLOCK = 2**31 - 1
"""Bytes below which glibc reuses a freed block instead of returning it and taking new pages from the system."""

NEVER = -1
"""The setting of glibc never to return memory at the heap's end to the system."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def settle_process() -> None:
    """Make waiting threads sleep, glibc hold freed memory, and stdout and stderr take any text.

    Settings in the environment take precedence.

    Beside any other busy program, threads that spin while they wait for each other make a step several times as slow.
    A large picture's features are blocks over 32 MiB, which glibc returns each time they are freed: a run at 1024
    pixels takes 1.5 times as long without this. Measured: docs/experiments.md, "Held memory".
    """
    _settle_streams()
    atexit.register(gc.freeze)  # else torch's modules are searched for garbage at the end, for a fifth of a second
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # On Windows, `libc_ver` may fail to read Python's own file.
    has_glibc = sys.platform == "linux" and platform.libc_ver()[0] == "glibc"
    if has_glibc and not any(name.startswith("MALLOC_") for name in os.environ):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_TRIM_THRESHOLD, NEVER)
        libc.mallopt(_M_MMAP_THRESHOLD, HELD_BLOCK)


def _settle_streams() -> None:
    """Open closed streams (`impasto ... >&-`) to nowhere, and escape letters that a terminal's encoding lacks."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def return_freed_memory() -> None:
    """Return all freed memory to the operating system, where the C library can."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only glibc has it
        if trim is not None:
            trim(0)

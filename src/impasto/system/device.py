"""The devices of this machine, by name, and their memory errors and peaks."""

import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from impasto.errors import DeviceError


def available_devices() -> tuple[str, ...]:
    """Return the devices of this machine that impasto can run on, fastest first."""
    found = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return (*found, *(["mps"] if torch.backends.mps.is_available() else []), "cpu")


def resolve_devices(device: str) -> tuple[torch.device, ...]:
    """Return the torch devices of a text. They share the tiles of a picture; everything else is on the first.

    "auto" is all GPUs for CUDA, or else the fastest one device; "cuda" is all GPUs; "cuda:1" that one; "cuda:0,cuda:2"
    these. Raises DeviceError for a device that this machine does not have, and for a list of devices that cannot share.
    """
    gpus = [name for name in available_devices() if name.startswith("cuda")]
    if device in ("auto", "cuda") and gpus:
        return tuple(map(torch.device, gpus))
    names = [name.strip() for name in device.split(",")]
    if len(names) > 1 and not all(name.startswith("cuda:") for name in names):
        raise DeviceError(
            f"device {device!r} lists more than GPUs by number; expected one device, or GPUs as cuda:0,cuda:1.",
            "Give one of them, or leave --device out for all GPUs.",
        )
    devices = tuple(map(resolve_device, names))
    if len(set(devices)) < len(devices):
        raise DeviceError(
            f"device {device!r} names a GPU more than once; expected each once, as cuda:0,cuda:1.",
            "Leave the repetition out; --device cuda is all GPUs.",
        )
    return devices


def name_devices(devices: Sequence[torch.device]) -> str:
    """Return the text that `resolve_devices` reads as these devices: `cuda:0,cuda:1`."""
    return ",".join(map(str, devices))


def share_devices(device: str, number: int, workers: int) -> str:
    """Return the devices of one of several workers as text: its part of them, or one if there are fewer devices.

    number: the worker's, from 0. Raises what `resolve_devices` raises."""
    devices = resolve_devices(device)
    return name_devices(devices[number % len(devices) :: workers])


def resolve_device(device: str) -> torch.device:
    """Return the torch device of a name; "auto" is the fastest. Raises DeviceError if this machine does not have it."""
    known = available_devices()
    if device == "auto":
        return torch.device(known[0])
    name = "cuda:0" if device == "cuda" else device
    if name not in known:
        raise DeviceError(
            f"device {device!r} is not on this machine; expected auto or one of {', '.join(known)}.",
            "Leave --device out, or see `impasto doctor`.",
        )
    return torch.device(name)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means out of memory: Python's, or torch's on a CPU or a GPU."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # The last two are oneDNN's, when a convolution's workspace does not fit, and that of CUDA's libraries.
    wordings = (
        *("not enough memory", "can't allocate memory", "out of memory"),
        *("could not create a primitive", "STATUS_ALLOC_FAILED"),
    )
    return isinstance(error, RuntimeError) and any(words in str(error) for words in wordings)


def peak_bytes(device: torch.device) -> int:
    """Return the most memory used so far: on a GPU, else by the process; 0 if unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def is_intel() -> bool:
    """Return whether this machine's processor is Intel's."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:  # not Linux
        text = platform.processor()
    return "GenuineIntel" in text

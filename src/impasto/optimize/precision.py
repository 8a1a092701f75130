"""The number format of the network: float32, or bfloat16 where the machine has it."""

import torch

from impasto.errors import DeviceError
from impasto.system.device import is_intel
from impasto.system.torch_settings import Precision


def resolve_precision(precision: str, device: torch.device) -> Precision:
    """Return the format of the network; "auto" is bfloat16 where the device computes in it faster than in float32.

    bfloat16 where it is slow is used if asked for. Raises DeviceError for an unknown name.
    """
    if precision not in ("auto", "float32", "bfloat16"):
        raise DeviceError(
            f"precision is {precision!r}; expected auto, float32 or bfloat16.", "Leave --precision out for auto."
        )
    if precision == "auto":
        return "bfloat16" if has_fast_bfloat16(device) else "float32"
    return "bfloat16" if precision == "bfloat16" else "float32"


def check_precision(precision: str, device: torch.device) -> None:
    """Accept a format in which the device can convolve, fast or slowly. Raises DeviceError."""
    if precision != "bfloat16":
        return
    try:
        image = torch.zeros(1, 1, 4, 4, dtype=torch.bfloat16, device=device, requires_grad=True)
        kernel = torch.ones(1, 1, 3, 3, dtype=torch.bfloat16, device=device)
        torch.autograd.grad(torch.nn.functional.conv2d(image, kernel).sum(), image)
    except (RuntimeError, TypeError) as error:
        raise DeviceError(
            f"precision is bfloat16, which {device} cannot compute in ({' '.join(str(error).split())[:100]}); "
            "expected float32 or auto.",
            "Give --precision float32, or leave it out.",
        ) from error


def has_fast_bfloat16(device: torch.device) -> bool | None:
    """Return whether the device computes in bfloat16 faster than in float32; None if unknown."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    amx, avx = (_asks(name) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))
    if amx is None and avx is None:
        return None
    # A Xeon without AMX paints in bfloat16 in 1.3 times the time of float32 (docs/experiments.md, bfloat16).
    return bool(amx) or (bool(avx) and not is_intel())


def _asks(name: str) -> bool | None:
    """Return torch's answer about the processor; None where it has no such question: private, absent from some builds.
    """
    ask = getattr(torch.cpu, name, None)
    return None if ask is None else bool(ask())

"""The number format of the network: float32, or bfloat16 where the machine has it."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Literal

import torch

from impasto.errors import DeviceError

Precision = Literal["float32", "bfloat16"]


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
    """Return whether the device computes in bfloat16 natively; None if unknown."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    # Private, and absent from some builds.
    asks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    answers = [bool(ask()) for ask in asks if ask is not None]
    return any(answers) if answers else None


class _Products:
    """The format of a CPU's float32 matrix products, which the threads of a process share: others wait their turn."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._users = 0
        self._precision: Precision = "float32"
        self._before = ""

    @contextlib.contextmanager
    def computed_in(self, precision: Precision) -> Iterator[None]:
        matmul = getattr(torch.backends.mkldnn, "matmul", None)  # since torch 2.9
        if matmul is None:
            yield
            return
        with self._turn:
            self._turn.wait_for(lambda: not self._users or self._precision == precision)
            if not self._users:
                self._precision, self._before = precision, matmul.fp32_precision
                matmul.fp32_precision = "bf16" if precision == "bfloat16" else self._before
            self._users += 1
        try:
            yield
        finally:
            with self._turn:
                self._users -= 1
                if not self._users:
                    matmul.fp32_precision = self._before
                    self._turn.notify_all()


_products = _Products()


def products_in(precision: Precision) -> contextlib.AbstractContextManager[None]:
    """With "bfloat16", let a CPU compute float32 matrix products from bfloat16, the format of the features anyway.

    It sums in float32: of features in bfloat16 the products are the same to 1e-6, and take half the time
    (docs/experiments.md, "Matrix products"). A thread that wants the other format waits until it is free.
    """
    return _products.computed_in(precision)

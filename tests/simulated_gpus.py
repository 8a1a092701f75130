"""Simulated GPUs: tensors whose data is on the CPU and which refuse to mix as tensors on two devices do.

C++ sees a tensor on the CPU; Python, in `.device`, sees the GPU. Not simulated: streams, kernels that CUDA lacks or
that round in another way, memory, and the threads on which autograd runs a GPU's backward pass.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map

CPU = torch.device("cpu")

FACTORIES = (
    *("arange", "as_tensor", "empty", "eye", "full", "linspace", "ones", "rand", "randn", "scalar_tensor", "tensor"),
    *("zeros", "empty_like", "full_like", "ones_like", "rand_like", "zeros_like"),
)
"""Functions of torch that take a device."""

MIXING = ("copy_", "index", "index_put", "index_put_")
"""Operations whose tensors may be on two devices: copies, and indices on the CPU."""

STRICT = ("cat", "stack")
"""Operations that do not even take scalars of another device."""

READS = ("_local_scalar_dense", "nonzero", "equal", "masked_select", "_linalg_eigh", "_unique2")
"""Operations for whose result, or whose error, the CPU waits until the GPU has done all that was asked of it."""


class Simulated(Tensor):
    """A tensor on a simulated GPU. data: its values, on the CPU."""

    data_there: Tensor
    device_there: torch.device
    waits: ClassVar[list[str]] = []
    """What the CPU has waited for, in turn: reads of a tensor on a GPU, and copies between it and the CPU."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, data: Tensor, device: torch.device) -> "Simulated":
        made: Simulated = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, data.shape, data.stride(), data.storage_offset(), dtype=data.dtype, device=CPU
        )
        made.data_there, made.device_there = data, device
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return self.device_there

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Simulated({tuple(self.shape)}, {self.dtype}, {self.device_there})"

    def numpy(self, **_: Any) -> Any:
        raise TypeError(
            f"can't convert {self.device_there} device type tensor to numpy. "
            "Use Tensor.cpu() to copy the tensor to host memory first."
        )

    def __array__(self, *_: Any) -> Any:
        return self.numpy()

    def tolist(self) -> Any:
        self.waits.append("tolist")
        return self.data_there.tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {name: value for name, value in (kwargs or {}).items() if name != "device"}
        device = common_device(func, (args, given))
        if is_waited_for(func, (args, given)):
            cls.waits.append(func._schema.name)
        made = func(*tree_map(data_of, args), **tree_map(data_of, given))
        if func._schema.name.endswith("_") and func._schema.is_mutable:
            return args[0]
        return tree_map(lambda item: place(item, device) if isinstance(item, Tensor) else item, made)


def data_of(item: Any) -> Any:
    return item.data_there if isinstance(item, Simulated) else item


def place(data: Tensor, device: torch.device) -> Tensor:
    """Return the CPU tensor as a tensor on the device."""
    return data if device.type == "cpu" else Simulated(data, device)


def is_waited_for(func: Any, arguments: Any) -> bool:
    """Return whether the CPU waits for the GPU in this operation of tensors of which at least one is there."""
    name = func._schema.name.removeprefix("aten::")
    tensors = [item for item in tree_flatten(arguments)[0] if isinstance(item, Tensor)]
    if name in MIXING and any(each.device == CPU or each.dtype == torch.bool for each in tensors[:2]):
        return True  # a copy, an index from the CPU, or a mask, which is turned into indices
    return name in READS


def common_device(func: Any, arguments: Any) -> torch.device:
    """Return the device of the operation's tensors. Raises RuntimeError as torch does where they are on two devices."""
    name = func._schema.name.removeprefix("aten::")
    items = tree_flatten(arguments)[0]
    tensors = [item for item in items if isinstance(item, Tensor)]
    if name in MIXING:
        tensors = [tensors[0], *(each for each in tensors[1:] if name != "copy_" and each.device != CPU)]
    taken = [each for each in tensors if each.dim() > 0 or each.device != CPU or name in STRICT]
    devices = list(dict.fromkeys(each.device for each in taken))
    if len(devices) > 1:
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{devices[0]} and {devices[1]}! (when checking {func})"
        )
    if devices and devices[0] != CPU and any(isinstance(item, torch.Generator) for item in items):
        raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")
    return devices[0] if devices else CPU


class _Move(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor, device: torch.device) -> Tensor:
        ctx.before = tensor.device
        if CPU in (tensor.device, device):
            Simulated.waits.append(f"copy to {device}")
        return place(data_of(tensor).clone(), device)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return move(gradient, ctx.before), None


def move(tensor: Tensor, device: torch.device) -> Tensor:
    return tensor if tensor.device == device else _Move.apply(tensor, device)  # type: ignore[no-untyped-call,no-any-return]


def simulate_gpus(patch: pytest.MonkeyPatch, count: int) -> None:
    """Give this process so many GPUs, which torch describes as it does real ones."""
    convert, factories = Tensor.to, {name: getattr(torch, name) for name in FACTORIES}
    begun = False

    def begin(*_: Any) -> None:
        nonlocal begun
        begun = True

    def begin_peak(device: torch.device) -> None:
        if not begun:
            raise RuntimeError(f"Invalid device argument {device.index}: did you call init?")

    def arrive(tensor: Tensor, device: Any) -> Tensor:
        found = find_device(device, count)
        if found != CPU:
            begin()
        return move(tensor, found)

    def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if isinstance(args[0] if args else kwargs.get("other"), Tensor):
            like = args[0] if args else kwargs["other"]
            args, kwargs = (like.device, like.dtype, *args[1:]), {}
        copy = {"copy": True} if kwargs.pop("copy", False) else {}
        device, dtype, _, memory_format = torch._C._nn._parse_to(*args, **kwargs)
        moved = self if device is None else arrive(self, device)
        return convert(moved, dtype or self.dtype, memory_format=memory_format or torch.preserve_format, **copy)

    def placed(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
        copied = make in (torch.tensor, torch.as_tensor)

        def made(*args: Any, device: Any = None, **kwargs: Any) -> Tensor:
            tensor = make(*args, **kwargs)
            if device is None or copied or find_device(device, count) == CPU:
                return tensor if device is None else arrive(tensor, device)
            begin()
            there = place(tensor.detach(), find_device(device, count))
            return there.requires_grad_(tensor.requires_grad)

        return made

    patch.setattr(Tensor, "to", to)
    patch.setattr(Tensor, "cpu", lambda self: to(self, CPU))
    for name, make in factories.items():
        patch.setattr(torch, name, placed(make))
    for name in ("fftfreq", "rfftfreq"):
        patch.setattr(torch.fft, name, placed(getattr(torch.fft, name)))
    for name, value in {
        "is_available": True,
        "device_count": count,
        "max_memory_allocated": 2**20,
        "memory_reserved": 0,
        "empty_cache": None,
    }.items():
        patch.setattr(torch.cuda, name, lambda *_, value=value: value)
    for name, value in {
        "init": None,
        "get_device_name": "Simulated",
        "get_device_capability": (8, 0),
        "mem_get_info": (2**33, 2**34),
    }.items():
        patch.setattr(torch.cuda, name, lambda *_, value=value: (begin(), value)[1])
    patch.setattr(torch.cuda, "reset_peak_memory_stats", begin_peak)


def find_device(device: Any, count: int) -> torch.device:
    """The device of a name, with its number. Raises AssertionError where there is none."""
    found = torch.device(device)
    if found.type == "cuda":
        found = torch.device("cuda", found.index or 0)
        assert found.index < count, f"there are {count} GPUs, and no {found}"
    return found

"""VGG: the encoder that turns an image into feature maps, by the paper's layer names."""

import copy
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto.errors import RecipeError
from impasto.features.preprocessing import Preprocessing
from impasto.recipe.words import LAYERS

Padding = Literal["zero", "replicate", "reflect", "wrap", "wrap-x"]


class Vgg(nn.Module):
    """A VGG encoder without its classifier. Weights are buffers: no gradient is ever computed for them.

    layers: {"conv1_1": (kernel (out, in, 3, 3), bias (out,)), ...}, shallow to deep; the first number is the block.
    Between blocks the maps are pooled, 2x2 with stride 2.
    """

    def __init__(
        self,
        layers: Mapping[str, tuple[Tensor, Tensor]],
        preprocessing: Preprocessing,
        *,
        pooling: Literal["max", "average"] = "max",
        padding: Padding = "zero",
    ) -> None:
        super().__init__()
        self.preprocessing = preprocessing
        self.pooling = pooling
        self.padding = padding
        self.layer_names = tuple(layers)
        for name, (kernel, bias) in layers.items():
            # Channels-last is 1.2 times faster than contiguous on a CPU (benchmarks/evaluation.py).
            self.register_buffer(f"{name}_kernel", kernel.contiguous(memory_format=torch.channels_last))
            self.register_buffer(f"{name}_bias", bias)

    def forward(self, image: Tensor, layers: Collection[str], *, padding: Padding | None = None) -> dict[str, Tensor]:
        """Return the feature maps of these layers, each after its ReLU, computing no deeper than the deepest.

        image: (B, 3, H, W) in [0, 1], sRGB, on the encoder's device and dtype.
        layers: names such as "conv4_2". padding: the network's own if left out. Returns {name: (B, C, h, w)} in the
        order of the network; h and w are H and W halved, rounding down, once for each block after the first.
        """
        wanted = set(layers)
        deepest = max((self.layer_names.index(name) for name in wanted), default=-1)
        features: dict[str, Tensor] = {}
        x = self.preprocessing.apply(image).contiguous(memory_format=torch.channels_last)
        block = "1"
        for name in self.layer_names[: deepest + 1]:
            if block_of(name) != block:
                block = block_of(name)
                x = functional.max_pool2d(x, 2) if self.pooling == "max" else functional.avg_pool2d(x, 2)
            x = self._convolve(x.to(self.dtype_of(name)), name, padding or self.padding).relu_()
            if name in wanted:
                features[name] = x.to(image.dtype)
        return features

    def to_bfloat16(self) -> "Vgg":
        """Return a copy with all convolutions but the first in bfloat16; features keep the image's dtype.

        The first, fed with 8-bit pixels, is where bfloat16 loses most (docs/experiments.md).
        """
        lower = copy.deepcopy(self)
        for name in self.layer_names[1:]:
            for part in ("kernel", "bias"):
                lower.register_buffer(f"{name}_{part}", self.get_buffer(f"{name}_{part}").to(torch.bfloat16))
        return lower

    @property
    def precision(self) -> Literal["float32", "bfloat16"]:
        """The format of all convolutions but the first; "float32" for any other than bfloat16."""
        return "bfloat16" if self.dtype_of(self.layer_names[-1]) == torch.bfloat16 else "float32"

    def copy_to(self, device: torch.device) -> "Vgg":
        """Return a copy whose weights are on the device; unlike `to`, this encoder stays where it is."""
        return copy.deepcopy(self, {id(buffer): buffer.to(device) for buffer in self.buffers()})

    def channels(self, layer: str) -> int:
        """Return the number of the layer's feature maps."""
        return len(self.get_buffer(f"{layer}_bias"))

    def count_bytes(self) -> int:
        """Return the bytes of the weights."""
        return sum(buffer.numel() * buffer.element_size() for buffer in self.buffers())

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(self.buffers()).device

    def dtype_of(self, layer: str) -> torch.dtype:
        """Return the dtype of the layer's weights."""
        return self.get_buffer(f"{layer}_kernel").dtype

    def _convolve(self, x: Tensor, name: str, padding: Padding) -> Tensor:
        kernel, bias = self.get_buffer(f"{name}_kernel"), self.get_buffer(f"{name}_bias")
        if padding == "zero":
            return functional.conv2d(x, kernel, bias, padding=1)
        if padding == "wrap":
            padded = functional.pad(x, (1, 1, 1, 1), mode="circular")
        elif padding == "wrap-x":
            padded = functional.pad(functional.pad(x, (1, 1, 0, 0), mode="circular"), (0, 0, 1, 1), mode="replicate")
        else:
            # A single position has no neighbor to reflect.
            mode = "replicate" if min(x.shape[-2:]) < 2 else padding
            padded = functional.pad(x, (1, 1, 1, 1), mode=mode)
        return functional.conv2d(padded.contiguous(memory_format=torch.channels_last), kernel, bias)


def block_of(layer: str) -> str:
    """Return the block of a layer: "4" of "conv4_2"."""
    return layer.removeprefix("conv").split("_")[0]


def check_layers(encoder: Vgg, layers: Sequence[str], architecture: str = "this network") -> None:
    """Raise RecipeError if the encoder lacks one of the layers, as VGG-16 lacks conv3_4."""
    for name in layers:
        if name not in encoder.layer_names:
            raise RecipeError(
                f"layer {name!r} is not in {architecture}; expected one of {', '.join(encoder.layer_names)}.",
                "Choose other layers, or other weights with --weights.",
            )


def smallest_side(layers: Collection[str]) -> int:
    """Return the pixels that an image's short side needs so that the deepest of these layers has a position."""
    deepest_block = max((int(block_of(name)) for name in layers), default=1)
    return 1 << (deepest_block - 1)


def sort_layers(layers: Collection[str]) -> tuple[str, ...]:
    """Return the layers, each once, shallow to deep."""
    return tuple(name for name in LAYERS if name in set(layers))

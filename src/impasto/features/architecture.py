"""The VGG family: the layers of each architecture, and checks that tensors are one of them.

Simonyan and Zisserman 2014 (arXiv 1409.1556), table 1: configurations A, B, D and E.
"""

import math
from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from impasto.errors import WeightsError

Layers = dict[str, tuple[Tensor, Tensor]]
"""{"conv1_1": (kernel (out, in, 3, 3), bias (out,)), ...}, float32, shallow to deep. Of a classifier: "fc6" ... "fc8",
each (out, in), the first one's inputs in the order channel, row, column."""

DEPTHS = {"vgg11": (1, 1, 2, 2, 2), "vgg13": (2, 2, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
"""Convolutions in each block."""

CLASSIFIER = ("fc6", "fc7", "fc8")

FULL_WIDTH = 64
"""Filters of conv1_1 at width 1."""


def layers_of(architecture: str) -> tuple[str, ...]:
    """Return the convolutions of an architecture, shallow to deep."""
    depths = DEPTHS[architecture]
    return tuple(f"conv{block}_{i}" for block, depth in enumerate(depths, start=1) for i in range(1, depth + 1))


def find_architecture(names: Collection[str]) -> str:
    """Return the smallest architecture that has all of these convolutions; "" if none has."""
    return next((name for name in DEPTHS if set(names) <= set(layers_of(name))), "")


def width_of(layers: Layers) -> float:
    """Return the width of the network: 1 for 64 filters in conv1_1, 0.25 for 16."""
    return len(layers["conv1_1"][1]) / FULL_WIDTH


def check_layers_complete(label: str, names: Collection[str], architecture: str) -> None:
    """Accept the convolutions of one architecture, all and no others. Raises WeightsError, which names the missing.

    label: names their file in the message. architecture: "" to find it.
    """
    convolutions = [name for name in names if name.startswith("conv")]
    if not convolutions:
        raise WeightsError(
            f"{label} holds no layer such as conv1_1; expected the convolutions of {', '.join(DEPTHS)}.",
            "Give the weights of a VGG, each convolution with a bias.",
        )
    chosen = architecture or find_architecture(convolutions)
    if chosen not in DEPTHS:
        known = {name for each in DEPTHS for name in layers_of(each)}
        odd = ", ".join(sorted(set(convolutions) - known)) or repr(architecture)
        raise WeightsError(f"{label} is no VGG ({odd}); expected {', '.join(DEPTHS)}.", "Give the weights of a VGG.")
    missing = [name for name in layers_of(chosen) if name not in convolutions]
    surplus = [name for name in convolutions if name not in layers_of(chosen)]
    if missing or surplus:
        facts = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has {', '.join(surplus)} too"] * bool(surplus)
        raise WeightsError(
            f"{label} {' and '.join(facts)}; expected the {len(layers_of(chosen))} convolutions of {chosen}.",
            "Get or convert the whole network again.",
        )


def check_shapes(label: str, layers: Layers, classifier: Layers) -> None:
    """Accept layers that fit each other and hold finite numbers. Raises WeightsError."""
    channels = 3
    for name, (kernel, bias) in layers.items():
        if tuple(kernel.shape[1:]) != (channels, 3, 3) or bias.shape != kernel.shape[:1]:
            raise WeightsError(
                f"{label}: {name} has shape {tuple(kernel.shape)}, bias {tuple(bias.shape)}; "
                f"expected (filters, {channels}, 3, 3) and (filters,).",
                "Give the weights of a VGG: 3x3 convolutions, each with a bias.",
            )
        channels = kernel.shape[0]
    for name, (kernel, bias) in classifier.items():
        if kernel.ndim != 2 or bias.shape != kernel.shape[:1]:
            raise WeightsError(
                f"{label}: {name} has shape {tuple(kernel.shape)}, bias {tuple(bias.shape)}; "
                "expected (out, in) and (out,).",
                "Leave the classifier out: --drop-classifier.",
            )
    for name, tensors in (layers | classifier).items():
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors):
            raise WeightsError(f"{label}: {name} holds NaN or infinity.", "Get the file again.")


def grid_side(layers: Layers, first: Tensor) -> int:
    """Return the side of the feature grid that the classifier's first layer takes: 7 for Oxford's. Raises WeightsError.

    first: its weights, (out, channels * side * side).
    """
    channels = len([*layers.values()][-1][1])
    side = math.isqrt(first.shape[1] // channels)
    if channels * side * side != first.shape[1]:
        raise WeightsError(
            f"the classifier takes {first.shape[1]} numbers; expected {channels} channels on a square grid.",
            "Leave the classifier out: --drop-classifier.",
        )
    return side


def in_order(found: Mapping[str, tuple[Tensor, Tensor]], names: Collection[str]) -> Layers:
    """Return the layers of these names, in their order, as contiguous float32."""
    return {
        name: (found[name][0].detach().float().contiguous(), found[name][1].detach().float().contiguous())
        for name in names
        if name in found
    }

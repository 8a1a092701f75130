"""The input that each training of VGG expects. Nobody outside `features` sees these numbers."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """A network's input, made of an image in [0, 1]: channels in `order`, times `scale`, minus `mean`, over `std`.

    mean, std: one number a channel, in `order`, in units of `scale`.
    """

    name: str
    order: Literal["rgb", "bgr"]
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def apply(self, image: Tensor) -> Tensor:
        """Return the network's input, same shape and dtype. image: (B, 3, H, W) in [0, 1], sRGB."""
        ordered = image.flip(1) if self.order == "bgr" else image
        # Made on the device: for a copy from the CPU a GPU is waited for.
        mean, std = (
            torch.cat([image.new_full((1, 1, 1, 1), value) for value in values], dim=1)
            for values in (self.mean, self.std)
        )
        return (ordered * self.scale - mean) / std

    def describe(self) -> str:
        """Return it in words: `BGR, 0..255, minus (103.939, 116.779, 123.68)`."""
        text = f"{self.order.upper()}, 0..{self.scale:g}, minus ({', '.join(f'{value:g}' for value in self.mean)})"
        return text if set(self.std) == {1.0} else f"{text}, divided by ({', '.join(f'{v:g}' for v in self.std)})"


OXFORD = Preprocessing(name="oxford", order="bgr", scale=255.0, mean=(103.939, 116.779, 123.68), std=(1.0, 1.0, 1.0))
TORCHVISION = Preprocessing(
    name="torchvision", order="rgb", scale=1.0, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)
OXFORD_RGB = Preprocessing(
    name="oxford-rgb", order="rgb", scale=255.0, mean=(123.68, 116.779, 103.939), std=(1.0, 1.0, 1.0)
)
"""The same network with its first kernels reversed, as MatConvNet has it."""

PREPROCESSINGS = {preprocessing.name: preprocessing for preprocessing in (OXFORD, TORCHVISION)}


def build_preprocessing(
    order: Literal["rgb", "bgr"],
    scale: float,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
) -> Preprocessing:
    """Return the input of these numbers, a known one if they are equal. Raises ValueError for invalid numbers."""
    numbers = (scale, *mean, *std)
    if len(numbers) != 7 or not all(map(math.isfinite, numbers)) or scale <= 0 or min(std) <= 0:
        raise ValueError(f"scale {scale}, mean {mean}, std {std}")
    built = Preprocessing(name="own", order=order, scale=scale, mean=mean, std=std)
    known = (each for each in (OXFORD, OXFORD_RGB, TORCHVISION) if replace(each, name="own") == built)
    return next(known, built)

"""The input that each training of VGG expects. Nobody outside `features` sees these numbers."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """How an image in [0, 1] becomes the network's input: channels in `order`, times `scale`, minus `mean`, over `std`.

    mean, std: one number a channel, in `order`, in units of `scale`.
    """

    name: str
    order: Literal["rgb", "bgr"]
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def apply(self, image: Tensor) -> Tensor:
        """image: (B, 3, H, W) in [0, 1], sRGB. Returns the network's input, same shape and dtype."""
        ordered = image.flip(1) if self.order == "bgr" else image
        mean = torch.tensor(self.mean, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
        return (ordered * self.scale - mean) / std


OXFORD = Preprocessing(
    name="oxford", order="bgr", scale=255.0, mean=(103.939, 116.779, 123.68), std=(1.0, 1.0, 1.0)
)
TORCHVISION = Preprocessing(
    name="torchvision", order="rgb", scale=1.0, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)
PREPROCESSINGS = {preprocessing.name: preprocessing for preprocessing in (OXFORD, TORCHVISION)}

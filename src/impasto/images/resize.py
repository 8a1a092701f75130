"""Sizes that keep the aspect, and the resizing of an image."""

import math

import torch
from torch import Tensor


def fit_long_edge(height: int, width: int, long_edge: int) -> tuple[int, int]:
    """The (height, width) of the same aspect, within 1 px and at least 1 px, whose longer edge is `long_edge`."""
    longest = max(height, width)
    return max(1, round(height * long_edge / longest)), max(1, round(width * long_edge / longest))


def fit_pixels(height: int, width: int, pixels: int) -> tuple[int, int]:
    """The (height, width) of the same aspect that has about `pixels` pixels, each at least 1.

    The rule of the tool "pastiche": the height is rounded first and the width follows from it.
    """
    fitted_height = max(1, round(math.sqrt(pixels * height / width)))
    return fitted_height, max(1, round(width / height * fitted_height))


def resize_image(image: Tensor, size: tuple[int, int]) -> Tensor:
    """The image at (height, width), bicubic with antialiasing, clamped to [0, 1] because bicubic overshoots at edges.

    image: (B, C, H, W) float32 or float64 in [0, 1]. Returns (B, C, *size), same dtype and device;
    the image itself if it has that size already.
    """
    if tuple(image.shape[-2:]) == tuple(size):
        return image
    resized = torch.nn.functional.interpolate(image, size=size, mode="bicubic", align_corners=False, antialias=True)
    return resized.clamp(0, 1)

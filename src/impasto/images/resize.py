"""Resize images, and compute sizes that keep the aspect."""

import math
from typing import Literal

import torch
from torch import Tensor

Resampling = Literal["bicubic", "bilinear"]
"""How an image is resized: "bicubic" keeps fine grain, "bilinear" (a triangle, as Pillow's BILINEAR) is softer."""


def fit_long_edge(height: int, width: int, long_edge: int) -> tuple[int, int]:
    """Return the (height, width) of the same aspect, within 1 px and at least 1 px, with this longer edge."""
    longest = max(height, width)
    return max(1, round(height * long_edge / longest)), max(1, round(width * long_edge / longest))


def fit_side(height: int, width: int, pixels: int, side: str) -> tuple[int, int]:
    """Return the (height, width) of the same aspect whose side "wide" or "high" has so many pixels."""
    if side == "wide":
        return max(1, round(height * pixels / width)), pixels
    return pixels, max(1, round(width * pixels / height))


def fit_pixels(height: int, width: int, pixels: int) -> tuple[int, int]:
    """Return the (height, width) of the same aspect with about `pixels` pixels, each at least 1.

    The rule of the tool "pastiche": the height is rounded first and the width follows from it.
    """
    fitted_height = max(1, round(math.sqrt(pixels * height / width)))
    return fitted_height, max(1, round(width / height * fitted_height))


def resize_image(image: Tensor, size: tuple[int, int], resampling: Resampling = "bicubic") -> Tensor:
    """Return the image at (height, width), with antialiasing, clamped to [0, 1] because bicubic overshoots at edges.

    image: (B, C, H, W) float32 or float64 in [0, 1]. Returns (B, C, *size), same dtype and device;
    the image itself if it has that size already.
    """
    if tuple(image.shape[-2:]) == tuple(size):
        return image
    resized = torch.nn.functional.interpolate(image, size=size, mode=resampling, align_corners=False, antialias=True)
    return resized.clamp(0, 1)


def resize_long_edge(image: Tensor, long_edge: int) -> Tensor:
    """Return the image resized to this longer edge in pixels, in its own aspect, as `resize_image`."""
    return resize_image(image, fit_long_edge(image.shape[-2], image.shape[-1], long_edge))


def resize_wrapped(image: Tensor, size: tuple[int, int], padding: str) -> Tensor:
    """Resize an image that repeats without a seam in the directions that `padding` wraps around, as `resize_image`."""
    if tuple(image.shape[-2:]) == tuple(size) or padding not in ("wrap", "wrap-x"):
        return resize_image(image, size)
    # The middle of three repetitions knows its neighbours, whatever the two sizes.
    rows, columns = (3 if padding == "wrap" else 1), 3
    height, width = size
    resized = resize_image(image.repeat(1, 1, rows, columns), (rows * height, columns * width))
    top = height if rows == 3 else 0
    return resized[..., top : top + height, width : 2 * width].contiguous()

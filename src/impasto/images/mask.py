"""Masks: grey pictures that say where, from any source; and their feathering."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from impasto.errors import ImageSizeError, MaskError
from impasto.images.io import MAX_PIXELS, ImageSource, read_photograph

ASPECT_TOLERANCE = 0.02
"""How much a mask's aspect may differ from its picture's: by cropping or rounding, not by being of another picture."""

BLACK = 8 / 255
"""Levels up to this are black, and as far from white they are white: what JPEG leaves of them."""


def read_mask(
    source: ImageSource, size: tuple[int, int], *, name: str = "mask", max_pixels: int = MAX_PIXELS
) -> Tensor:
    """The mask at its picture's size, (1, 1, H, W) float32 in [0, 1]; 1 where it is white, 0 where transparent.

    source: what `read_image` takes, and arrays or tensors (H, W), (1, H, W) or (1, 1, H, W), of bools too; of any size
    in its picture's aspect, colors count as their mean. size: (height, width) of its picture. name: what messages call
    it. Raises what `read_image` raises, ImageSizeError (another aspect), MaskError (black everywhere).
    """
    image, carried = read_photograph(_to_picture(source), name=name, max_pixels=max_pixels)
    levels = image.cpu().mean(dim=1, keepdim=True)
    if carried.alpha is not None:
        levels = levels * carried.alpha
    name = f"{name} {str(Path(source))!r}" if isinstance(source, (str, os.PathLike)) else name
    (height, width), (H, W) = levels.shape[-2:], size
    stretch = (width / height) / (W / H)
    if max(stretch, 1 / stretch) > 1 + ASPECT_TOLERANCE:
        raise ImageSizeError(
            f"{name} is {width}x{height}, {width / height:.2f} to 1, and its picture {W}x{H}, {W / H:.2f} to 1; "
            f"expected one aspect, within {ASPECT_TOLERANCE:.0%}.",
            "Give the mask of this picture, whole and upright, at any size.",
        )
    levels = torch.where(levels <= BLACK, 0.0, torch.where(levels >= 1 - BLACK, 1.0, levels))
    if float(levels.max()) == 0:
        raise MaskError(
            f"{name} is empty: black or transparent everywhere; expected white where it applies.",
            "Check that it is the right file, and not inverted.",
        )
    return resize_mask(levels, size)


def resize_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """The mask at (height, width): each pixel the mean of those it covers, so that 0 and 1 are not overshot."""
    if tuple(mask.shape[-2:]) == tuple(size):
        return mask
    return functional.interpolate(mask, size=size, mode="bilinear", align_corners=False, antialias=True).clamp(0, 1)


def feather_mask(mask: Tensor, feather: int) -> Tensor:
    """The mask with a soft border of `feather` pixels, all of them inside: nowhere more than the mask itself.

    mask: (1, 1, H, W) in [0, 1]. At the picture's own border nothing is feathered.
    """
    # What a square erodes, the mean over the same square does not bring back beyond the mask.
    radius = feather // 2
    if radius == 0:
        return mask
    eroded = -_over_squares(functional.max_pool2d, -mask, radius)
    return _over_squares(_mean_pool, eroded, radius)


def _over_squares(pool: Any, mask: Tensor, radius: int) -> Tensor:
    side = 2 * radius + 1
    down = pool(mask, (side, 1), stride=1, padding=(radius, 0))
    pooled: Tensor = pool(down, (1, side), stride=1, padding=(0, radius))
    return pooled


def _mean_pool(mask: Tensor, side: tuple[int, int], stride: int, padding: tuple[int, int]) -> Tensor:
    return functional.avg_pool2d(mask, side, stride, padding, count_include_pad=False)


def _to_picture(source: Any) -> ImageSource:
    """The source as `read_image` takes it."""
    if isinstance(source, np.ndarray) and source.dtype == np.bool_:
        source = source.astype(np.float32)
    if not isinstance(source, Tensor):
        picture: ImageSource = source
        return picture
    levels = source.float() if source.dtype == torch.bool else source
    levels = levels[None] if levels.dim() == 2 else levels
    return levels.repeat_interleave(3, dim=-3) if levels.dim() > 2 and levels.shape[-3] == 1 else levels

"""Convert between the frames of PyAV and images: color matrix, range, depth, orientation, shape of pixels."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from impasto.images.pixels import to_uint8

MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""By the color space of H.273 that a frame names, swscale's number of the matrix: BT.709, FCC, BT.601, BT.2020."""

BT709, BT601 = 1, 5

HDR = (16, 18)
"""Transfers of H.273, PQ and HLG, whose codes are brighter than white; they are brought to those of sRGB."""

WIDE = (9, 11, 12)
"""Primaries of H.273, BT.2020 and P3, whose colors are brought to those of BT.709, where the transfer is known."""

UNKNOWN, SRGB = 2, 13

LIMITED, FULL = 1, 2
"""Ranges: luma from 16 to 235, or from 0 to 255."""

EXACT = 0x4 | 0x40000 | 0x2000 | 0x80000
"""swscale's flags: bicubic, accurate rounding, chroma at full resolution, the same bits on all machines."""

TAGS = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709", "color_range": "tv"}
"""Options of an encoder: the colors that its film says it has, BT.709 in limited range."""


@dataclass(frozen=True, slots=True)
class Upright:
    """How the pixels of a film are turned: size (height, width) after all, then swap of axes and flips.

    stored: height and width before the turn, with square pixels.
    """

    size: tuple[int, int]
    stored: tuple[int, int]
    is_swapped: bool
    flips: tuple[int, ...]

    @classmethod
    def of(cls, frame: Any, pixel_aspect: Fraction | None) -> Self:
        """Read the display matrix, [x y] -> [a x + c y, b x + d y], of a decoded frame; pixels become square."""
        height, width = frame.height, round(frame.width * (pixel_aspect or 1))
        a, b, c, d = 1, 0, 0, 1
        if (matrix := frame.side_data.get("DISPLAYMATRIX")) is not None:
            a, b, _, c, d = (int(value) for value in np.frombuffer(matrix, np.int32)[:5])
        is_swapped = abs(b) > abs(a)
        across, down = (c, b) if is_swapped else (a, d)
        flips = (*((-1,) if across < 0 else ()), *((-2,) if down < 0 else ()))
        return cls((width, height) if is_swapped else (height, width), (height, width), is_swapped, flips)


def describe_loss(frame: Any, path: Path) -> list[str]:
    """Return sentences about what an image does not hold of a decoded frame."""
    warnings = []
    if frame.color_trc in HDR:
        warnings.append(f"film {str(path)!r} is HDR; it is read as SDR, and what is brighter than white is white.")
    if any(part.is_alpha for part in frame.format.components):
        warnings.append(f"film {str(path)!r} has transparent parts; they are shown on white.")
    return warnings


def to_image(frame: Any, upright: Upright) -> Tensor:
    """Return a decoded frame as an image, (1, 3, H, W) float32 in [0, 1], sRGB; transparent parts are on white.

    The codes of BT.709 are taken as those of sRGB, as players and browsers do. A frame that names no matrix is BT.709
    from 1280 pixels of width or 577 rows on, else BT.601, as players do. What is brighter than white in HDR is clipped.
    """
    parts = frame.format.components
    is_deep, has_alpha = max(part.bits for part in parts) > 8, any(part.is_alpha for part in parts)
    large = frame.width >= 1280 or frame.height > 576
    matrix = MATRICES.get(frame.colorspace, BT709 if large else BT601)
    height, width = upright.stored
    target = {"dst_color_trc": SRGB, "dst_color_primaries": BT709} if frame.color_trc in HDR else {}
    if not target and frame.color_primaries in WIDE and frame.color_trc != UNKNOWN:
        target = {"dst_color_trc": frame.color_trc, "dst_color_primaries": BT709}
    converted = frame.reformat(
        *(width, height, ("rgba64le" if has_alpha else "rgb48le") if is_deep else "rgba" if has_alpha else "rgb24"),
        src_colorspace=None if frame.format.is_rgb else matrix,
        src_color_range=None if frame.format.is_rgb else frame.color_range or LIMITED,
        dst_color_range=FULL,
        interpolation=EXACT,
        **target,
    )
    levels = converted.to_ndarray()
    pixels = torch.from_numpy(levels.astype(np.float32)).div_(65535 if is_deep else 255).permute(2, 0, 1)[None]
    if has_alpha:
        pixels = pixels[:, :3] * pixels[:, 3:] + (1 - pixels[:, 3:])
    if upright.is_swapped:
        pixels = pixels.transpose(-1, -2)
    return pixels.flip(upright.flips).contiguous()


def to_picture(image: Tensor, pixel_format: str, av: Any) -> Any:
    """Return PyAV's frame of an image, (1, 3, H, W) in [0, 1], sRGB. av: the module.

    pixel_format: "yuv420p", in BT.709 and limited range, both sides made even by a copy of the last row or column; or
    "rgb24", the nearest 8-bit levels.
    """
    levels = to_uint8(image.detach()).cpu().numpy()
    if pixel_format == "rgb24":
        return av.VideoFrame.from_ndarray(levels, format="rgb24")
    height, width = levels.shape[:2]
    even = np.pad(levels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return av.VideoFrame.from_ndarray(even, format="rgb24").reformat(
        format=pixel_format, dst_colorspace=BT709, src_color_range=FULL, dst_color_range=LIMITED, interpolation=EXACT
    )

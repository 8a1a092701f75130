"""Scenes: where a film cuts from one shot to the next."""

import torch
from torch import Tensor

from impasto.images.resize import fit_long_edge, resize_image
from impasto.video.flow import find_motion

LONG_EDGE = 96
"""Pixels at which frames are compared: a few milliseconds a frame."""

LEAST_VISIBLE = 0.5
"""Share of a frame that is found in the one before it, below which it may be a cut; between shots under 0.25."""

LEAST_CHANGE = 0.3
"""Share of the pixels whose colors are new, above which it may be a cut: a fast pan keeps its colors, a flash keeps its
places, a cut neither. Between photographs 0.35 to 0.85."""

BINS = 8
"""Levels of each channel in which colors are counted."""


def is_cut(before: Tensor, frame: Tensor) -> bool:
    """Whether a film cuts between two frames that follow each other: neither places nor colors go on.

    before, frame: (1, 3, H, W) of one size, in [0, 1], sRGB. A dissolve has no cut. Raises MissingExtraError.
    """
    size = fit_long_edge(frame.shape[-2], frame.shape[-1], min(LONG_EDGE, max(frame.shape[-2:])))
    before, frame = (resize_image(image, size, "bilinear") for image in (before, frame))
    change = float((_count_colors(before) - _count_colors(frame)).abs().sum()) / 2
    if change <= LEAST_CHANGE:
        return False
    return float(find_motion(frame, before)[1].mean()) < LEAST_VISIBLE


def _count_colors(image: Tensor) -> Tensor:
    """Return the share of the pixels in each cell of the sRGB cube, (BINS^3,)."""
    red, green, blue = (image[0] * BINS).long().clamp_max(BINS - 1).flatten(1)
    counts = torch.bincount((red * BINS + green) * BINS + blue, minlength=BINS**3)
    return counts / counts.sum()

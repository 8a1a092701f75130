"""A known motion: two windows of one photograph, a little apart, and the flow between them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

MOTION = 1 / 16
"""Most change of place and of edge, as a share of the window's edge: 8 pixels of 128, as between frames of a film."""

GRAIN = 0.02
"""Deviation of the noise of the second window, such as a camera's."""


@dataclass(frozen=True, slots=True)
class Box:
    """A square part of a photograph, in its pixels."""

    top: int
    left: int
    edge: int


def move_box(box: Box, size: tuple[int, int], rng: np.random.Generator) -> Box:
    """Return a box near another one, inside a photograph of (H, W): as a camera sees it that pans and zooms."""
    most = max(1, round(box.edge * MOTION))
    zoom, down, right = rng.integers(-most, most + 1, 3).tolist()
    edge = min(max(1, box.edge + zoom), *size)
    return Box(min(max(0, box.top + down), size[0] - edge), min(max(0, box.left + right), size[1] - edge), edge)


def flow_between(box: Box, moved: Box, crop: int, *, is_flipped: bool) -> Tensor:
    """Return the flow of the window of a moved box to that of the first, (1, 2, crop, crop), as `images.warp` takes it.

    Both windows are resized to crop x crop pixels, and mirrored if is_flipped.
    """
    middles = torch.arange(crop, dtype=torch.float32) + 0.5
    rows, columns = (
        (start - first + middles * moved.edge / crop) * crop / box.edge - middles
        for start, first in ((moved.top, box.top), (moved.left, box.left))
    )
    if is_flipped:
        columns = -columns.flip(0)
    return torch.stack([columns[None, :].expand(crop, -1), rows[:, None].expand(-1, crop)])[None].contiguous()


def add_grain(window: Tensor, rng: np.random.Generator) -> Tensor:
    """Return a window in [0, 1] with a camera's noise."""
    grain = rng.standard_normal(tuple(window.shape), dtype=np.float32)
    return (window + GRAIN * torch.from_numpy(grain)).clamp(0, 1)

"""Steadier frames of networks: what flickers in a painted frame is taken from the one before it, along the motion."""

import torch
from torch import Tensor

from impasto.images.resize import resize_image
from impasto.images.warp import warp
from impasto.video.flow import combine_around, find_lasting, mean_around

KEPT = 0.75
"""Share that the frame before keeps where neither the film nor what is painted changes: flicker is a third, style and
contrast stay (docs/experiments.md)."""

APART = 0.2
"""Difference of the painted frames, along the motion, at which half of that share is left: strokes that have nothing in
common are mixed less, since their mean is none."""

MOST_GAIN = 1.6
"""Most by which contrast is raised: the mean of two textures that have nothing in common lacks a factor of 1.4."""

GRAIN = 0.01
"""Contrast that counts as none."""


def steady_frame(painted: Tensor, frame: Tensor, steady_before: Tensor, before: Tensor) -> Tensor:
    """Return a painted frame, steadied: mixed with the steadied one before it, carried along the film's motion.

    painted: a network's frame; steady_before: what this function returned for the frame before; frame, before: both of
    the film. All (1, 3, H, W) in [0, 1], sRGB, those of the film of any size. Returns the shape of `painted`. Raises
    MissingExtraError.

    Where a frame does not show what the one before it showed, or the film itself changes there, it stays as painted.
    Nothing trails: what is carried is first clamped to the least and largest value of the painted frame's surroundings,
    as renderers do (Karis 2014, "High-quality temporal supersampling"). Nothing blurs: it is carried bicubically, and
    the contrast of the mixture in each place is brought back to that of the painted frame.
    """
    size = (painted.shape[-2], painted.shape[-1])
    frame, before = resize_image(frame, size), resize_image(before, size)
    flow, lasting = find_lasting(frame, before)
    highest, lowest = combine_around(painted, torch.maximum), combine_around(painted, torch.minimum)
    carried = torch.minimum(torch.maximum(warp(steady_before, flow, "bicubic"), lowest), highest)
    mixed = painted.lerp(carried, KEPT * lasting / (1 + _squared(painted - carried) / APART**2))
    base = mean_around(mixed)
    wanted, found = _squared(painted - mean_around(painted)), _squared(mixed - base)
    gain = ((wanted + GRAIN**2) / (found + GRAIN**2)).sqrt().clamp(1, MOST_GAIN)
    return (base + gain * (mixed - base)).clamp(0, 1)


def _squared(difference: Tensor) -> Tensor:
    """Return the mean square around each pixel, (1, 1, H, W)."""
    return mean_around(difference.square().mean(1, keepdim=True))

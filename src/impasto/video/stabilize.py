"""Steadier frames of networks: what flickers in a painted frame is taken from the one before it, along the motion."""

import torch
from torch import Tensor
from torch.nn import functional

from impasto.images.resize import resize_image
from impasto.images.warp import warp
from impasto.video.flow import find_motion

KEPT = 0.7
"""Share that the frame before keeps where the film does not change."""

SAME = 0.03
"""Difference of the film's frames, along the motion, at which half of that share is left: a shadow that passes, a flow
that is wrong."""

REACH = 5
"""Pixels of the square in which a painted frame bounds what is taken from the one before: no ghost has other colors."""


def steady_frame(painted: Tensor, frame: Tensor, steady_before: Tensor, before: Tensor) -> Tensor:
    """Return a painted frame, steadied: mixed with the steadied one before it, carried along the film's motion.

    painted: a network's frame; steady_before: what this function returned for the frame before; frame, before: both of
    the film. All (1, 3, H, W) in [0, 1], sRGB, those of the film of any size. Returns the shape of `painted`. Raises
    MissingExtraError.

    Where a frame does not show what the one before it showed, or the film itself changes there, it stays as painted.
    What is carried is first clamped to the least and largest value of the painted frame's surroundings, as renderers do
    (Karis 2014, "High-quality temporal supersampling"), so that nothing trails, and it is carried bicubically, so that
    nothing blurs.
    """
    size = (painted.shape[-2], painted.shape[-1])
    frame, before = resize_image(frame, size), resize_image(before, size)
    flow, visible = find_motion(frame, before)
    change = (frame - warp(before, flow)).square().mean(1, keepdim=True)
    change = functional.avg_pool2d(functional.pad(change, (2, 2, 2, 2), mode="replicate"), 5, stride=1)
    kept = KEPT * visible / (1 + change / SAME**2)
    carried = warp(steady_before, flow, "bicubic")
    reach = (REACH, 1, REACH // 2)
    highest, lowest = functional.max_pool2d(painted, *reach), -functional.max_pool2d(-painted, *reach)
    return painted.lerp(torch.minimum(torch.maximum(carried, lowest), highest), kept)

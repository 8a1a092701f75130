"""Flicker: how much a painted film changes where the film itself only moves."""

from torch import Tensor

from impasto.images.warp import warp


def warping_error(painted: Tensor, painted_before: Tensor, flow: Tensor, visible: Tensor) -> float:
    """Return the mean squared difference of two painted frames along the motion, over channels and visible pixels.

    painted, painted_before: (1, 3, H, W) in [0, 1], sRGB. flow: of the film, from the frame to the one before,
    (1, 2, H, W), pixels, (dx, dy). visible: where the one before shows the frame's pixels, (1, 1, H, W) in [0, 1].
    Returns 0 where none is visible.
    Lai et al. 2018, "Learning Blind Video Temporal Consistency" (arXiv 1808.00449): E_warp is its mean over the pairs
    of a film. Differs: the mean over channels, not their sum; each frame is compared with the one before it; bicubic,
    since bilinear interpolation finds a blurred film the calmer.
    """
    squares = (painted - warp(painted_before, flow, "bicubic")).square().mean(1, keepdim=True)
    return float((visible * squares).sum() / visible.sum().clamp_min(1))

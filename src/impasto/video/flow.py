"""Optical flow: where each pixel of a frame lies in another one, and which pixels lie in both."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from impasto.errors import MissingExtraError
from impasto.images.resize import resize_image
from impasto.images.warp import inside, warp

INSTALL = 'pip install "impasto[video]"'

SAME = 0.06
"""Difference of a film's frames, along the motion, at which half of what was painted lasts."""

SAME_CONTRAST = 0.3
"""The same in a fine comparison, as a share of the contrast around, and at most SAME."""

FAINT = 0.01
"""Least such difference, where there is no contrast."""

NOISE = 4.0
"""Least such squared difference, by the median of those of the whole frame, which are the film's noise."""

REACH = 9
"""Pixels of the square in which a difference is measured; one more than a power of 2."""

LEAST_SIDE = 48
"""Pixels of the shorter side at least, for the patches of the coarsest scale; smaller frames are enlarged."""

SMOOTHNESS = 10.0
"""Weight of the smoothness of a fine flow, half of OpenCV's own."""


def compute_flow(first: Tensor, second: Tensor, *, fine: bool = False) -> Tensor:
    """Return the flow from the first frame to the second: pixel p of the first is found at p + flow(p) in the second.

    first, second: (1, 3, H, W) of one size, in [0, 1], sRGB. Returns (1, 2, H, W) float32, pixels, (dx, dy), on the
    CPU; the same on any number of cores.
    Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search" (arXiv 1603.03590), by OpenCV, with its medium
    settings: patches are matched down to half the resolution, and refined there. fine: down to the full resolution, and
    smoothed less, in about twice the time: what is carried from frame to frame keeps to narrow things that move.
    Raises MissingExtraError.
    """
    cv2 = import_opencv()
    H, W = first.shape[-2:]
    factor = max(1.0, LEAST_SIDE / min(H, W))
    size = (round(factor * H), round(factor * W))
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    if fine:
        search.setFinestScale(0)
        search.setVariationalRefinementAlpha(SMOOTHNESS)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # each thread matches a strip of its own, and no match passes from one strip to the next
    try:
        found = search.calc(_to_levels(first, size), _to_levels(second, size), None)
    finally:
        cv2.setNumThreads(threads)
    flow = torch.from_numpy(found).permute(2, 0, 1)[None].contiguous()
    if factor == 1:
        return flow
    scale = flow.new_tensor([W / size[1], H / size[0]]).view(1, 2, 1, 1)
    return scale * functional.interpolate(flow, size=(H, W), mode="bilinear", align_corners=False)


def find_motion(frame: Tensor, before: Tensor, *, fine: bool = False) -> tuple[Tensor, Tensor]:
    """Return the flow from a frame of a film to an earlier one, and where that shows the frame's pixels.

    Both (1, 3, H, W) of one size, in [0, 1], sRGB. Returns what `compute_flow` and `find_visible` return.
    """
    flow = compute_flow(frame, before, fine=fine)
    return flow, find_visible(flow, compute_flow(before, frame, fine=fine))


def find_lasting(frame: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """Return the flow from a frame of a film to an earlier one, and how far what was painted there lasts.

    As `find_motion`; what lasts is what is visible and similar, (1, 1, H, W) in [0, 1].
    """
    flow, visible = find_motion(frame, before)
    return flow, visible * find_similar(frame, before, flow)


def find_similar(frame: Tensor, before: Tensor, flow: Tensor, *, fine: bool = False) -> Tensor:
    """Return how far a frame of a film looks as an earlier one does along the flow, (1, 1, H, W) in [0, 1].

    It does not where a shadow passes, or a ball is too fast for the flow, nor where the flow leaves the frame.
    fine: nor where something faint changes, such as a face: differences above the film's noise count by the contrast
    around, and small ones less, since they add up from frame to frame.
    """
    change = mean_around((frame - warp(before, flow)).square().mean(1, keepdim=True))
    same = torch.full_like(change, SAME**2)
    if fine:
        contrast = mean_around((frame - mean_around(frame)).square().mean(1, keepdim=True))
        noise = max(FAINT**2, NOISE * float(change.median()))
        same = (noise + SAME_CONTRAST**2 * contrast).clamp_max(SAME**2)
        change = change.square() / same
    return inside(flow) / (1 + change / same)


def mean_around(image: Tensor) -> Tensor:
    """Return the mean of each pixel's square of REACH pixels, of the image's shape."""
    return combine_around(image, torch.add) / REACH**2


def combine_around(image: Tensor, combine: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Return the values of each pixel's square of REACH pixels, combined to one, of the image's shape.

    combine: torch.add, torch.maximum or torch.minimum. On a CPU much quicker than torch's pooling.
    """
    image = functional.pad(image, (REACH // 2,) * 4, mode="replicate")
    for dim in (-2, -1):
        line, reach = image, 1
        while 2 * reach < REACH:
            length = line.shape[dim] - reach
            line, reach = combine(line.narrow(dim, 0, length), line.narrow(dim, reach, length)), 2 * reach
        length = image.shape[dim] - reach
        image = combine(line.narrow(dim, 0, length), image.narrow(dim, reach, length))
    return image


def find_visible(flow: Tensor, opposite: Tensor) -> Tensor:
    """Return where the pixels of a frame are found in another: 1, and 0 at occlusions and motion boundaries.

    flow: from the frame to the other, opposite: from the other to the frame, both (1, 2, H, W), pixels, (dx, dy).
    Returns (1, 1, H, W) float32, of the first frame's pixels.
    Ruder, Dosovitskiy and Brox 2016 (arXiv 1604.08610), section 4.2. With w the flow and v the opposite one carried
    along it, a pixel is occluded where |w + v|^2 > 0.01 (|w|^2 + |v|^2) + 0.5, and at a motion boundary where the
    squared gradient of w is above 0.01 |w|^2 + 0.002. Differs: what leaves the frame is occluded too.
    """
    back = warp(opposite, flow)
    length, back_length = _squared(flow), _squared(back)
    occluded = _squared(flow + back) > 0.01 * (length + back_length) + 0.5
    gradient = sum(_squared(slope) for slope in torch.gradient(flow, dim=(2, 3)))
    boundary = gradient > 0.01 * length + 0.002
    return inside(flow) * ~(occluded | boundary)


def import_opencv() -> Any:
    """Return the module cv2 of the extra [video]. Raises MissingExtraError."""
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        raise MissingExtraError(f"the motion of a film is found by OpenCV ({error}).", f"Run: {INSTALL}") from error


def _to_levels(image: Tensor, size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the luma of an image as levels 0 to 255, (H, W)."""
    weights = image.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    grey = resize_image((weights * image).sum(1, keepdim=True), size, "bilinear")
    levels: np.ndarray[Any, np.dtype[np.uint8]] = (grey[0, 0] * 255).round().to("cpu", torch.uint8).numpy()
    return levels


def _squared(vectors: Tensor) -> Tensor:
    return vectors.square().sum(1, keepdim=True)

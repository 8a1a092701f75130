"""The scales of a pastiche, coarse to fine, and their share of the steps."""

import math
from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor

from impasto.images.resize import Resampling, resize_image, resize_wrapped
from impasto.system.torch_settings import Precision

T = TypeVar("T")


def plan_scales(height: int, width: int, first_scale: int, smallest_side: int) -> tuple[tuple[int, int], ...]:
    """Return sizes (height, width) from coarse to fine, each half of the next, ending at (height, width).

    first_scale: the coarsest long edge is the one nearest to this many pixels, by ratio; 0 gives one scale. Scales
    whose short side is under `smallest_side` are omitted.
    """
    sizes = [(height, width)]
    while first_scale and max(sizes[0]) > math.sqrt(2) * first_scale:
        coarser = (round(height / 2 ** len(sizes)), round(width / 2 ** len(sizes)))
        if min(coarser) < smallest_side:
            break
        sizes.insert(0, coarser)
    return tuple(sizes)


def enlarge_with_detail(
    image: Tensor,
    size: tuple[int, int],
    content: Tensor | None,
    detail: float,
    padding: str,
    resampling: Resampling = "bicubic",
) -> Tensor:
    """Return a picture (1, 3, h, w) in [0, 1] at the next scale, (height, width), with fine detail of the photograph.

    content: the photograph at any size, (1, 3, H, W), or None. Its detail that is too fine for h x w is added, times
    `detail`: an enlarged picture has no fine detail, and its loss starts a hundred times as high as it ended.
    """
    if tuple(image.shape[-2:]) == size:
        return image
    enlarged = resize_wrapped(image, size, padding)
    if content is None or detail == 0:
        return enlarged
    here = resize_image(content, size, resampling)
    seen = resize_image(resize_image(content, (image.shape[-2], image.shape[-1]), resampling), size)
    return (enlarged + detail * (here - seen)).clamp(0, 1)


def share_steps(
    steps: int, scales: Sequence[T], *, finer_steps: float = 1.0, float32_steps: int = 0
) -> tuple[tuple[T, int, Precision], ...]:
    """Return the steps of each scale, coarse to fine, as (scale, steps, precision) in turn.

    finer_steps: steps of a scale for one of the coarser scale before it; the last scale has one step at least.
    float32_steps: how many, counted from the last, are in float32.
    """
    first = 1 - len(scales) if finer_steps > 1 else 0  # no power overflows
    weights = [finer_steps ** (first + index) for index in range(len(scales))]
    ends = [math.floor(steps * sum(weights[: index + 1]) / sum(weights)) for index in range(len(scales) - 1)]
    ends = [min(end, steps - 1) for end in ends]
    parts: list[tuple[T, int, Precision]] = []
    left = steps
    for scale, start, end in zip(scales, [0, *ends], [*ends, steps], strict=True):
        share = end - start
        lower = min(share, max(0, left - float32_steps))
        parts += [(scale, lower, "bfloat16")] if lower else []
        parts += [(scale, share - lower, "float32")] if lower < share else []
        left -= share
    return tuple(parts)

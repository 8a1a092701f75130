"""Coarse to fine: the scales a pastiche is painted at, and their share of the steps."""

import math
from collections.abc import Sequence
from typing import Literal, TypeVar

Precision = Literal["float32", "bfloat16"]
T = TypeVar("T")


def plan_scales(height: int, width: int, first_scale: int, smallest_side: int) -> tuple[tuple[int, int], ...]:
    """Sizes (height, width) from coarse to fine, each half of the next, ending at (height, width).

    first_scale: the coarsest long edge is at least this many pixels; 0 gives one scale. Scales whose short
    side is under `smallest_side` are left out.
    """
    sizes = [(height, width)]
    while first_scale and max(sizes[0]) >= 2 * first_scale:
        coarser = (round(height / 2 ** len(sizes)), round(width / 2 ** len(sizes)))
        if min(coarser) < smallest_side:
            break
        sizes.insert(0, coarser)
    return tuple(sizes)


def share_steps(
    steps: int, scales: Sequence[T], *, finer_steps: float = 1.0, float32_steps: int = 0
) -> tuple[tuple[T, int, Precision], ...]:
    """`steps` shared by the scales, coarse to fine, as (scale, steps, precision) in turn.

    finer_steps: steps of a scale for one of the coarser scale before it. float32_steps: how many, counted from the
    last, are in float32.
    """
    weights = [finer_steps**index for index in range(len(scales))]
    ends = [math.floor(steps * sum(weights[: index + 1]) / sum(weights)) for index in range(len(scales) - 1)]
    parts: list[tuple[T, int, Precision]] = []
    left = steps
    for scale, start, end in zip(scales, [0, *ends], [*ends, steps], strict=True):
        share = end - start
        lower = min(share, max(0, left - float32_steps))
        parts += [(scale, lower, "bfloat16")] if lower else []
        parts += [(scale, share - lower, "float32")] if lower < share else []
        left -= share
    return tuple(parts)

"""Coarse to fine: the scales a pastiche is painted at, and their share of the steps."""


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


def share_steps(steps: int, scales: int) -> tuple[int, ...]:
    """`steps` shared equally by the scales, coarse to fine; what is left over goes to the finest ones."""
    each, rest = divmod(steps, scales)
    return tuple(each + (index >= scales - rest) for index in range(scales))

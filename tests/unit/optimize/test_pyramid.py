"""Scales and shares of the steps."""

import pytest

from impasto.optimize.pyramid import plan_scales, share_steps


@pytest.mark.parametrize(
    ("size", "first_scale", "smallest_side", "expected"),
    [
        ((384, 512), 128, 16, ((96, 128), (192, 256), (384, 512))),
        ((384, 512), 0, 16, ((384, 512),)),
        ((384, 500), 128, 16, ((192, 250), (384, 500))),
        ((100, 120), 128, 16, ((100, 120),)),
        ((40, 1024), 128, 16, ((20, 512), (40, 1024))),
    ],
)
def test_scales_halve_down_to_the_first(
    size: tuple[int, int], first_scale: int, smallest_side: int, expected: tuple[tuple[int, int], ...]
) -> None:
    assert plan_scales(*size, first_scale, smallest_side) == expected


def test_shares_add_up_and_the_finest_get_the_rest() -> None:
    assert share_steps(240, 3) == (80, 80, 80)
    assert share_steps(11, 3) == (3, 4, 4)
    assert share_steps(1, 3) == (0, 0, 1)

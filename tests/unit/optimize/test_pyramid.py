"""Scales and shares of the steps."""

import pytest
import torch

from impasto.images.resize import resize_image
from impasto.optimize.pyramid import enlarge_with_detail, plan_scales, share_steps


@pytest.mark.parametrize(
    ("size", "first_scale", "smallest_side", "expected"),
    [
        ((384, 512), 128, 16, ((96, 128), (192, 256), (384, 512))),
        ((384, 512), 0, 16, ((384, 512),)),
        ((384, 500), 128, 16, ((96, 125), (192, 250), (384, 500))),
        ((288, 384), 128, 16, ((72, 96), (144, 192), (288, 384))),
        ((270, 360), 128, 16, ((135, 180), (270, 360))),
        ((100, 181), 128, 16, ((100, 181),)),
        ((40, 1024), 128, 16, ((20, 512), (40, 1024))),
    ],
)
def test_scales_halve_down_to_the_first(
    size: tuple[int, int], first_scale: int, smallest_side: int, expected: tuple[tuple[int, int], ...]
) -> None:
    assert plan_scales(*size, first_scale, smallest_side) == expected


def test_shares_add_up_and_the_finest_get_the_rest() -> None:
    small, large = (12, 16), (24, 32)
    assert share_steps(240, [small, large]) == ((small, 120, "bfloat16"), (large, 120, "bfloat16"))
    assert share_steps(11, [small, large], float32_steps=11) == ((small, 5, "float32"), (large, 6, "float32"))
    assert share_steps(1, [small, large]) == ((large, 1, "bfloat16"),)
    halved = share_steps(70, [small, large, (48, 64)], finer_steps=0.5)
    assert [steps for _, steps, _ in halved] == [40, 20, 10]


@pytest.mark.parametrize("finer_steps", [1e-300, 1e-6, 0.1, 0.5, 1.0, 1e6, 1e300])
def test_the_last_scale_has_a_step_at_least(finer_steps: float) -> None:
    for steps in (1, 2, 10):
        parts = share_steps(steps, [(12, 16), (24, 32), (48, 64)], finer_steps=finer_steps)
        assert parts[-1][0] == (48, 64) and sum(share for _, share, _ in parts) == steps


def test_the_last_steps_are_in_float32() -> None:
    small, large = (12, 16), (24, 32)
    assert share_steps(10, [small, large], float32_steps=2) == (
        (small, 5, "bfloat16"),
        (large, 3, "bfloat16"),
        (large, 2, "float32"),
    )
    assert share_steps(10, [small, large], float32_steps=7) == (
        (small, 3, "bfloat16"),
        (small, 2, "float32"),
        (large, 5, "float32"),
    )


def test_an_enlarged_picture_gets_back_the_detail_it_never_saw() -> None:
    content = 0.25 + 0.5 * torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    small = resize_image(content, (16, 24))
    assert torch.equal(enlarge_with_detail(small, (16, 24), content, 1.0, "zero"), small)
    plain = resize_image(small, (32, 48))
    assert torch.equal(enlarge_with_detail(small, (32, 48), None, 1.0, "zero"), plain)
    assert torch.equal(enlarge_with_detail(small, (32, 48), content, 0.0, "zero"), plain)
    torch.testing.assert_close(enlarge_with_detail(small, (32, 48), content, 1.0, "zero"), content)
    assert (plain - content).abs().mean() > 0.05
    twice = enlarge_with_detail(small, (32, 48), content, 2.0, "zero")
    assert twice.min() >= 0 and twice.max() <= 1 and not torch.equal(twice, content)

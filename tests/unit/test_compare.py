"""Quality figures: 0 for the same picture, larger for another."""

from collections.abc import Callable

import pytest
from torch import Tensor

from impasto.compare import structure_metric, style_metric
from impasto.features.vgg import Vgg

Paint = Callable[..., Tensor]


def test_the_same_picture_is_at_distance_zero(tiny_encoder: Vgg, picture: Paint) -> None:
    assert style_metric(tiny_encoder, picture(48, 64), picture(48, 64)) == pytest.approx(0, abs=1e-6)
    assert structure_metric(tiny_encoder, picture(48, 64), picture(48, 64)) == pytest.approx(0, abs=1e-6)


def test_another_picture_is_farther_than_a_shifted_one(tiny_encoder: Vgg, picture: Paint) -> None:
    """Style does not care for places, structure does."""
    image = picture(64, 64)
    shifted = image.roll(32, dims=3)
    other = picture(64, 64, seed=5)
    assert style_metric(tiny_encoder, shifted, image) < 0.5 * style_metric(tiny_encoder, other, image)
    assert structure_metric(tiny_encoder, shifted, image) > 0.01

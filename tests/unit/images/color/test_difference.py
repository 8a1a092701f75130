"""Differences of pictures: against scikit-image, and the laws of each."""

from collections.abc import Callable

import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from impasto.images.color.difference import color_metric, palette_color_metric, palette_metric, ssim_metric
from impasto.images.color.lab import to_lab

Paint = Callable[..., Tensor]


def test_ssim_agrees_with_scikit_image(picture: Paint) -> None:
    """To 1e-4: variances are differences of float32 means."""
    image = picture(40, 50, 1)
    other = (image + 0.1 * torch.randn(image.shape)).clamp(0, 1)
    x, y = ((torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1) * i[0]).sum(0).double().numpy() for i in (image, other))
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    assert ssim_metric(image, other) == pytest.approx(structural_similarity(x, y, **options), abs=1e-4)


@pytest.mark.parametrize("metric", [color_metric, palette_color_metric, palette_metric])
def test_a_picture_is_at_distance_zero_from_itself(metric: Callable[..., float], picture: Paint) -> None:
    assert metric(picture(), picture()) == pytest.approx(0, abs=1e-5)
    assert metric(picture(), picture(seed=1)) > 1


@pytest.mark.parametrize("metric", [ssim_metric, color_metric, palette_metric])
def test_these_do_not_care_for_the_order(metric: Callable[..., float], picture: Paint) -> None:
    a, b = picture(), picture(seed=1)
    assert metric(a, b) == pytest.approx(metric(b, a), abs=1e-4)


@pytest.mark.parametrize("metric", [palette_color_metric, palette_metric])
def test_palettes_do_not_care_for_places_and_size(metric: Callable[..., float], picture: Paint) -> None:
    image = picture(32, 48)
    assert metric(image.flip(3), image) == pytest.approx(0, abs=1e-4)
    assert metric(image.repeat_interleave(2, dim=3), image) == pytest.approx(0, abs=1e-4)
    assert color_metric(image.flip(3), image) > 1


def test_noise_lowers_ssim_and_moves_colors_by_its_strength(picture: Paint) -> None:
    image, noise = picture(), torch.randn(1, 3, 32, 32)
    noisy = [(image + strength * noise).clamp(0, 1) for strength in (0.02, 0.05, 0.1)]
    ssims, colors = [ssim_metric(n, image) for n in noisy], [color_metric(n, image) for n in noisy]
    assert ssims == sorted(ssims, reverse=True)
    assert colors == sorted(colors)


@pytest.mark.parametrize("level", [0.2, 0.6, 0.9])
def test_the_palette_distance_of_flat_pictures_is_that_in_lab(level: float) -> None:
    """To 4 %: the directions are 32, not all."""
    grey, color = torch.full((1, 3, 8, 8), 0.5), torch.tensor([level, 0.4, 0.1]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    expected = float((to_lab(grey) - to_lab(color))[..., 0, 0].norm())
    assert palette_metric(grey, color) == pytest.approx(expected, rel=0.04)


def test_colors_that_the_other_has_cost_nothing_however_often() -> None:
    both = torch.zeros(1, 3, 16, 16)
    both[..., 8:] = 1
    white = torch.ones(1, 3, 16, 16)
    assert palette_color_metric(white, both) == pytest.approx(0, abs=1e-4)
    assert palette_color_metric(both, white) == pytest.approx(50, abs=0.1)  # half of it is black, 100 away

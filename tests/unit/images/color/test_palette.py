"""Colors brought to those of another picture: moments, histograms, lightness, chroma; grey and flat pictures too."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.images.color.oklab import to_grey, to_oklab
from impasto.images.color.palette import (
    LINEAR_MAPS,
    REGULARIZATION,
    color_moments,
    match_chroma,
    match_histogram,
    match_lightness,
    match_moments,
    power,
    take_chroma,
)

Paint = Callable[..., Tensor]
MAPS = pytest.mark.parametrize("linear_map", [*LINEAR_MAPS])


def color(*channels: float) -> Tensor:
    return torch.tensor(channels).view(1, 3, 1, 1)


def covariance(seed: int, size: int = 3) -> Tensor:
    root = torch.randn(size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return root @ root.T / 50


def test_moments_are_those_of_torch(picture: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.images.color.palette.PART", 100)  # ends within a part
    image = picture()
    mean, found = color_moments(image)
    pixels = image[0].flatten(1).double()
    torch.testing.assert_close(mean, pixels.mean(1))
    torch.testing.assert_close(found, torch.cov(pixels, correction=0))


@MAPS
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_map_carries_one_covariance_to_the_other(linear_map: str, size: int) -> None:
    source, target = covariance(1, size), covariance(2, size)
    matrix = LINEAR_MAPS[linear_map](source, target)
    torch.testing.assert_close(matrix @ source @ matrix.T, target)


def test_monge_is_symmetric_and_changes_colors_least() -> None:
    """The mean squared change is tr(Sigma_S + Sigma_T - 2 A Sigma_S)."""
    source, target = covariance(1), covariance(2)
    matrices = {name: build(source, target) for name, build in LINEAR_MAPS.items()}
    change = {name: float(torch.trace(source + target - 2 * matrix @ source)) for name, matrix in matrices.items()}
    torch.testing.assert_close(matrices["monge"], matrices["monge"].T)
    assert change["monge"] < min(change["cholesky"], change["pca"])


def test_a_power_of_a_covariance_is_its_inverse_root() -> None:
    root = power(covariance(3), -0.5)
    torch.testing.assert_close(root @ covariance(3) @ root, torch.eye(3, dtype=torch.float64))


@MAPS
def test_matched_moments_are_the_targets(linear_map: str, picture: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    """To 1e-3, as issue 5 asks, and far closer: what is left is the regularization."""
    monkeypatch.setattr("impasto.images.color.palette.PART", 1000)
    image, target = picture(40, 30, 1), picture(20, 50, 2)
    moved = match_moments(image, target, linear_map)
    assert moved.shape == image.shape and moved.dtype == image.dtype
    for found, wanted in zip(color_moments(moved), color_moments(target), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


@MAPS
def test_faint_colors_are_matched_to_a_thousandth(linear_map: str, picture: Paint) -> None:
    """A picture that is grey but for one level of 255 still gets all of the target's colors."""
    rounded = (255 * to_grey(picture())).round()
    faint = ((rounded + torch.randint(0, 2, rounded.shape)) / 255).clamp(0, 1)
    for found, wanted in zip(
        color_moments(match_moments(faint, picture(seed=3), linear_map)), color_moments(picture(seed=3)), strict=True
    ):
        torch.testing.assert_close(found, wanted, atol=1e-3, rtol=0)


@MAPS
def test_a_grey_picture_gets_the_mean_and_stays_on_one_line_of_colors(linear_map: str, picture: Paint) -> None:
    target = picture(seed=1)
    moved = match_moments(to_grey(picture()), target, linear_map)
    mean, found = color_moments(moved)
    torch.testing.assert_close(mean, color_moments(target)[0], atol=1e-4, rtol=0)
    assert bool(torch.isfinite(moved).all())
    assert float(torch.linalg.eigvalsh(found)[1]) < 100 * REGULARIZATION
    assert float(torch.linalg.eigvalsh(found)[2]) > 0.01


@MAPS
def test_a_grey_photograph_makes_the_style_grey(linear_map: str, picture: Paint) -> None:
    moved = match_moments(picture(), to_grey(picture(seed=1)), linear_map)
    assert float((moved - moved.mean(1, keepdim=True)).abs().max()) < 2e-3


@MAPS
def test_flat_pictures_are_moved_to_the_mean(linear_map: str, picture: Paint) -> None:
    flat, target = color(0.2, 0.5, 0.7).expand(1, 3, 8, 8), picture()
    expected = color_moments(target)[0].float().view(1, 3, 1, 1).expand(1, 3, 8, 8)
    torch.testing.assert_close(match_moments(flat, target, linear_map), expected, atol=1e-5, rtol=0)
    assert float((match_moments(target, flat, linear_map) - flat[..., :1, :1]).abs().max()) < 1e-3


def test_a_matched_histogram_has_exactly_the_targets_values(picture: Paint) -> None:
    image, target = torch.rand(1, 3, 20, 30), picture(30, 20)
    moved = match_histogram(image, target)
    for found, wanted in zip(moved[0].flatten(1), target[0].flatten(1), strict=True):
        assert torch.equal(found.sort().values, wanted.sort().values)


def test_pictures_of_other_sizes_share_the_quantiles(picture: Paint) -> None:
    image, target = torch.rand(1, 3, 50, 40), picture(30, 20)
    moved = match_histogram(image, target)
    shares = torch.linspace(0, 1, 50)
    for found, wanted in zip(moved[0].flatten(1), target[0].flatten(1), strict=True):
        torch.testing.assert_close(found.quantile(shares), wanted.quantile(shares), atol=0.02, rtol=0)


def test_a_flat_area_stays_flat_and_few_levels_are_parted_by_their_surroundings(picture: Paint) -> None:
    image = (picture() * 4).round() / 4  # five levels a channel
    image[..., :16, :] = 0.25
    moved = match_histogram(image, picture(seed=1))
    inside = moved[..., 4:12, 4:28]
    assert float((inside.amax((2, 3)) - inside.amin((2, 3))).max()) < 1e-6
    assert len(moved[0, 0, 16:].unique()) > 3 * len(image[0, 0, 16:].unique())
    torch.testing.assert_close(moved.mean((2, 3)), picture(seed=1).mean((2, 3)), atol=1e-5, rtol=0)


def test_equal_values_are_ranked_by_what_is_around_them() -> None:
    """Of a grey checkerboard of two levels, brighter to the right as a whole."""
    image = torch.full((1, 1, 4, 40), 0.2)
    image[..., ::2, 20:] = 0.8
    image[..., 10:20] = 0.8
    moved = match_histogram(image, torch.rand(1, 1, 4, 40))
    assert float(moved[..., ::2, 21:25].mean()) < float(moved[..., 13:17].mean())


@pytest.mark.parametrize("flat", [False, True])
def test_histograms_of_grey_and_flat_pictures(flat: bool, picture: Paint) -> None:
    image = color(0.3, 0.3, 0.3).expand(1, 3, 32, 32) if flat else to_grey(picture())
    moved = match_histogram(image, picture(seed=1))
    assert bool(torch.isfinite(moved).all())
    torch.testing.assert_close(moved.mean((2, 3)), picture(seed=1).mean((2, 3)), atol=1e-5, rtol=0)


def test_matched_lightness_is_grey_with_the_targets_mean_and_deviation(picture: Paint) -> None:
    image, target = 0.3 + 0.2 * picture(), 0.3 + 0.4 * picture(20, 30, 1)
    grey = match_lightness(image, target)
    found, wanted = to_oklab(grey)[:, 0], to_oklab(target)[:, 0]
    assert torch.equal(grey[:, 0], grey[:, 1]) and torch.equal(grey[:, 0], grey[:, 2])
    assert float(found.mean()) == pytest.approx(float(wanted.mean()), abs=1e-3)
    assert float(found.std(correction=0)) == pytest.approx(float(wanted.std(correction=0)), abs=1e-3)


@MAPS
def test_matched_chroma_has_the_moments_of_the_mixture_at_the_same_lightness(linear_map: str, picture: Paint) -> None:
    image, targets = 0.3 + 0.4 * picture(), [0.4 + 0.2 * picture(20, 30, 1), 0.4 + 0.2 * picture(20, 30, 2)]
    targets[0] = targets[0] + color(0.1, 0.0, -0.1)  # of another mean
    moved = to_oklab(match_chroma(image, targets, (0.25, 0.75), linear_map))
    torch.testing.assert_close(moved[:, 0], to_oklab(image)[:, 0], atol=1e-4, rtol=0)
    repeated = torch.cat([targets[0], *[targets[1]] * 3], dim=3)  # the same mixture, as one picture
    for found, wanted in zip(
        color_moments(moved[:, 1:]), color_moments(to_oklab(repeated)[:, 1:]), strict=True
    ):
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("change", [to_grey, lambda image: color(0.5, 0.4, 0.3).expand(1, 3, 8, 8)])
def test_chroma_of_grey_and_flat_pictures(change: Callable[..., Any], picture: Paint) -> None:
    for image, target in ((change(picture()), picture(seed=1)), (picture(), change(picture(seed=1)))):
        moved = match_chroma(image, [target], (1.0,))
        assert bool(torch.isfinite(moved).all())
        torch.testing.assert_close(to_oklab(moved)[:, 0], to_oklab(image)[:, 0], atol=1e-3, rtol=0)


def test_taken_chroma_is_the_others_at_the_lightness_of_this(picture: Paint) -> None:
    image, colored = 0.4 + 0.2 * picture(), 0.4 + 0.2 * picture(seed=1)
    taken = to_oklab(take_chroma(to_grey(image), colored))
    torch.testing.assert_close(taken[:, :1], to_oklab(image)[:, :1], atol=1e-4, rtol=0)
    torch.testing.assert_close(taken[:, 1:], to_oklab(colored)[:, 1:], atol=1e-4, rtol=0)


@MAPS
def test_what_is_not_seen_does_not_count(linear_map: str, picture: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seen halves become what they become alone, whatever is behind the other halves."""
    monkeypatch.setattr("impasto.images.color.palette.PART", 100)
    image, target = picture(32, 40, 1), picture(20, 30, 2)
    seen, target_seen = torch.zeros(1, 1, 32, 40), torch.zeros(1, 1, 20, 30)
    seen[..., :20], target_seen[..., :15] = 1, 1
    own, wanted = image[..., :20], target[..., :15]
    for found, expected in zip(color_moments(image, seen), color_moments(own), strict=True):
        torch.testing.assert_close(found, expected)
    moved = match_moments(image, target, linear_map, seen, target_seen)[..., :20]
    torch.testing.assert_close(moved, match_moments(own, wanted, linear_map), atol=1e-5, rtol=0)
    grey = match_lightness(image, target, seen, target_seen)[..., :20]
    torch.testing.assert_close(grey, match_lightness(own, wanted), atol=1e-4, rtol=0)
    chroma = match_chroma(image, [target], [1.0], linear_map, seen, [target_seen])[..., :20]
    torch.testing.assert_close(chroma, match_chroma(own, [wanted], [1.0], linear_map), atol=1e-4, rtol=0)
    ranked = match_histogram(image, target, seen, target_seen)
    assert float(ranked.max()) <= float(wanted.max()) and bool(torch.isfinite(ranked).all())
    # The surroundings of pixels at the border, which break ties, are others.
    alone = match_histogram(own, wanted)
    torch.testing.assert_close(ranked[..., :20].flatten().sort().values, alone.flatten().sort().values, atol=0, rtol=0)


def test_half_seen_counts_half(picture: Paint) -> None:
    image = picture(8, 8)
    doubled = torch.cat([image, image[..., :4]], dim=3)
    alpha = torch.full((1, 1, 8, 8), 0.5)
    alpha[..., :4] = 1
    for found, expected in zip(color_moments(image, alpha), color_moments(doubled), strict=True):
        torch.testing.assert_close(found, expected)
    target = picture(16, 16, 1)
    found = match_histogram(image, target, alpha)[0]
    mean = (found * alpha[0]).sum((1, 2)) / alpha.sum()
    torch.testing.assert_close(mean, target[0].mean((1, 2)), atol=0.02, rtol=0)

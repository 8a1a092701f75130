"""Oklab against Ottosson's numbers, and its way back into the gamut."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.images.color.lab import from_linear, to_linear
from impasto.images.color.oklab import from_oklab, to_grey, to_oklab

Paint = Callable[..., Tensor]


def color(*channels: float) -> Tensor:
    return torch.tensor(channels, dtype=torch.float64).view(1, 3, 1, 1)


def hue_and_chroma(colors: Tensor) -> tuple[Tensor, Tensor]:
    return torch.atan2(colors[:, 2], colors[:, 1]), torch.hypot(colors[:, 1], colors[:, 2])


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1, 1, 1), (1, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 1, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 1), (0.45201, -0.03246, -0.31153)),
    ],
)
def test_white_black_and_the_primaries_are_where_css_color_4_has_them(
    rgb: tuple[float, ...], lab: tuple[float, ...]
) -> None:
    """To 2e-5, half of the last published digit and the rounding of the published matrices."""
    torch.testing.assert_close(to_oklab(color(*rgb)), color(*lab), atol=2e-5, rtol=0)


def test_every_color_of_the_gamut_comes_back() -> None:
    """To a thousandth of one of 255 levels, in float32; the corners of the gamut are in it."""
    levels = torch.linspace(0, 1, 9)
    image = torch.stack(torch.meshgrid(levels, levels, levels, indexing="ij")).view(1, 3, 27, 27)
    torch.testing.assert_close(from_oklab(to_oklab(image)), image, atol=4e-4, rtol=0)
    torch.testing.assert_close(from_linear(to_linear(image)), image, atol=1e-6, rtol=0)


def test_a_color_outside_keeps_lightness_and_hue_and_gives_up_chroma(picture: Paint) -> None:
    wanted = to_oklab(picture().double()) * color(1, 3, 3)
    hue, chroma = hue_and_chroma(wanted)
    image = from_oklab(wanted)
    found = to_oklab(image)
    found_hue, found_chroma = hue_and_chroma(found)
    assert float(image.min()) >= 0 and float(image.max()) <= 1
    torch.testing.assert_close(found[:, 0], wanted[:, 0], atol=1e-3, rtol=0)
    assert float((torch.sin((found_hue - hue) / 2).abs() * found_chroma).max()) < 1e-3
    assert bool((found_chroma <= chroma + 1e-3).all()) and bool((found_chroma < 0.9 * chroma).any())
    # As much chroma as the gamut holds: a channel is at its end where some was given up.
    at_end = ((image < 0.01) | (image > 0.99)).any(dim=1)
    assert bool(at_end[found_chroma < 0.99 * chroma].all())


def test_lightness_beyond_black_and_white_is_clamped() -> None:
    """To 1e-3, a quarter of one of 255 levels: EDGE lets a trace of chroma pass."""
    torch.testing.assert_close(from_oklab(color(1.2, 0.1, 0)), color(1, 1, 1), atol=1e-3, rtol=0)
    torch.testing.assert_close(from_oklab(color(-0.1, 0.1, 0)), color(0, 0, 0), atol=1e-3, rtol=0)


def test_grey_has_the_lightness_and_no_chroma(picture: Paint) -> None:
    image = picture()
    grey = to_grey(image)
    assert torch.equal(grey[:, 0], grey[:, 1]) and torch.equal(grey[:, 0], grey[:, 2])
    torch.testing.assert_close(to_oklab(grey)[:, 0], to_oklab(image)[:, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(to_grey(grey), grey, atol=1e-5, rtol=0)

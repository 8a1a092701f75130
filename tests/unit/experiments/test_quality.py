"""Quality figures: 0 for the same picture, larger for another."""

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.experiments.quality import (
    Quality,
    gram_metric,
    measure_quality,
    nearest_metric,
)
from impasto.features.vgg import Vgg
from impasto.images.resize import resize_image

Paint = Callable[..., Tensor]
STYLE_FIGURES = (
    *("style_gram", "nearest_to_style", "nearest_from_style", "palette", "ciede2000_style"),
)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.experiments.quality.LONG_EDGE", 64)


def measure(encoder: Vgg, *images: Tensor) -> dict[str, float]:
    return dataclasses.asdict(measure_quality(encoder, *images))


def test_another_picture_is_farther_than_a_shifted_one(tiny_encoder: Vgg, picture: Paint) -> None:
    """Style does not care for places, structure does."""
    image = picture(64, 64)
    shifted, other = (measure(tiny_encoder, image, image, one) for one in (image.roll(32, 3), picture(64, 64, 5)))
    assert shifted["style_gram"] < 0.5 * other["style_gram"]
    assert shifted["structure"] > 0.01


@pytest.mark.parametrize("size", [(48, 64), (100, 40), (20, 30)])
def test_the_style_itself_has_no_style_distance(size: tuple[int, int], tiny_encoder: Vgg, picture: Paint) -> None:
    """At any size and aspect; 1e-5 is what rounding of cosines in float32 leaves."""
    figures = measure(tiny_encoder, picture(48, 64, 1), picture(*size, 2), picture(*size, 2))
    assert {name: figures[name] for name in STYLE_FIGURES} == pytest.approx(dict.fromkeys(STYLE_FIGURES, 0), abs=1e-5)
    assert figures["structure"] > 0.01
    assert figures["ssim"] < 0.9
    assert figures["ciede2000_content"] > 1


def test_the_content_itself_has_all_its_structure(tiny_encoder: Vgg, picture: Paint) -> None:
    figures = measure(tiny_encoder, picture(48, 64, 1), picture(40, 50, 2), picture(48, 64, 1))
    assert figures["structure"] == figures["ciede2000_content"] == 0
    assert figures["ssim"] == pytest.approx(1, abs=1e-6)
    assert all(figures[name] > 0.01 for name in STYLE_FIGURES)


@pytest.mark.parametrize("flat", [0.0, 0.5, 1.0])
def test_flat_pictures_are_alike_and_finite(flat: float, tiny_encoder: Vgg, picture: Paint) -> None:
    image = torch.full((1, 3, 48, 64), flat)
    figures = measure(tiny_encoder, image, image, image)
    assert figures == pytest.approx({**dict.fromkeys(figures, 0), "ssim": 1}, abs=1e-5)
    assert all(value < 1e3 for value in measure(tiny_encoder, picture(48, 64), image, picture(48, 64)).values())


def test_every_figure_grows_on_the_way_from_style_to_content(tiny_encoder: Vgg, picture: Paint) -> None:
    """Pictures mixed from style and content are between them in every figure."""
    content, style = picture(48, 64, 1), picture(48, 64, 2)
    mixed = [measure(tiny_encoder, content, style, torch.lerp(style, content, w)) for w in (0.0, 0.3, 1.0)]
    for name in mixed[0]:
        values = [figures[name] for figures in mixed]
        assert values == sorted(values, reverse=name in ("structure", "ciede2000_content")), name


def test_an_enlarged_picture_is_compared_with_its_original(tiny_encoder: Vgg, picture: Paint) -> None:
    small = resize_image(picture(48, 64, 1), (24, 32))
    figures = measure(tiny_encoder, picture(48, 64, 1), picture(48, 64, 2), small)
    assert figures["ssim"] > 0.95
    assert figures["ciede2000_content"] < 2


def test_patches_are_matched_both_ways() -> None:
    """One style patch kept: all of the picture is in the style, most of the style is not in the picture."""
    style = torch.rand(1, 4, 9, 9)
    part = style[..., :3, :3]
    to_style, from_style = nearest_metric(part, style)
    assert from_style > 0.1
    assert to_style == pytest.approx(0, abs=1e-5)
    assert nearest_metric(style, part) == pytest.approx((from_style, to_style), abs=1e-6)


def test_distances_are_relative_and_blind_to_order() -> None:
    F = torch.rand(1, 4, 6, 6)
    assert gram_metric(2 * F, F) == pytest.approx(3)
    assert gram_metric(F.flip(3), F) == pytest.approx(0, abs=1e-6)
    assert gram_metric(F, 0 * F) == 1


def test_every_figure_says_what_its_best_value_is() -> None:
    for field in dataclasses.fields(Quality):
        assert field.metadata["help"].endswith("1 is the same" if field.name == "ssim" else "0 is the same")

"""A pastiche looked into: whose recipe, which terms, which pictures are refused."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.errors import ImageReadError, ImageSizeError, KeywordError, MaskError, RecipeError
from impasto.experiments.compare import compare, find_recipe
from impasto.features.encoder import build_encoder
from impasto.images.io import write_image
from impasto.losses.objective import Objective
from impasto.recipe.recipe import Recipe
from impasto.transfer.pastiche import stylize

Paint = Callable[..., Tensor]
TINY = Recipe(weights="tiny", statistic=("gram",), recolor=0.0)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.experiments.compare.QUALITY_NETWORK", TINY)
    for module in ("compare", "quality"):
        monkeypatch.setattr(f"impasto.experiments.{module}.LONG_EDGE", 64)


def test_terms_are_named_by_layer_and_add_up_to_the_objective(picture: Paint) -> None:
    content, style, pastiche = picture(48, 64, 1), picture(48, 64, 2), picture(48, 64, 3)
    recipe = TINY.replace(statistic=("gram", "moments:2@conv2_1"), style_layers=("conv1_1", "conv2_1"))
    found = compare(content, style, pastiche, recipe)
    expected = Objective(build_encoder(recipe)[0], recipe, content, [style])(pastiche)
    assert [(term.term, term.name) for term in found.terms] == [
        ("content", "content conv4_2"),
        ("style", "gram conv1_1"),
        ("style", "gram conv2_1"),
        ("style", "moments conv2_1"),
        ("tv", "tv"),
    ]
    for kind in ("content", "style", "tv"):
        assert sum(t.value for t in found.terms if t.term == kind) == pytest.approx(float(expected[kind]), rel=1e-5)
    assert found.total == pytest.approx(float(expected["total"]), rel=1e-5)
    assert found.size == (48, 64)
    assert found.seconds > 0


def test_layers_that_are_graded_and_optimised_are_marked(picture: Paint) -> None:
    images = picture(48, 64, 1), picture(48, 64, 2), picture(48, 64, 3)
    assert compare(*images, TINY).optimised_layers == ()
    recipe = TINY.replace(style_layers=("conv1_2", "conv2_1"), content_layers=("conv4_3",))
    assert compare(*images, recipe).optimised_layers == ("conv1_2", "conv4_3")


def test_json_has_all_there_is(picture: Paint) -> None:
    values = json.loads(json.dumps(compare(picture(48, 64, 1), picture(48, 64, 2), picture(48, 64, 3), TINY).to_dict()))
    assert set(values) == {"size", "figures", "objective", "optimised_layers", "regions", "seconds"}
    assert values["regions"] == []
    assert values["size"] == {"width": 64, "height": 48}
    assert set(values["figures"]) == {
        "style_gram", "nearest_to_style", "nearest_from_style", "palette", "structure", "ssim",
        "ciede2000_content", "ciede2000_style",
    }  # fmt: skip
    assert set(values["objective"]) == {"terms", "total"}
    assert set(values["objective"]["terms"][0]) == {"term", "name", "value"}


def test_the_recipe_is_the_picture_s_own(tmp_path: Path, picture: Paint) -> None:
    """Even where the file that it was started from is gone."""
    path = tmp_path / "out.png"
    recipe = Recipe(strength=0.3, init="gone.png")
    write_image(picture(), path, metadata={"recipe": recipe.to_dict()})
    assert find_recipe(path) == (recipe, "picture")


def test_without_a_recipe_it_is_standard(tmp_path: Path, picture: Paint) -> None:
    write_image(picture(), tmp_path / "plain.png")
    write_image(picture(), tmp_path / "other.png", metadata={"recipe": "a cake"})
    for source in (tmp_path / "plain.png", tmp_path / "other.png", picture()):
        assert find_recipe(source) == (Recipe(), "preset standard")


def test_a_recipe_from_the_future_is_refused_with_a_way_out(tmp_path: Path, picture: Paint) -> None:
    write_image(picture(), tmp_path / "new.png", metadata={"recipe": {"format_version": 99}})
    with pytest.raises(RecipeError, match="99") as caught:
        find_recipe(tmp_path / "new.png")
    assert "--preset" in caught.value.hint


def test_one_style_stands_for_a_blend_and_this_is_said(picture: Paint, caplog: pytest.LogCaptureFixture) -> None:
    images = picture(48, 64, 1), picture(48, 64, 2), picture(48, 64, 3)
    blended = compare(*images, TINY.replace(style_blend=(0.7, 0.3)))
    assert "blends 2 styles" in caplog.text
    assert blended.terms == compare(*images, TINY).terms


def test_another_aspect_is_stretched_with_a_warning_and_refused_beyond_5_percent(
    picture: Paint, caplog: pytest.LogCaptureFixture
) -> None:
    style, pastiche = picture(40, 40, 2), picture(96, 128, 3)
    compare(picture(49, 64, 1), style, pastiche, TINY)
    assert "stretched to the pastiche's 128x96" in caplog.text
    caplog.clear()
    compare(picture(33, 44, 1), style, pastiche, TINY)
    assert caplog.text == ""
    with pytest.raises(ImageSizeError, match="64x40, 1.60 to 1"):
        compare(picture(40, 64, 1), style, pastiche, TINY)


def test_the_style_itself_may_stand_as_the_pastiche(picture: Paint, caplog: pytest.LogCaptureFixture) -> None:
    found = compare(picture(48, 64, 1), picture(64, 40, 2), picture(64, 40, 2), TINY)
    assert found.figures.style_gram == pytest.approx(0, abs=1e-6)
    assert "stretched to the pastiche's 40x64" in caplog.text


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (((8, 10), (48, 64), (48, 64)), "content_image is 10x8; expected at least 16"),
        (((48, 64), (48, 15), (48, 64)), "style_image is 15x48; expected at least 16"),
        (((48, 64), (48, 64), (12, 16)), "pastiche is 16x12; expected at least 16"),
        (((48, 64), (20, 64 * 20), (48, 64)), "style_image is 1280x20; expected at most 2 times as long as wide"),
    ],
)
def test_pictures_too_small_are_refused(sizes: tuple[tuple[int, int], ...], message: str, picture: Paint) -> None:
    with pytest.raises(ImageSizeError, match=message) as caught:
        compare(*(picture(*size) for size in sizes), TINY)
    assert caught.value.hint


def test_a_style_that_the_recipe_makes_too_small_is_refused(picture: Paint) -> None:
    with pytest.raises(ImageSizeError, match="style_image would be 6x4 under this recipe; conv4_2 needs at least 8"):
        compare(picture(48, 64), picture(48, 64), picture(48, 64), TINY.replace(style_scale=0.1))


def test_a_missing_picture_is_refused(tmp_path: Path, picture: Paint) -> None:
    with pytest.raises(ImageReadError, match="style_image"):
        compare(picture(48, 64), tmp_path / "no.png", torch.zeros(1, 3, 48, 64), TINY)


def halves() -> list[Tensor]:
    left = torch.zeros(48, 48)
    left[:, :24] = 1
    return [left, 1 - left]


def test_without_masks_a_picture_painted_by_regions_is_compared_as_a_whole(
    tmp_path: Path, picture: Paint, caplog: pytest.LogCaptureFixture
) -> None:
    small = Recipe(weights="tiny", size=48, steps=1, first_scale=0, region_weights=(1, 2))
    content, style, path = picture(48, 48), picture(48, 48, 1), tmp_path / "out.png"
    stylize(content, style, small, content_masks=halves()).save(path)
    with caplog.at_level(logging.WARNING):
        found = compare(content, style, path)
    assert "painted by regions" in caplog.text and "--content-mask" in caplog.text
    assert found.regions == () and not any("region" in term.name for term in found.terms)
    caplog.clear()
    compare(content, style, path, content_masks=halves())
    assert "painted by regions" not in caplog.text


def test_with_masks_the_objective_is_the_one_that_was_painted(picture: Paint) -> None:
    content, style = 0.3 + 0.4 * picture(48, 48), picture(48, 48, 1)
    recipe = TINY.replace(size=48, steps=3, first_scale=0, region_weights=(1, 0.5))
    masks: dict[str, Any] = {"content_masks": halves(), "style_masks": halves()[::-1]}
    result = stylize(content, style, recipe, precision="float32", **masks)
    found = compare(content, style, result.pastiche, recipe, **masks)
    assert found.total == pytest.approx(result.losses["total"], rel=1e-3)
    assert {term.name for term in found.terms if "conv1_1" in term.name} == {
        "gram conv1_1, region 1", "gram conv1_1, region 2"
    }  # fmt: skip


def test_regions_are_compared_with_their_own_styles(picture: Paint) -> None:
    """The halves of the style exchanged: far as they lie, and near where the masks are exchanged too. At the border
    each half sees the other one."""
    style = picture(48, 48, 1)
    style[..., 24:] = 0.2 * style[..., 24:]
    exchanged = torch.cat([style[..., 24:], style[..., :24]], dim=3)
    straight = compare(style, style, exchanged, TINY, content_masks=halves(), style_masks=halves()).regions
    crossed = compare(style, style, exchanged, TINY, content_masks=halves(), style_masks=halves()[::-1]).regions
    assert [region.name for region in straight] == ["region 1", "region 2"]
    assert [region.area for region in straight] == [pytest.approx(0.5)] * 2
    for far, near in zip(straight, crossed, strict=True):
        assert near.style_gram < 0.5 * far.style_gram
        assert near.style_moments < 0.5 * far.style_moments
    zero = compare(style, style, style, TINY, content_masks=halves(), style_masks=halves()).regions
    assert [(region.style_gram, region.style_moments) for region in zero] == [(pytest.approx(0, abs=1e-5),) * 2] * 2


def test_masks_that_fit_nothing_are_refused(picture: Paint) -> None:
    images = picture(48, 48), picture(48, 48, 1), picture(48, 48, 2)
    with pytest.raises(ImageSizeError, match="content_mask 1 is 30x48.*expected one aspect"):
        compare(*images, TINY, content_masks=[torch.ones(48, 30)])
    with pytest.raises(MaskError, match="style_mask 2 is empty"):
        compare(*images, TINY, content_masks=halves(), style_masks=[halves()[0], torch.zeros(48, 48)])
    with pytest.raises(MaskError, match="2 content masks and 1 style mask"):
        compare(*images, TINY, content_masks=halves(), style_masks=halves()[:1])


def test_a_result_is_compared_under_its_own_recipe_changed_by_keywords(picture: Paint) -> None:
    inputs = picture(48, 64, 1), picture(48, 64, 2)
    recipe = TINY.replace(size=64, steps=1, first_scale=0, strength=0.8)
    result = stylize(*inputs, recipe, threads=1, precision="float32")
    found = compare(*inputs, result, threads=1)
    assert found.total == compare(*inputs, result.pastiche, result.recipe).total
    assert found.total == pytest.approx(result.losses["total"], rel=1e-4)
    assert compare(*inputs, result, strength=0.2).total == compare(*inputs, result, TINY.replace(strength=0.2)).total
    with pytest.raises(KeywordError, match="compare.* no keyword 'run_dir'"):
        compare(*inputs, result, run_dir="x")

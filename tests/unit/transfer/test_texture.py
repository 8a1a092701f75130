"""Textures: sizes, samples, starts, and no seam where they wrap around."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.errors import ImageSizeError, RecipeError
from impasto.optimize.init import NOISE

Picture = Callable[..., Tensor]


def tiny(**changes: Any) -> impasto.Recipe:
    return impasto.Recipe.preset("texture", weights="tiny", steps=2, size=48).replace(**changes)


def synthesize(samples: Any, recipe: impasto.Recipe | None = None, **how: Any) -> impasto.Result:
    return impasto.synthesize_texture(samples, recipe=recipe or tiny(), threads=1, **how)


@pytest.mark.parametrize(
    ("size", "tileable", "expected"),
    [
        ((33, 100), False, (33, 100)),
        ((20, 16), False, (20, 16)),
        ((96, 112), True, (96, 112)),
        ((16, 32), True, (16, 32)),
        (100, False, (100, 75)),
        (20, False, (20, 15)),
        (112, True, (112, 80)),
        (48, True, (48, 32)),
        (None, False, (48, 36)),
    ],
)
def test_size_is_what_was_asked_for(
    size: int | tuple[int, int] | None, tileable: bool, expected: tuple[int, int], picture: Picture
) -> None:
    recipe = tiny(style_layers=("conv1_1", "conv4_1"))
    result = synthesize(picture(64, 48), recipe, tileable=tileable, **({} if size is None else {"size": size}))
    assert result.pastiche.shape[-2:] == expected
    assert result.recipe.size == expected
    assert result.recipe.padding == ("wrap" if tileable else "replicate")
    assert result.to_dict()["size"] == {"width": expected[1], "height": expected[0]}


def test_the_recipes_own_size_may_be_a_pair(picture: Picture) -> None:
    assert synthesize(picture(), tiny(size="64x48")).pastiche.shape == (1, 3, 48, 64)


@pytest.mark.parametrize(
    ("size", "padding", "hint"),
    [
        ((50, 64), "wrap", "The nearest is --size 64x48"),
        ((64, 70), "wrap", "The nearest is --size 64x64"),
        ((70, 7), "wrap", "The nearest is --size 16x64"),
        ((50, 70), "wrap-x", "The nearest is --size 64x50"),
        (100, "wrap", "The nearest is --size 96"),
        (8, "wrap", "The nearest is --size 16"),
    ],
)
def test_sides_that_wrap_are_multiples_of_16(
    size: int | tuple[int, int], padding: str, hint: str, picture: Picture
) -> None:
    with pytest.raises(ImageSizeError, match=f"must be multiples of 16. {hint}"):
        synthesize(picture(64, 64), tiny(padding=padding), size=size, on_step=lambda event: pytest.fail("painted"))


def test_wrapping_sideways_leaves_the_height_free(picture: Picture) -> None:
    assert synthesize(picture(), tiny(padding="wrap-x"), size=(50, 64)).pastiche.shape[-2:] == (50, 64)


@pytest.mark.parametrize("sample", [(31, 64), (64, 31), (8, 8)])
def test_a_sample_under_32_pixels_is_refused(sample: tuple[int, int], picture: Picture) -> None:
    with pytest.raises(ImageSizeError, match=f"texture sample is {sample[1]}x{sample[0]}; expected at least 32"):
        synthesize(picture(*sample))
    with pytest.raises(ImageSizeError, match="expected at least 32"):
        synthesize([picture(32, 32), picture(*sample)])


@pytest.mark.parametrize(
    ("changes", "size", "error", "words"),
    [
        ({"init": "content"}, 48, RecipeError, "init is 'content'"),
        ({"content_layers": ("conv4_2",), "style_layers": ()}, 48, RecipeError, "style_layers is empty"),
        ({"strength": 0.0}, 48, RecipeError, "strength is 0; .* Leave --strength out"),
        ({"style_weight": 0.0}, 48, RecipeError, "style_weight is 0; .* Leave --style-weight out"),
        ({}, (15, 64), ImageSizeError, "size is 64x15; conv5_1 needs at least 16"),
        ({"style_scale": 0.2}, 48, ImageSizeError, "style_image is 32x32 and would be painted at 6x6"),
        ({"style_blend": (1.0, 2.0)}, 48, RecipeError, "2 weights for 1"),
    ],
)
def test_what_cannot_be_painted_is_refused(
    changes: dict[str, Any], size: Any, error: type[Exception], words: str, picture: Picture
) -> None:
    with pytest.raises(error, match=words):
        synthesize(picture(), tiny(**changes), size=size, on_step=lambda event: pytest.fail("painted"))


def test_coarse_scales_at_which_a_sample_would_vanish_are_left_out(picture: Picture) -> None:
    scales: list[int] = []
    recipe = tiny(style_scale=0.2, first_scale=16, steps=6)
    synthesize(picture(96, 96), recipe, size=128, on_step=lambda event: scales.append(event.scale))
    assert set(scales) == {128}


def test_samples_are_blended_by_their_shares(picture: Picture) -> None:
    samples = [picture(48, 48, 1), picture(40, 64, 2)]
    recipe = tiny(steps=6, first_scale=0)
    first = synthesize(samples[0], recipe).pastiche
    alone = synthesize(samples, recipe.replace(style_blend=(1.0, 0.0)))
    mixed = synthesize(samples, recipe.replace(style_blend=(0.5, 0.5)))
    torch.testing.assert_close(alone.pastiche, first, atol=1e-3, rtol=0)
    assert not torch.allclose(mixed.pastiche, first, atol=1e-2)
    assert torch.equal(synthesize(samples, recipe).pastiche, mixed.pastiche)
    assert [entry.role for entry in mixed.inputs] == ["style", "style"]


def test_the_start_is_noise_of_the_seed_the_sample_or_any_picture(tmp_path: Path, picture: Picture) -> None:
    impasto.write_image(picture(48, 48, 5), tmp_path / "start.png")
    starts = {"noise": None, "style": picture(48, 48, 1), str(tmp_path / "start.png"): picture(48, 48, 5)}
    sample = picture(48, 48, 1)
    for init, start in starts.items():
        # A step this small leaves the start where it was.
        recipe = tiny(init=init, optimizer="adam", learning_rate=1e-6, steps=1, first_scale=0)
        result = synthesize(sample, recipe).pastiche
        if start is not None:
            torch.testing.assert_close(result, start, atol=3 / 255, rtol=0)
        else:
            assert float(result.std()) == pytest.approx(NOISE, rel=0.05)
            assert not torch.allclose(result, synthesize(sample, recipe.replace(seed=1)).pastiche, atol=NOISE)


def test_steps_lower_the_style_loss(picture: Picture) -> None:
    totals: list[float] = []
    recipe = tiny(steps=40, first_scale=0)
    result = synthesize(picture(48, 48, 1), recipe, on_step=lambda event: totals.append(event.losses["total"]))
    assert set(result.losses) == {"style", "total"}
    assert result.losses["total"] < 0.05 * totals[0]


def steps_across(texture: Tensor, dim: int) -> float:
    """Mean absolute difference across the joint of the repeated texture, by the median one between neighbors inside."""
    differences = (texture - texture.roll(1, dim)).abs().mean(dim=[d for d in range(4) if d != dim])
    return float(differences[0] / differences[1:].median())


@pytest.mark.parametrize(
    ("padding", "vertical", "sideways"), [("wrap", True, True), ("wrap-x", False, True), ("replicate", False, False)]
)
def test_there_is_no_seam_where_it_wraps_and_one_where_it_does_not(
    padding: str, vertical: bool, sideways: bool, tmp_path: Path, picture: Picture
) -> None:
    # From faint noise, so that what is inside stays smooth and a seam stands out: 0.8 to 1.0 where it wraps,
    # 1.9 to 2.1 where it does not, with this network.
    faint = 0.5 + 0.04 * (torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) - 0.5)
    impasto.write_image(faint, tmp_path / "faint.png")
    recipe = tiny(init=str(tmp_path / "faint.png"), size=64, steps=60, first_scale=0, padding=padding)
    texture = synthesize(picture(64, 64, 1), recipe).pastiche
    assert (steps_across(texture, 2) <= 1.5) == vertical, steps_across(texture, 2)
    assert (steps_across(texture, 3) <= 1.5) == sideways, steps_across(texture, 3)

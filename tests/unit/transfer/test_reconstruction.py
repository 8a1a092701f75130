"""Reconstructions: what is asked for, what is refused, and that the responses come back."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.errors import ImageSizeError, RecipeError

Picture = Callable[..., Tensor]


def tiny(**changes: Any) -> impasto.Recipe:
    return impasto.Recipe.preset("reconstruct", weights="tiny", steps=2, size=48).replace(**changes)


def reconstruct(image: Tensor, recipe: impasto.Recipe | None = None, **how: Any) -> impasto.Result:
    return impasto.reconstruct(image, recipe=recipe or tiny(), threads=1, **how)


def mean_square(result: impasto.Result, image: Tensor) -> float:
    return float((result.pastiche - image).square().mean())


def test_conv1_1_brings_the_picture_near(picture: Picture) -> None:
    image = picture(36, 48, 1)
    noise, shallow, deep = (
        mean_square(reconstruct(image, tiny(steps=steps), content_layers=(layer,)), image)
        for steps, layer in ((1, "conv1_1"), (60, "conv1_1"), (60, "conv4_1"))
    )
    # The tiny network's four first filters leave 0.04 of it open; Oxford's 64 do not, see tests/weights.
    assert shallow < 0.06
    assert shallow < 0.5 * min(noise, deep)


@pytest.mark.parametrize(("layer", "fall"), [("conv1_1", 20), ("conv3_1", 100)])
def test_the_content_loss_falls_far_from_noise(layer: str, fall: float, picture: Picture) -> None:
    totals: list[float] = []
    how = {"on_step": lambda event: totals.append(event.losses["total"])}
    result = reconstruct(picture(48, 48, 1), tiny(steps=100), content_layers=(layer,), **how)
    assert set(result.losses) == {"content", "total"}
    assert result.losses["total"] < totals[0] / fall


def test_the_style_loss_falls_far_from_noise(picture: Picture) -> None:
    totals: list[float] = []
    how = {"on_step": lambda event: totals.append(event.losses["total"])}
    image = picture(48, 48, 1)
    result = reconstruct(image, tiny(steps=60), style_layers=("conv1_1", "conv2_1"), **how)
    assert set(result.losses) == {"style", "total"}
    assert result.losses["total"] < 0.02 * totals[0]
    assert mean_square(result, image) > 0.05  # the style does not know where things are


def test_recipe_tells_what_was_reconstructed(picture: Picture) -> None:
    result = reconstruct(picture(32, 48), content_layers=("conv4_2", "conv2_1"))
    assert (result.recipe.content_layers, result.recipe.style_layers) == (("conv4_2", "conv2_1"), ())
    assert result.recipe.pooling == "max"
    assert result.pastiche.shape == (1, 3, 32, 48)
    assert [entry.role for entry in result.inputs] == ["content"]
    again = impasto.Recipe.from_dict(result.metadata["recipe"])
    assert again == result.recipe


@pytest.mark.parametrize("kind", ["content", "style"])
def test_layer_weights_count_for_the_kind_that_is_reconstructed(kind: str, picture: Picture) -> None:
    def total(recipe: impasto.Recipe | None = None, **weights: Any) -> float:
        layers = {f"{kind}_layers": ("conv1_1", "conv2_1")}
        result = reconstruct(picture(), recipe or tiny(steps=1), **layers, **weights)
        assert getattr(result.recipe, f"{kind}_layer_weights") == (weights or own).get(f"{kind}_layer_weights", ())
        return result.losses["total"]

    own: dict[str, Any] = {}
    single = {f"{kind}_layer_weights": (1.0, 0.0)}
    assert total(**single) != pytest.approx(total(), rel=1e-3)
    double = {f"{kind}_layer_weights": (1.0, 1.0)}
    assert total(**double) == pytest.approx(2 * total(), rel=0.2)
    # A recipe's own weights are those of its own layers, as in a recipe that a picture carries.
    own = single
    kept = {f"{kind}_layers": ("conv1_1", "conv2_1"), **single}
    assert total(tiny(steps=1, **kept)) == total(**single)
    own = {}
    total(tiny(steps=1, **{f"{kind}_layers": ("conv3_1", "conv2_1"), **single}))


def test_average_pooling_is_a_choice(picture: Picture) -> None:
    maximum, average = (
        reconstruct(picture(), tiny(pooling=pooling), content_layers=("conv3_1",)).pastiche
        for pooling in ("max", "average")
    )
    assert not torch.equal(maximum, average)


def test_a_native_style_size_does_not_matter_without_a_style(picture: Picture) -> None:
    recipe = tiny(style_size="native", first_scale=16)
    assert reconstruct(picture(48, 48), recipe, content_layers=("conv1_1",)).pastiche.shape == (1, 3, 48, 48)


@pytest.mark.parametrize(
    ("layers", "changes", "error", "words"),
    [
        ({}, {}, RecipeError, "both empty"),
        ({"content_layers": ("conv1_1",), "style_layers": ("conv1_1",)}, {}, RecipeError, "both given"),
        ({"content_layers": ("conv1_9",)}, {}, RecipeError, "'conv1_9'"),
        ({"content_layers": ("conv1_1",)}, {"init": "content"}, RecipeError, "does not start from it"),
        ({"style_layers": ("conv1_1",)}, {"init": "style"}, RecipeError, "does not start from it"),
        ({"content_layers": ("conv1_1",)}, {"size": (48, 32)}, RecipeError, "keeps the picture's aspect"),
        ({"content_layers": ("conv1_1",), "content_layer_weights": (1, 2)}, {}, RecipeError, "2 numbers for 1 layers"),
        ({"style_layers": ("conv1_1",), "style_layer_weights": (0,)}, {}, RecipeError, "one number above 0"),
        (
            {"content_layers": ("conv1_1",), "style_layer_weights": (1,)},
            {},
            RecipeError,
            "style_layer_weights are given to reconstruct content_layers; .* Give --content-layer-weights",
        ),
        (
            {"style_layers": ("conv1_1",), "content_layer_weights": (1,)},
            {},
            RecipeError,
            "content_layer_weights are given to reconstruct style_layers; .* Give --style-layer-weights",
        ),
        ({"content_layers": ("conv1_1",)}, {"content_weight": 0.0}, RecipeError, "content_weight is 0; .* above 0"),
        ({"style_layers": ("conv1_1",)}, {"style_weight": 0.0}, RecipeError, "style_weight is 0; .* above 0"),
        ({"content_layers": ("conv5_1",)}, {"size": 15}, ImageSizeError, "conv5_1 needs at least 16"),
        ({"style_layers": ("conv3_1",)}, {"size": 3}, ImageSizeError, "conv3_1 needs at least 4"),
    ],
)
def test_bad_requests_are_refused(
    layers: dict[str, Any], changes: dict[str, Any], error: type[Exception], words: str, picture: Picture
) -> None:
    with pytest.raises(error, match=words):
        reconstruct(picture(), tiny(**changes), **layers, on_step=lambda event: pytest.fail("painted"))

"""Keywords of the public functions: they are the recipe's fields and the run options, and wrong ones are answered."""

from collections.abc import Callable
from typing import Any, get_type_hints

import numpy as np
import pytest
import torch
from torch import Tensor

import impasto
from impasto.errors import KeywordError, MemoryLimitError, RecipeError
from impasto.painting.options import PasticheFields, RunOptions
from impasto.recipe.keywords import RecipeFields

Picture = Callable[..., Tensor]

TINY: Any = {"weights": "tiny", "size": 48, "steps": 2, "first_scale": 0}


def test_recipe_fields_are_the_recipes_with_its_types() -> None:
    assert get_type_hints(RecipeFields) == get_type_hints(impasto.Recipe)
    assert list(RecipeFields.__annotations__) == list(impasto.Recipe.__dataclass_fields__)


def test_run_fields_are_those_of_the_options_and_no_name_is_used_twice() -> None:
    assert list(impasto.RunFields.__annotations__) == list(RunOptions.__dataclass_fields__)
    assert not impasto.RunFields.__annotations__.keys() & RecipeFields.__annotations__.keys()
    pictures = {"fine_style", "content_masks", "style_masks", "only", "protect"}
    assert PasticheFields.__annotations__.keys() == {
        *RecipeFields.__annotations__, *impasto.RunFields.__annotations__, *pictures
    }


def test_keywords_change_the_recipe_of_every_function(picture: Picture) -> None:
    photo, painting = picture(40, 48), picture(seed=1)
    recipe = impasto.Recipe(**TINY, strength=0.2)
    expected = impasto.stylize(photo, painting, recipe.replace(strength=0.7, seed=3))
    assert impasto.stylize(photo, painting, recipe, strength=0.7, seed=3).recipe == expected.recipe
    assert torch.equal(impasto.stylize(photo, painting, **TINY, strength=0.7, seed=3).pastiche, expected.pastiche)
    assert impasto.estimate(photo, painting, recipe, strength=0.7).recipe == recipe.replace(strength=0.7)
    frames = list(impasto.morph(photo, [painting, photo], **TINY, frames=2))
    assert [frame.recipe.frames for frame in frames] == [2, 2]
    assert impasto.prepare_morph(photo, [painting, photo], recipe, frames=5).recipe.frames == 5
    texture = impasto.synthesize_texture(painting, **{**TINY, "size": (32, 48)})
    assert texture.pastiche.shape == (1, 3, 32, 48) and texture.recipe.init == "noise"
    inside = impasto.reconstruct(photo, impasto.Recipe.preset("reconstruct", **TINY), content_layers=("conv2_1",))
    assert (inside.recipe.content_layers, inside.recipe.style_layers) == (("conv2_1",), ())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: impasto.stylize(a, a, strenth=0.7), "no (?:keyword|field) 'strenth'.* Did you mean 'strength'"),
        (lambda a: impasto.stylize(a, a, onstep=print), "stylize.* no keyword 'onstep'.* Did you mean 'on_step'"),
        (lambda a: impasto.stylize(a, a, content_mask=a), "Did you mean 'content_masks'"),
        (lambda a: impasto.estimate(a, a, thread=1), "Did you mean 'threads'"),
        (lambda a: impasto.morph(a, [a, a], frame=3), "morph.* Did you mean 'frames'"),
        (lambda a: impasto.synthesize_texture(a, tilable=True), "synthesize_texture.* Did you mean 'tileable'"),
        (lambda a: impasto.synthesize_texture(a, only=a), "synthesize_texture.* no (?:keyword|field) 'only'"),
        (lambda a: impasto.reconstruct(a, content_layer=("conv4_2",)), "Did you mean 'content_layers'"),
        (lambda a: impasto.rerun("a.png", style="b.png"), "rerun.* Did you mean 'styles'"),
        (lambda a: impasto.Recipe.preset("draft", strenth=0.7), "recipe has no (?:keyword|field) 'strenth'"),
    ],
)
def test_an_unknown_keyword_is_answered_with_the_nearest(call: Any, words: str, picture: Picture) -> None:
    with pytest.raises(KeywordError, match=words) as caught:
        call(picture())
    assert isinstance(caught.value, (impasto.ImpastoError)) and isinstance(caught.value, TypeError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", [[], (), None])
@pytest.mark.parametrize(
    "call",
    [
        lambda a, none: impasto.stylize(a, none),
        lambda a, none: impasto.stylize(none, a),
        lambda a, none: impasto.estimate(a, none),
        lambda a, none: impasto.morph(a, none),
        lambda a, none: impasto.synthesize_texture(none),
        lambda a, none: impasto.reconstruct(none, content_layers=("conv1_1",)),
    ],
)
def test_no_picture_is_one_error_everywhere(call: Any, missing: Any, picture: Picture) -> None:
    with pytest.raises(RecipeError, match=r"no .*is given; expected|there is [01] style image|there are 0"):
        call(picture(), missing)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threads": 0}, "threads is 0; expected a whole number of at least 1"),
        ({"threads": "2"}, "threads is '2'"),
        ({"threads": 10**20}, "threads is 100000000000000000000; expected at most 1024"),
        ({"threads": True}, "threads is True"),
        ({"threads": 1.5}, "threads is 1.5"),
        ({"max_pixels": None}, "max_pixels is None"),
        ({"max_memory": -1}, "max_memory is -1; expected bytes, or a text"),
        ({"device": None}, "device is None; expected a name"),
        ({"precision": torch.float32}, "precision is torch.float32"),
        ({"plan": {}}, "plan is {}; expected the plan of a Result"),
        ({"cache": True}, "cache is True"),
        ({"run_dir": 3}, "run_dir is 3"),
    ],
)
def test_options_of_the_wrong_kind_are_refused(options: dict[str, Any], words: str, picture: Picture) -> None:
    with pytest.raises(RecipeError, match=words):
        impasto.stylize(picture(), picture(), **options)


def test_options_take_what_means_the_same() -> None:
    options = RunOptions(threads=np.int64(2), max_memory="2GiB", device=torch.device("cpu"))  # type: ignore[arg-type]
    assert options == RunOptions(threads=2, max_memory=2**31, device="cpu")
    with pytest.raises(MemoryLimitError):
        RunOptions(max_memory="lots")  # type: ignore[arg-type]


@pytest.mark.parametrize("recipe", ["draft", {"size": 48}, 3])
def test_what_is_no_recipe_is_refused(recipe: Any, picture: Picture) -> None:
    with pytest.raises(RecipeError, match="recipe is .*; expected an impasto.Recipe"):
        impasto.stylize(picture(), picture(), recipe)

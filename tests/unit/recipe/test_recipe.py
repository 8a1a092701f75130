"""The recipe: defaults, text and TOML in and out, and messages for everything that is wrong."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from impasto.errors import RecipeError
from impasto.recipe.checks import check_blend
from impasto.recipe.fields import format_value
from impasto.recipe.presets import preset_names
from impasto.recipe.recipe import Recipe, field_names, parse_field
from impasto.recipe.words import LAYERS


def test_defaults_are_the_preset_standard() -> None:
    assert Recipe.preset("standard") == Recipe()


def test_paper_preset_is_the_paper() -> None:
    paper = Recipe.preset("paper")
    assert (paper.init, paper.pooling, paper.padding, paper.optimizer) == ("noise", "average", "zero", "lbfgs")
    assert paper.content_layers == ("conv4_2",)
    assert paper.style_layers == tuple(f"conv{block}_1" for block in range(1, 6))
    assert paper.style_layer_weights == ()  # equal weights that sum to 1: w = 1/5
    assert paper.content_weight is not None
    assert paper.style_weight is not None
    assert paper.content_weight / paper.style_weight == pytest.approx(1e-3)
    assert (paper.rescaled_network, paper.steps, paper.tv_weight, paper.gamut) == (True, 500, 0.0, "free")


@pytest.mark.parametrize(
    ("changes", "pixels", "dpi"),
    [
        ({"size": "60cm"}, 7087, 300),
        ({"size": "60cm wide"}, "7087 wide", 300),
        ({"size": "60cm-high", "dpi": 100}, "2362 high", 100),
        ({"size": " 24 IN  High"}, "7200 high", 300),
        ({"size": "1200-wide"}, "1200 wide", None),
        ({"size": "1200 high"}, "1200 high", None),
        ({"size": "600 mm", "dpi": 300}, 7087, 300),
        ({"size": "23.5in", "dpi": 100}, 2350, 100),
        ({"size": ".5IN"}, 150, 300),
        ({"size": "10x20cm", "dpi": 254}, (2000, 1000), 254),  # (height, width)
        ({"size": 512, "dpi": 72}, 512, 72),
    ],
)
def test_a_print_becomes_pixels(changes: dict[str, Any], pixels: object, dpi: float) -> None:
    for recipe in (Recipe(**changes), Recipe().replace(**changes), Recipe.from_dict(changes)):
        assert (recipe.size, recipe.dpi) == (pixels, dpi)
        assert Recipe.from_toml(recipe.to_toml()) == recipe


def test_a_print_uses_the_resolution_of_its_recipe() -> None:
    assert Recipe(dpi=100).replace(size=parse_field("size", "10in")).size == 1000


def test_the_size_of_the_photograph_stays_a_word() -> None:
    assert Recipe(size="content").to_dict()["size"] == "content"
    assert format_value(Recipe(size="content").size) == "content"


@pytest.mark.parametrize("name", preset_names())
def test_presets_survive_toml_and_json(name: str) -> None:
    recipe = Recipe.preset(name)
    assert Recipe.from_toml(recipe.to_toml()) == recipe
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert Recipe.from_dict(recipe.to_dict()).hash() == recipe.hash()


def test_hash_tells_recipes_apart() -> None:
    assert len({Recipe(seed=seed).hash() for seed in range(5)}) == 5


def test_vgg19_has_sixteen_layers_and_relu_is_an_alias() -> None:
    assert len(LAYERS) == 16
    assert Recipe(content_layers=("relu4_2",)).content_layers == ("conv4_2",)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("steps", "12", 12),
        ("strength", "0.25", 0.25),
        ("strength", "none", None),
        ("style_layers", "conv1_1, relu2_1", ("conv1_1", "relu2_1")),
        ("style_blend", "0.7,0.3", (0.7, 0.3)),
        ("rescaled_network", "Yes", True),
        ("style_size", "600", 600),
        ("style_size", "same-pixels", "same-pixels"),
        ("init", "#ff8800", "#ff8800"),
        ("size", "1024x768", (768, 1024)),
        ("size", "Content", "content"),
        ("size", "1200-wide", "1200-wide"),
    ],
)
def test_text_of_a_person_becomes_a_value(name: str, text: str, value: object) -> None:
    assert parse_field(name, text) == value


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": 0}, ["steps is 0", "at least 1", "--steps"]),
        ({"style_weight": -1.0}, ["style_weight is -1.0", "at least 0"]),
        ({"style_weight": float("nan")}, ["style_weight is nan", "finite"]),
        ({"tv_weight": float("inf")}, ["tv_weight is inf", "finite"]),
        ({"strength": 1.5}, ["strength is 1.5", "at most 1"]),
        ({"style_scale": 0.0}, ["style_scale is 0.0", "at least 0.001"]),
        ({"content_layers": ("conv4_9",)}, ["conv4_9", "Did you mean 'conv4_"]),
        ({"style_layers": ("conv1_1", "relu1_1")}, ["each layer once"]),
        ({"pooling": "avarage"}, ["avarage", "Did you mean 'average'"]),
        ({"init": "#12345"}, ["#12345", "#e0c040"]),
        ({"style_size": "big"}, ["big", "same-pixels"]),
        ({"size": 2.5}, ["size is 2.5", "whole number"]),
        ({"size": "native"}, ["size is 'native'", "content"]),
        ({"size": "0.001cm"}, ["size is 0", "at least 1"]),
        ({"size": "60cm", "dpi": 0}, ["dpi is 0", "at least 1"]),
        ({"size": "60km"}, ["size is '60km'", "60cm"]),
        ({"size": "0 wide"}, ["size is '0 wide'", "60cm-wide"]),
        ({"size": "60cm deep"}, ["size is '60cm deep'"]),
        ({"size": "60x40cm wide"}, ["size is '60x40cm wide'"]),
        ({"size": "99999999999 high"}, ["size is '99999999999 high'"]),
        ({"size": "1.2.3cm"}, ["size is '1.2.3cm'"]),
        ({"size": "-60cm"}, ["size is '-60cm'"]),
        ({"rescaled_network": "yes"}, ["true or false"]),
        ({"style_layer_weights": (1.0, 2.0)}, ["2 numbers for 4 layers"]),
        ({"style_layer_weights": (0.0,) * 4}, ["above 0"]),
        ({"statistic": ("gram:0", "moments:0")}, ["statistic is 'gram:0,moments:0'", "at least one weight above 0"]),
        ({"strength": 0.5, "style_weight": 1.0}, ["strength is 0.5", "--style-weight"]),
        ({"strength": None}, ["expected both weights"]),
        ({"content_layers": (), "style_layers": ()}, ["both empty"]),
        ({"stepps": 3}, ["stepps", "Did you mean 'steps'"]),
    ],
)
def test_what_is_wrong_is_named_with_its_mend(changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe().replace(**changes)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "text"), [("steps", "many"), ("style_blend", "0.5;0.5"), ("rescaled_network", "si")])
def test_text_that_is_no_value_is_named(name: str, text: str) -> None:
    with pytest.raises(RecipeError, match=f"{name} is '{text}'"):
        parse_field(name, text)


@pytest.mark.parametrize("name", ["pastiche", "neural-style"])
def test_recipes_of_the_race_have_the_other_tools_objective(name: str) -> None:
    optimizer = {"gamut", "float32_share", "history", "fourier_exponent"}
    schedule = {"steps", "first_scale", "finer_steps", "carried_detail"}
    ours = Recipe.read(Path(__file__).parents[3] / "benchmarks" / "recipes" / f"{name}.toml")
    theirs = Recipe.preset(name)
    assert {field for field in field_names() if getattr(ours, field) != getattr(theirs, field)} == schedule | optimizer


def test_unknown_preset_lists_the_presets() -> None:
    words = r"one of draft, fine, network, neural-style, paper, pastiche, .*Did you mean 'paper'"
    with pytest.raises(RecipeError, match=words):
        Recipe.preset("papers")


def test_weights_and_strength_clear_each_other() -> None:
    weighted = Recipe().replace(style_weight=1e3)
    assert (weighted.strength, weighted.content_weight, weighted.style_weight) == (None, 1.0, 1e3)
    strong = weighted.replace(strength=0.8)
    assert (strong.strength, strong.content_weight, strong.style_weight) == (0.8, None, None)


def test_newer_format_is_refused() -> None:
    with pytest.raises(RecipeError, match="format_version 99; this impasto reads up to 1.*newer impasto"):
        Recipe.from_dict({"format_version": 99})
    for wrong in (0, -1, True, 1.0, "1", None):
        with pytest.raises(RecipeError, match=f"format_version {wrong!r}; expected a whole number from 1 to 1"):
            Recipe.from_dict({"format_version": wrong})


PLAIN: dict[str, Any] = {"size": 64, "steps": 5, "strength": 0.5, "style_blend": (0.5, 0.25), "keep_profile": True}


@pytest.mark.parametrize(
    "numbers",
    [
        {"size": np.int64(64), "steps": np.uint8(5), "strength": np.float32(0.5), "keep_profile": np.True_},
        {"size": np.array(64), "steps": np.array(5, np.int16), "strength": np.float16(0.5)},
        {"style_blend": np.array([0.5, 0.25], np.float32), "strength": torch.tensor(0.5), "size": torch.tensor(64)},
        {"style_blend": [np.float16(0.5), np.float64(0.25)], "steps": np.longlong(5)},
    ],
)
def test_numbers_of_numpy_are_numbers_with_the_same_hash(numbers: dict[str, Any]) -> None:
    recipe = Recipe().replace(**{**PLAIN, **numbers})
    assert recipe == Recipe().replace(**PLAIN) and recipe.hash() == Recipe().replace(**PLAIN).hash()
    assert Recipe(**{**PLAIN, **numbers}).to_toml() == Recipe(**PLAIN).to_toml()
    assert Recipe(style_layers=np.array(["conv1_1"])).style_layers == ("conv1_1",)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": True},
        {"steps": np.True_},
        {"strength": np.bool_(0)},
        {"size": (True, 64)},
        {"size": np.array([64])},
        {"style_size": np.True_},
        {"style_blend": np.array([True, False])},
        {"strength": np.float32("nan")},
        {"strength": 10**400},
        {"steps": 10**5000},
        {"depth": np.bool_(1)},
        {"color": ["style"]},
        {"size": "wide"},
        {"size": "9" * 400 + "cm"},
        {"style_layers": [["conv1_1"]]},
        {"seed": "x" * 10_000},
        {"seed": "two\nlines"},
    ],
)
def test_what_is_no_number_is_refused_in_one_short_line(changes: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=f"{next(iter(changes))} ") as caught:
        Recipe().replace(**changes)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_a_size_written_as_a_list_is_refused_and_a_pair_in_python_is_height_first() -> None:
    assert Recipe(size=(768, 1024)) == Recipe.from_toml('size = "1024x768"')
    for read in (lambda: Recipe.from_toml("size = [1024, 768]"), lambda: Recipe.from_dict({"size": [1024, 768]})):
        with pytest.raises(RecipeError, match=r'size is the list \[1024, 768\].* Write "1024x768", the width first'):
            read()


def test_text_that_is_not_toml_is_named() -> None:
    with pytest.raises(RecipeError, match="recipe is not TOML"):
        Recipe.from_toml("steps: 3")
    for text in ("layers = " + "[" * 100_000, "steps = " + "9" * 5000):
        with pytest.raises(RecipeError, match="recipe is not TOML"):
            Recipe.from_toml(text)


def test_a_recipe_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text("\ufeffsteps = 3\r\n", "utf-8")
    assert Recipe.read(tmp_path / "r.toml") == Recipe(steps=3)


@pytest.mark.parametrize(("field", "says"), [("steps", "at most 9223372036854775807"), ("size", "2147483648 pixels")])
def test_a_number_beyond_the_largest_is_refused_by_that(field: str, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        Recipe(**{field: 10**20})


def test_blend_weights_sum_to_one_and_match_the_styles() -> None:
    assert check_blend((), 4) == (0.25,) * 4
    assert check_blend((3.0, 1.0), 2) == (0.75, 0.25)
    with pytest.raises(RecipeError, match="3 weights for 2 style images"):
        check_blend((1.0, 1.0, 1.0), 2)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("size", "1024x768"),
        ("size", "64"),
        ("strength", "none"),
        ("strength", "0.5"),
        ("content_weight", "1e-05"),
        ("rescaled_network", "yes"),
        ("style_blend", "0.3,0.7"),
        ("style_layers", "conv1_1,conv2_1"),
        ("style_layers", ""),
        ("statistic", "gram:0.5@conv1_1+conv2_1,moments"),
    ],
)
def test_a_value_is_shown_as_it_is_typed(name: str, text: str) -> None:
    assert format_value(parse_field(name, text)) == text


def test_every_field_has_help_and_a_kind() -> None:
    for field in dataclasses.fields(Recipe):
        assert field.metadata["help"]
        assert field.metadata["kind"]
    assert len(field_names()) == len(set(field_names()))


def test_other_layers_clear_the_weights_of_the_old_ones() -> None:
    texture = Recipe.preset("texture")
    assert texture.style_layer_weights != ()
    assert texture.replace(style_layers=("conv1_1",)).style_layer_weights == ()
    assert texture.replace(style_layers=texture.style_layers).style_layer_weights == texture.style_layer_weights
    assert texture.replace(style_layers=list(texture.style_layers)) == texture
    both = texture.replace(style_layers=("conv1_1", "conv2_1"), style_layer_weights=(1.0, 2.0))
    assert both.style_layer_weights == (1.0, 2.0)


@pytest.mark.parametrize("values", [None, True, 7, "content", [1, 2], ["ab"]])
def test_a_recipe_is_built_from_names_and_values(values: Any) -> None:
    with pytest.raises(RecipeError, match="recipe is a .*; expected field names with their values"):
        Recipe.from_dict(values)


@pytest.mark.parametrize("size", ["60cm wide", "1200-high"])
def test_a_side_stays_in_the_recipe_as_it_is_written(size: str) -> None:
    recipe = Recipe(size=size)
    assert Recipe.from_toml(recipe.to_toml()) == Recipe.from_dict(recipe.to_dict()) == recipe
    assert Recipe(size=parse_field("size", size)) == recipe


def test_content_is_another_word_for_its_color() -> None:
    assert Recipe(color="content") == Recipe().replace(color="content") == Recipe(color="content-luma")
    assert Recipe.from_toml('color = "content"').color == "content-luma"
    with pytest.raises(RecipeError, match="color is 'contents'; expected content-luma or style"):
        Recipe().replace(color="contents")

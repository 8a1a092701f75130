"""Sizes of a run: too small ones are refused with an advice that works."""

import re

import pytest

from impasto.control.sizes import check_sizes, style_size
from impasto.errors import ImageSizeError
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import STYLE_LAYERS

CONTENT = (170, 256)
RECIPE = Recipe(style_layers=STYLE_LAYERS)


@pytest.mark.parametrize("style", [(60, 1024), (1024, 60), (17, 333), (100, 1001)])
@pytest.mark.parametrize("named", ["long-edge", "same-pixels", "native", 40])
@pytest.mark.parametrize("scale", [0.05, 0.3, 0.5, 1.0, 1.7])
def test_the_advised_style_size_is_enough_and_the_least(style: tuple[int, int], named: str | int, scale: float) -> None:
    recipe = RECIPE.replace(style_size=named, style_scale=scale)
    size = (85, 128)
    least = 16
    if min(style_size(recipe, style, size, size)) >= least:
        check_sizes(recipe, CONTENT, [style], size)
        return
    with pytest.raises(ImageSizeError) as refused:
        check_sizes(recipe, CONTENT, [style], size)
    found = re.search(r"--style-size (\d+) or more", refused.value.hint)
    assert found is not None
    advised = recipe.replace(style_size=int(found[1]))
    check_sizes(advised, CONTENT, [style], size)
    assert min(style_size(advised.replace(style_size=int(int(found[1]) * 0.9)), style, size, size)) < least


@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_the_advised_size_of_the_photograph_is_enough(scale: float) -> None:
    recipe = RECIPE.replace(style_scale=scale)
    with pytest.raises(ImageSizeError, match="--size 274 or more"):
        check_sizes(recipe, (60, 1024), [], (8, 128))
    check_sizes(recipe, (60, 1024), [], (16, 274))


def test_sizes_beyond_any_memory_are_refused_at_once() -> None:
    for recipe, size in ((Recipe(style_size=10**12), (85, 128)), (Recipe(), (10**6, 10**6))):
        with pytest.raises(ImageSizeError, match="expected at most"):
            check_sizes(recipe, CONTENT, [CONTENT], size)

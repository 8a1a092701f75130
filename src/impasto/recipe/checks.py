"""Checks of a recipe against its use: the number of style images, and a picture in the photograph's aspect."""

from collections.abc import Sequence

from impasto.errors import RecipeError
from impasto.recipe.recipe import Recipe


def check_blend(style_blend: Sequence[float], count: int) -> tuple[float, ...]:
    """Return blend weights of `count` style images, summing to 1. Raises RecipeError where the numbers differ."""
    if not style_blend:
        return (1.0 / count,) * count
    if len(style_blend) != count:
        raise RecipeError(
            f"style_blend has {len(style_blend)} weights for {count} style images; expected one each.",
            f"Give {count} numbers separated by commas, or leave style_blend out for equal shares.",
        )
    return tuple(weight / sum(style_blend) for weight in style_blend)


def check_aspect(recipe: Recipe) -> None:
    """Accept a recipe whose size leaves the photograph its aspect. Raises RecipeError."""
    if isinstance(recipe.size, tuple):
        raise RecipeError(
            f"size is {recipe.size[1]}x{recipe.size[0]}; a pastiche keeps the photograph's aspect.",
            f"Give its long edge alone, --size {max(recipe.size)}, or one side, --size {recipe.size[1]}-wide.",
        )

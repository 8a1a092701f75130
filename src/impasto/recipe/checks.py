"""Checks of a recipe's fields against each other, and of a recipe against its use."""

from collections.abc import Sequence
from typing import Any

from impasto.errors import RecipeError
from impasto.recipe.words import split_statistic


def check_together(recipe: Any) -> None:
    """Accept a `Recipe` whose fields do not contradict each other. Raises RecipeError."""
    has_weights = recipe.content_weight is not None or recipe.style_weight is not None
    if recipe.strength is not None and has_weights:
        raise RecipeError(
            f"strength is {recipe.strength:g} and content_weight or style_weight is given too; expected one way.",
            "Give --strength, or --content-weight and --style-weight.",
        )
    if recipe.strength is None and (recipe.content_weight is None or recipe.style_weight is None):
        raise RecipeError(
            f"strength is none, content_weight {recipe.content_weight}, style_weight {recipe.style_weight}; "
            "expected both weights where there is no strength.",
            "Give --strength, or both --content-weight and --style-weight.",
        )
    if not recipe.content_layers and not recipe.style_layers:
        raise RecipeError(
            "content_layers and style_layers are both empty; expected at least one layer.", "Name a layer in one."
        )
    for kind in ("content", "style"):
        layers, weights = getattr(recipe, f"{kind}_layers"), getattr(recipe, f"{kind}_layer_weights")
        if weights and len(weights) != len(layers):
            raise RecipeError(
                f"{kind}_layer_weights has {len(weights)} numbers for {len(layers)} layers; expected one each.",
                f"Give {len(layers)} numbers, or leave --{kind}-layer-weights out for equal weights.",
            )
    for item in recipe.statistic + recipe.region_statistics:
        for layer in split_statistic(item)[2]:
            if layer not in recipe.style_layers:
                raise RecipeError(
                    f"statistic {item!r} names {layer}, which is not among the style_layers "
                    f"{', '.join(recipe.style_layers)}; expected one of them.",
                    f"Add {layer} to --style-layers.",
                )


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


def check_aspect(size: object) -> None:
    """Accept the size of a recipe that leaves the photograph its aspect. Raises RecipeError."""
    if isinstance(size, tuple):
        raise RecipeError(
            f"size is {size[1]}x{size[0]}; a pastiche keeps the photograph's aspect.",
            f"Give its long edge alone, --size {max(size)}, or one side, --size {size[1]}-wide.",
        )

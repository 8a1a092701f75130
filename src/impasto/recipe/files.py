"""The files that a recipe names, start image and weights; and the recipe as pictures have it, without their paths."""

import os
from pathlib import Path

from impasto.errors import RecipeError
from impasto.recipe.fields import nearest_name
from impasto.recipe.recipe import Recipe
from impasto.recipe.shipped import shipped_styles
from impasto.recipe.words import INITS
from impasto.system.disk import path_hint

STRIPPED = "(stripped)"
"""The start image in the recipe of a picture that was written with `strip`."""


def init_file(recipe: Recipe) -> str | None:
    """Return the path of the start image, or of the network that paints it; of a shipped style, that in the package.

    None where `init` is a word or a color. Words and names of styles win over a file that is called so.
    """
    if recipe.init in INITS or recipe.init.startswith("#"):
        return None
    style = shipped_styles().get(recipe.init)
    return recipe.init if style is None else str(style.path)


def begins_with_network(recipe: Recipe) -> bool:
    """Return whether the start image is painted by a trained network, whose file or style is `init`."""
    return (init_file(recipe) or "").lower().endswith(".safetensors")


def needs_photograph(recipe: Recipe) -> bool:
    """Return whether the start image is made of the photograph."""
    return recipe.init in ("content", "instant") or begins_with_network(recipe)


def recipe_files(recipe: Recipe) -> list[str]:
    """Return the existing files among the start image and the weights: what a run reads beside its pictures."""
    return [name for name in (init_file(recipe), recipe.weights) if name is not None and is_file(name)]


def check_files(recipe: Recipe) -> None:
    """Accept a recipe whose start image exists; before painting, as a recipe alone does not need it.

    Raises RecipeError with the nearest word. (Weights are checked where they are loaded.)
    """
    init = init_file(recipe)
    if init == STRIPPED:
        raise RecipeError(
            f"init is {init!r}: the recipe is of a picture painted with --strip from a start image; expected its file.",
            "Give --init FILE.",
        )
    if init is not None and not is_file(init):
        names = (*INITS, *shipped_styles())
        raise RecipeError(
            f"init is {init!r}, neither a known start nor a file; expected {', '.join(names)}, #rrggbb or a file.",
            path_hint(init, f"{nearest_name(init, names)}Check the spelling or the path."),
        )


def recipe_in_picture(recipe: Recipe) -> Recipe:
    """Return the recipe as it is written into a picture: files by name, never by path; STRIPPED if it says `strip`."""
    is_word = init_file(recipe) != recipe.init
    named = recipe.init if is_word else STRIPPED if recipe.strip else _name(recipe.init)
    return recipe.replace(init=named, weights=_name(recipe.weights))


def is_recipe_in(values: object, recipe: Recipe) -> bool:
    """Whether the recipe of a picture, as its JSON values, is this one. Until version 0.1 it had the files' paths."""
    try:
        return recipe_in_picture(Recipe.from_dict(values)) == recipe_in_picture(recipe)  # type: ignore[arg-type]
    except RecipeError:
        return False


def is_file(name: str) -> bool:
    """Whether a file of that name exists; False too for a name that no file can have."""
    try:
        return Path(name).is_file()
    except OSError:  # longer than the system takes, or in a folder that is closed to us
        return False


def _name(path: str) -> str:
    """Return a file's name, such that it is not read as a word or a color: of "../content" it is "./content"."""
    name = os.path.basename(path)
    return name if name == path or ("." in name and not name.startswith("#")) else f"./{name}"

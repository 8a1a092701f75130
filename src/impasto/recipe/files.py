"""The files that a recipe names: its start image and its weights."""

from pathlib import Path

from impasto.errors import RecipeError
from impasto.recipe.fields import nearest_name
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import INITS
from impasto.system.disk import path_hint


def init_file(recipe: Recipe) -> str | None:
    """Return the path of the start image; None where `init` is a word or a color, even if a file is called so."""
    return None if recipe.init in INITS or recipe.init.startswith("#") else recipe.init


def recipe_files(recipe: Recipe) -> list[str]:
    """Return the existing files among the start image and the weights: what a run reads beside its pictures."""
    return [name for name in (init_file(recipe), recipe.weights) if name is not None and is_file(name)]


def check_files(recipe: Recipe) -> None:
    """Accept a recipe whose start image exists; before painting, as a recipe alone does not need it.

    Raises RecipeError with the nearest word. (Weights are checked where they are loaded.)
    """
    init = init_file(recipe)
    if init is not None and not is_file(init):
        raise RecipeError(
            f"init is {init!r}, neither a known start nor a file; expected {', '.join(INITS)}, #rrggbb or a file.",
            path_hint(init, f"{nearest_name(init, INITS)}Check the spelling or the path."),
        )


def is_file(name: str) -> bool:
    """Whether a file of that name exists; False too for a name that no file can have."""
    try:
        return Path(name).is_file()
    except OSError:  # longer than the system takes, or in a folder that is closed to us
        return False

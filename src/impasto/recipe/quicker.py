"""Quicker recipes: the presets that paint the same picture in fewer or cheaper steps."""

from impasto.recipe.recipe import Recipe

LARGE = 1500
"""Pixels of the long edge from which on the preset "print" is worth while."""

_SCHEDULE = ("steps", "finer_steps", "first_scale", "finest_layer", "float32_share")


def quicker_recipes(recipe: Recipe, long_edge: int) -> dict[str, Recipe]:
    """Return the recipe with the schedule of each preset that is quicker at this long edge in pixels, by its name.

    None where the recipe's own schedule is not that of a slower preset: somebody chose it.
    """

    def schedule(name: str) -> dict[str, object]:
        preset = Recipe.preset(name)
        return {field: getattr(preset, field) for field in _SCHEDULE}

    if {field: getattr(recipe, field) for field in _SCHEDULE} not in (schedule("standard"), schedule("fine")):
        return {}
    names = ("print", "draft") if long_edge >= LARGE else ("draft",)
    return {name: recipe.replace(**schedule(name)) for name in names}

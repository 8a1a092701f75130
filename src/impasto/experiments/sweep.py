"""A grid of pastiches over two recipe fields: the paper's figure 3, or any other two."""

import dataclasses
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from impasto.errors import RecipeError
from impasto.experiments.grid_cell import Paint, Panel, check_panels, paint_panel
from impasto.experiments.sheet import compose_sheet
from impasto.images.io import ImageSource
from impasto.optimize.events import OnStep
from impasto.recipe.fields import check_value, format_value
from impasto.recipe.files import check_files, recipe_files
from impasto.recipe.recipe import Recipe, field_names, parse_field
from impasto.recipe.words import STYLE_LAYERS

FIGURE_3_ROWS = tuple(STYLE_LAYERS[: count + 1] for count in range(len(STYLE_LAYERS)))
"""Growing sets of style layers: conv1_1; +conv2_1; ... +conv5_1."""

FIGURE_3_COLUMNS = (1e-5, 1e-4, 1e-3, 1e-2)
"""alpha / beta, from texture to photograph."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One recipe field and the values it takes along a side of the grid."""

    field: str
    values: tuple[Any, ...]

    def labels(self, recipes: Sequence[Recipe]) -> list[str]:
        """The values as a person reads them, in a grid of these recipes.

        content_weight is told as alpha/beta, as in the paper, where beta is the same in the whole grid.
        """
        betas = {recipe.style_weight for recipe in recipes}
        beta = betas.pop() if len(betas) == 1 else None
        if self.field == "content_weight" and beta:
            return [f"alpha/beta = {value / beta:g}" for value in self.values]
        if self.field == "style_layers":
            return ["\n".join(value) for value in self.values]
        return [f"{self.field} = {format_value(value).replace(',', ', ')}" for value in self.values]

    def to_dict(self) -> dict[str, Any]:
        """Field and values, as JSON values."""
        return {"field": self.field, "values": [list(v) if isinstance(v, tuple) else v for v in self.values]}


FIGURE_3 = (
    Axis("style_layers", tuple(FIGURE_3_ROWS)),
    Axis("content_weight", tuple(FIGURE_3_COLUMNS)),
)


def parse_axis(text: str) -> Axis:
    """The axis that "field=value,value" means; a value that is itself a list is joined by +: conv1_1+conv2_1, or
    gram+moments.

    Raises RecipeError for an unknown field, a missing value or one that the field cannot have.
    """
    name, found, values = text.partition("=")
    name = name.strip().replace("-", "_")
    parts = [part.strip() for part in values.split(",")]
    if not found or not all(parts):
        raise RecipeError(
            f"axis {text!r} is malformed; expected field=value,value,...", "Write strength=0.2,0.5,0.8, for example."
        )
    if name not in field_names():
        Recipe().replace(**{name: None})  # raises, naming the nearest field
    field = next(field for field in dataclasses.fields(Recipe) if field.name == name)
    # In a number such as 1e+3, a file's name and a statistic's layers, a + is what it is.
    joints = {"layers": r"\+", "numbers": r"\+", "statistics": r"\+(?=[a-z])(?!conv|relu)"}
    joint = joints.get(field.metadata["kind"], "(?!)")
    parsed = (parse_field(name, re.sub(joint, ",", part)) for part in parts)
    return Axis(name, tuple(check_value(field, value) for value in parsed))


def vary(recipe: Recipe, field: str, value: Any) -> Recipe:
    """The recipe with one field changed; weights of layers that no longer match give way to equal ones."""
    changes: dict[str, Any] = {field: value}
    if field in ("style_layers", "content_layers"):
        changes[field.removesuffix("s") + "_weights"] = ()
    return recipe.replace(**changes)


def plan_sweep(rows: Axis, columns: Axis, recipe: Recipe) -> list[list[Recipe]]:
    """The recipe of every place. Raises RecipeError where two are the same, or a field is not what its label says."""
    recipes = [[vary(vary(recipe, rows.field, r), columns.field, c) for c in columns.values] for r in rows.values]
    if any(getattr(chosen, rows.field) != r for r, row in zip(rows.values, recipes, strict=True) for chosen in row):
        raise RecipeError(
            f"columns {columns.field} override rows {rows.field}; expected two fields of which neither decides the "
            "other.",
            "Give --columns another field: --columns seed=0,1, for example.",
        )
    places: dict[Recipe, str] = {}
    for i, row in enumerate(recipes, start=1):
        for j, chosen in enumerate(row, start=1):
            place = f"row {i}, column {j}"
            if chosen in places:
                raise RecipeError(
                    f"rows {rows.field} and columns {columns.field} give {places[chosen]} and {place} the same recipe; "
                    "expected a different one in each.",
                    "Give each value once.",
                )
            places[chosen] = place
    return recipes


def panel_path(folder: str | os.PathLike[str], row: int, column: int) -> Path:
    """Where the panel of this row and column lies; both begin at 1."""
    return Path(folder) / f"row{row}_column{column}.png"


def sweep(
    rows: Axis,
    columns: Axis,
    recipe: Recipe,
    folder: str | os.PathLike[str],
    sources: Sequence[ImageSource],
    paint: Paint,
    *,
    on_step: OnStep | None = None,
    on_panel: Callable[[int, int], object] | None = None,
    check: Callable[[Recipe], object] | None = None,
) -> list[list[Panel]]:
    """Every combination of the two axes: a panel a place, each a file in `folder`.

    sources: the inputs, by which finished panels are recognised. paint: a recipe -> its result.
    on_panel: told the number of the panel that begins, and of all. check: raises what `paint` would raise for a recipe
    before slow work; all recipes are checked before the first is painted. Raises also what `plan_sweep` raises, and
    OutputError where a panel would replace an input.
    """
    recipes = plan_sweep(rows, columns, recipe)
    everyone = [chosen for row in recipes for chosen in row]
    places = [panel_path(folder, i + 1, j + 1) for i in range(len(rows.values)) for j in range(len(columns.values))]
    check_panels(places, [*sources, *(name for chosen in everyone for name in recipe_files(chosen))])
    for chosen in everyone:
        check_files(chosen)
        if check is not None:
            check(chosen)
    grid: list[list[Panel]] = []
    for i, row in enumerate(recipes):
        grid.append([])
        for j, chosen in enumerate(row):
            if on_panel is not None:
                on_panel(i * len(row) + j + 1, len(recipes) * len(row))
            grid[-1].append(paint_panel(panel_path(folder, i + 1, j + 1), chosen, sources, paint, on_step))
    return grid


def compose_sweep(grid: Sequence[Sequence[Panel]], rows: Axis, columns: Axis, *, title: str = "") -> Tensor:
    """The labelled sheet of a sweep: (1, 3, H, W)."""
    recipes = [panel.recipe for row in grid for panel in row]
    return compose_sheet(
        [[panel.pastiche for panel in row] for row in grid],
        row_labels=rows.labels(recipes),
        column_labels=columns.labels(recipes),
        title=title,
        panel_size=max(max(panel.pastiche.shape[-2:]) for row in grid for panel in row),
    )

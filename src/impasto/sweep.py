"""A grid of pastiches over two recipe fields: the paper's figure 3, or any other two."""

import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from torch import Tensor

from impasto.errors import ImageReadError, RecipeError
from impasto.fields import STYLE_LAYERS, check_value
from impasto.images.disk import replace_file
from impasto.images.io import ImageSource, read_image, read_metadata
from impasto.images.sheet import compose_sheet
from impasto.optimize.events import OnStep, StepEvent
from impasto.painting import Result, describe_input
from impasto.recipe import Recipe, field_names, parse_field

FIGURE_3_ROWS = tuple(STYLE_LAYERS[: count + 1] for count in range(len(STYLE_LAYERS)))
"""Growing sets of style layers: conv1_1; +conv2_1; ... +conv5_1."""

FIGURE_3_COLUMNS = (1e-5, 1e-4, 1e-3, 1e-2)
"""alpha / beta, from texture to photograph."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One recipe field and the values it takes along a side of the grid."""

    field: str
    values: tuple[Any, ...]

    def label(self, value: Any) -> str:
        """The value as a person reads it."""
        if self.field == "content_weight":
            return f"alpha/beta = {value:g}"
        shown = "\n".join(value) if isinstance(value, tuple) else value
        return shown if self.field == "style_layers" else f"{self.field} = {shown}"

    def to_dict(self) -> dict[str, Any]:
        """Field and values, as JSON values."""
        return {"field": self.field, "values": [list(v) if isinstance(v, tuple) else v for v in self.values]}


FIGURE_3 = (
    Axis("style_layers", tuple(FIGURE_3_ROWS)),
    Axis("content_weight", tuple(FIGURE_3_COLUMNS)),
)


def parse_axis(text: str) -> Axis:
    """The axis that "field=value,value" means; a value that is itself a list is joined by +: conv1_1+conv2_1.

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
    is_list = field.metadata["kind"] in ("layers", "numbers")
    parsed = (parse_field(name, part.replace("+", ",") if is_list else part) for part in parts)
    return Axis(name, tuple(check_value(field, value) for value in parsed))


def vary(recipe: Recipe, field: str, value: Any) -> Recipe:
    """The recipe with one field changed; weights of layers that no longer match give way to equal ones."""
    changes: dict[str, Any] = {field: value}
    if field in ("style_layers", "content_layers"):
        changes[field.removesuffix("s") + "_weights"] = ()
    return recipe.replace(**changes)


Paint = Callable[[Recipe, OnStep], Result]
"""Paints one recipe, telling its steps: `stylize` or `reconstruct` with everything else filled in."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One place of a sheet: its recipe, file, picture (1, 3, H, W), losses, and the losses after each step."""

    recipe: Recipe
    path: Path
    pastiche: Tensor
    losses: Mapping[str, float]
    trace: Sequence[Mapping[str, float]]


def paint_panel(
    path: Path, recipe: Recipe, sources: Sequence[ImageSource], paint: Paint, on_step: OnStep | None = None
) -> Panel:
    """The picture of this recipe at `path`: read if it is there from the same recipe and inputs, else painted.

    sources: the inputs. Losses and trace lie beside the picture as JSON, so that an interrupted sheet goes on
    where it stopped. Raises KeyboardInterrupt if the painting was stopped; the panel is then not kept.
    """
    notes_path = path.with_suffix(".json")
    if not (_is_made(path, recipe, sources) and notes_path.is_file()):
        trace: list[Mapping[str, float]] = []

        def follow(event: StepEvent) -> object:
            trace.append(event.losses)
            return on_step(event) if on_step is not None else None

        result = paint(recipe, follow)
        if result.end == "stopped":
            raise KeyboardInterrupt(f"stopped while painting {str(path)!r}; what was finished before is kept.")
        path.parent.mkdir(parents=True, exist_ok=True)
        # Notes count only beside their own picture: the old ones go first, the new ones come last.
        notes_path.unlink(missing_ok=True)
        result.save(path)
        notes = {"losses": dict(result.losses), "trace": [dict(losses) for losses in trace]}
        write_notes(notes_path, notes)
    notes = json.loads(notes_path.read_text("utf-8"))
    return Panel(recipe, path, read_image(path), notes["losses"], notes["trace"])


def write_notes(path: Path, values: Mapping[str, Any]) -> None:
    """Writes the values as JSON, in one atomic move."""
    replace_file(path, BytesIO(json.dumps(dict(values)).encode()))


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
    before slow work; all recipes are checked before the first is painted. Raises RecipeError also where two panels
    would be the same, because one axis overrides the other or a value stands there twice.
    """
    recipes = [[vary(vary(recipe, rows.field, r), columns.field, c) for c in columns.values] for r in rows.values]
    _check_different(recipes, rows, columns)
    for chosen in (chosen for row in recipes for chosen in row):
        if check is not None:
            check(chosen)
    grid: list[list[Panel]] = []
    for i, row in enumerate(recipes):
        grid.append([])
        for j, chosen in enumerate(row):
            if on_panel is not None:
                on_panel(i * len(row) + j + 1, len(recipes) * len(row))
            path = Path(folder) / f"row{i + 1}_column{j + 1}.png"
            grid[-1].append(paint_panel(path, chosen, sources, paint, on_step))
    return grid


def compose_sweep(grid: Sequence[Sequence[Panel]], rows: Axis, columns: Axis, *, title: str = "") -> Tensor:
    """The labelled sheet of a sweep: (1, 3, H, W)."""
    return compose_sheet(
        [[panel.pastiche for panel in row] for row in grid],
        row_labels=[rows.label(value) for value in rows.values],
        column_labels=[columns.label(value) for value in columns.values],
        title=title,
        panel_size=max(max(panel.pastiche.shape[-2:]) for row in grid for panel in row),
    )


def _check_different(recipes: Sequence[Sequence[Recipe]], rows: Axis, columns: Axis) -> None:
    places: dict[Recipe, str] = {}
    for i, row in enumerate(recipes, start=1):
        for j, recipe in enumerate(row, start=1):
            place = f"row {i}, column {j}"
            if recipe in places:
                raise RecipeError(
                    f"rows {rows.field} and columns {columns.field} give {places[recipe]} and {place} the same recipe; "
                    "expected a different one in each.",
                    "Give each value once, and two fields of which neither decides the other.",
                )
            places[recipe] = place


def _is_made(path: Path, recipe: Recipe, sources: Sequence[ImageSource]) -> bool:
    if not path.is_file():
        return False
    try:
        metadata: Any = read_metadata(path) or {}
    except ImageReadError:
        return False
    wanted = [describe_input("content", source).sha256 for source in sources]
    found = [entry.get("sha256") for entry in metadata.get("inputs", [])]
    return bool(metadata.get("recipe") == recipe.to_dict() and found == wanted)

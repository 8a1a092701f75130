"""A grid of pastiches over two recipe fields: the paper's figure 3, or any other two."""

import dataclasses
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from torch import Tensor

from impasto.errors import RecipeError
from impasto.experiments.grid_cell import CellPainter, GridCell, Paint, check_cells, sum_cells, write_notes
from impasto.experiments.sheet import compose_sheet
from impasto.images.io import ImageSource, check_output, read_image, write_image
from impasto.images.picture import hold_source
from impasto.images.pixels import encode_shown
from impasto.optimize.events import OnStep
from impasto.painting.cache import Cache
from impasto.painting.options import (
    CELL_FIELDS,
    PaintFields,
    RunOptions,
    check_callback,
    choose_recipe,
    split_fields,
)
from impasto.recipe.fields import check_names, check_value, format_value, shown, to_plain
from impasto.recipe.files import check_files, recipe_files
from impasto.recipe.recipe import Recipe, field_names, parse_field
from impasto.recipe.words import STYLE_LAYERS
from impasto.runs.evolution import check_snapshot_dir
from impasto.runs.result import Result
from impasto.system.disk import check_not_input, to_path
from impasto.transfer.pastiche import prepare_pastiche, stylize

FIGURE_3_ROWS = tuple(STYLE_LAYERS[: count + 1] for count in range(len(STYLE_LAYERS)))
"""Growing sets of style layers: conv1_1; +conv2_1; ... +conv5_1."""

FIGURE_3_COLUMNS = (1e-5, 1e-4, 1e-3, 1e-2)
"""alpha / beta, from texture to photograph."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One recipe field and its values along a side of the grid."""

    field: str
    values: tuple[Any, ...]

    def labels(self, recipes: Sequence[Recipe]) -> list[str]:
        """Return the labels of the values, in a grid of these recipes.

        content_weight is shown as alpha/beta, as in the paper, where beta is the same in the whole grid.
        """
        betas = {recipe.style_weight for recipe in recipes}
        beta = betas.pop() if len(betas) == 1 else None
        if self.field == "content_weight" and beta:
            return [f"alpha/beta = {value / beta:g}" for value in self.values]
        if self.field == "style_layers":
            return ["\n".join(value) for value in self.values]
        return [f"{self.field} = {format_value(value).replace(',', ', ')}" for value in self.values]

    def to_dict(self) -> dict[str, Any]:
        """Return field and values as JSON values."""
        return {"field": self.field, "values": [list(v) if isinstance(v, tuple) else v for v in self.values]}


FIGURE_3 = Axis("style_layers", FIGURE_3_ROWS), Axis("content_weight", FIGURE_3_COLUMNS)


def build_axis(field: str, values: Sequence[Any]) -> Axis:
    """Return an axis after checking its field and values. Raises RecipeError."""
    check_names([field], field_names(), "recipe has no field")
    found = next(each for each in dataclasses.fields(Recipe) if each.name == field)
    if isinstance(values, str) or not isinstance(values := to_plain(values), Sequence) or not values:
        raise RecipeError(
            f"axis {field} has the values {shown(values)}; expected a list of at least one.", "Write [0.2, 0.5], say."
        )
    return Axis(field, tuple(check_value(found, value) for value in values))


def parse_axis(text: str) -> Axis:
    """Parse "field=value,value" into an axis; a value that is itself a list is joined by +: conv1_1+conv2_1.

    Raises RecipeError for an unknown field, a missing value or one that the field cannot have.
    """
    name, found, values = text.partition("=")
    name = name.strip().replace("-", "_")
    parts = [part.strip() for part in values.split(",")]
    if not found or not all(parts):
        raise RecipeError(
            f"axis {text!r} is malformed; expected field=value,value,...", "Write strength=0.2,0.5,0.8, for example."
        )
    check_names([name], field_names(), "recipe has no field")
    field = next(field for field in dataclasses.fields(Recipe) if field.name == name)
    # A + does not separate values in a number such as 1e+3, a file's name or a statistic's layers.
    separators = {"layers": r"\+", "numbers": r"\+", "statistics": r"\+(?=[a-z])(?!conv|relu)"}
    separator = separators.get(field.metadata["kind"], "(?!)")
    return build_axis(name, [parse_field(name, re.sub(separator, ",", part)) for part in parts])


@dataclass(frozen=True, slots=True)
class Sweep:
    """A grid of recipes over two axes; `recipes[i][j]` has the i-th value of `rows` and the j-th of `columns`."""

    rows: Axis
    columns: Axis
    recipes: Sequence[Sequence[Recipe]]

    @property
    def files(self) -> list[str]:
        """The files that the recipes name."""
        return [name for row in self.recipes for recipe in row for name in recipe_files(recipe)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SweepSheet:
    """A painted sweep. A notebook shows the sheet.

    output: the file of the sheet; sheet: (1, 3, H, W) in [0, 1]. notes: the JSON file of all losses. cells: row by row,
    each with its recipe, path, pastiche and losses. recipe: before the changes of rows and columns.
    """

    output: Path
    sheet: Tensor
    notes: Path
    cells: Sequence[Sequence[GridCell]]
    rows: Axis
    columns: Axis
    recipe: Recipe

    def to_dict(self) -> dict[str, Any]:
        """Return output, size, cost, losses by path, rows, columns, paths of the cells and recipe as JSON values."""
        return {
            "output": str(self.output),
            "size": {"width": self.sheet.shape[-1], "height": self.sheet.shape[-2]},
            **sum_cells(cell for row in self.cells for cell in row),
            "rows": self.rows.to_dict(),
            "columns": self.columns.to_dict(),
            "panels": [[str(cell.path) for cell in row] for row in self.cells],
            "recipe": self.recipe.to_dict(),
        }

    def _repr_png_(self) -> bytes:
        return encode_shown(self.sheet)


def sweep(
    content_image: ImageSource,
    style_image: ImageSource,
    output: str | os.PathLike[str],
    rows: Axis | Mapping[str, Sequence[Any]] = FIGURE_3[0],
    columns: Axis | Mapping[str, Sequence[Any]] = FIGURE_3[1],
    recipe: Recipe | None = None,
    *,
    on_step: OnStep | None = None,
    on_cell: Callable[[int, int], object] | None = None,
    **fields: Unpack[PaintFields],
) -> SweepSheet:
    """Paint a grid of pastiches over two recipe fields, and write them and the sheet that shows all.

    output: the sheet's file, such as grid.png; the cells go into grid_panels beside it, the losses into grid.json.
    rows, columns: one field of the recipe and its values, such as {"strength": [0.2, 0.8]}; the paper's figure 3 if
    left out. recipe: the preset `paper` if left out. on_cell: called with the number of the cell that begins, and of
    all. The rest as for `stylize`. Cells that were painted before, from the same recipe and inputs, are read.
    Raises what `stylize` raises before slow work, and OutputError where an input would be replaced.
    """
    own = ("recipe", "rows", "columns", "on_step", "on_cell")
    changes, run, _ = split_fields("sweep", fields, own, CELL_FIELDS)
    for name, function in (("on_step", on_step), ("on_cell", on_cell)):
        check_callback(name, function)
    recipe = choose_recipe(recipe, "paper", changes)
    content_image, style_image = hold_source(content_image), hold_source(style_image)
    run.setdefault("cache", Cache())
    rows, columns = (axis if isinstance(axis, Axis) else _to_axis(axis) for axis in (rows, columns))
    planned = plan_sweep(rows, columns, recipe)
    sources = [content_image, style_image]
    output, read = to_path(output, "output"), [*sources, *planned.files]
    check_output(output, inputs=read)
    notes = output.with_suffix(".json")
    check_not_input(notes, f"losses {str(notes)!r}", read)
    folder = check_snapshot_dir(output.with_name(f"{output.stem}_panels"))
    max_pixels = RunOptions(**run).max_pixels
    content = read_image(content_image, name="content_image", max_pixels=max_pixels)
    style = read_image(style_image, name="style_image", max_pixels=max_pixels)

    def paint(chosen: Recipe, on_step: OnStep) -> Result:
        return stylize(content_image, style_image, chosen, on_step=on_step, **run)

    cells = paint_sweep(
        planned,
        folder,
        sources,
        paint,
        painter=CellPainter(on_step),
        on_cell=on_cell,
        check=lambda chosen: prepare_pastiche(content, style, chosen, **run),
    )
    sheet = compose_sweep(planned, cells)
    write_image(sheet, output)
    painted = SweepSheet(
        output=output, sheet=sheet, notes=notes, cells=cells, rows=rows, columns=columns, recipe=recipe
    )
    write_notes(notes, painted.to_dict())
    return painted


def _to_axis(values: Mapping[str, Sequence[Any]]) -> Axis:
    if not isinstance(values, Mapping) or len(values) != 1:
        raise RecipeError(
            f"rows or columns are {shown(values)}; expected one field and its values.",
            'Write {"strength": [0.2, 0.8]}, for example.',
        )
    ((field, listed),) = values.items()
    return build_axis(field, listed)


def change_field(recipe: Recipe, field: str, value: Any) -> Recipe:
    """Return the recipe with one field changed; other layers clear the layer weights."""
    changes: dict[str, Any] = {field: value}
    if field in ("style_layers", "content_layers"):
        changes[field.removesuffix("s") + "_weights"] = ()
    return recipe.replace(**changes)


def plan_sweep(rows: Axis, columns: Axis, recipe: Recipe) -> Sweep:
    """Return the grid of recipes. Raises RecipeError where two are equal, or a field is not what its label says."""
    rowed = [change_field(recipe, rows.field, value) for value in rows.values]
    recipes = [[change_field(row, columns.field, value) for value in columns.values] for row in rowed]
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
    return Sweep(rows, columns, recipes)


def cell_paths(rows: Axis, columns: Axis, folder: str | os.PathLike[str]) -> list[list[Path]]:
    """Return the path of each cell in the folder: row1_column1.png and so on."""
    down, right = (range(1, len(axis.values) + 1) for axis in (rows, columns))
    return [[Path(folder) / f"row{row}_column{column}.png" for column in right] for row in down]


def paint_sweep(
    sweep: Sweep,
    folder: str | os.PathLike[str],
    sources: Sequence[ImageSource],
    paint: Paint,
    *,
    painter: CellPainter | None = None,
    on_cell: Callable[[int, int], object] | None = None,
    check: Callable[[Recipe], object] | None = None,
) -> list[list[GridCell]]:
    """Paint every combination of the two axes, each as a file in `folder`. Returns the cells, row by row.

    sources: the inputs, by which finished cells are recognized. paint: a recipe -> its result. painter: the sheet's, if
    it has other cells too, or if steps are to be reported. on_cell: called with the number of the cell that begins, and
    of all. check: raises what `paint` would raise for a recipe before slow work; all recipes are checked before the
    first is painted. Raises also OutputError where a cell would replace an input.
    """
    paths = cell_paths(sweep.rows, sweep.columns, folder)
    check_cells([path for row in paths for path in row], [*sources, *sweep.files])
    for recipe in (recipe for row in sweep.recipes for recipe in row):
        check_files(recipe)
        if check is not None:
            check(recipe)
    painter = painter or CellPainter()
    grid: list[list[GridCell]] = []
    for row_paths, recipes in zip(paths, sweep.recipes, strict=True):
        grid.append([])
        for path, recipe in zip(row_paths, recipes, strict=True):
            if on_cell is not None:
                on_cell(sum(map(len, grid)) + 1, len(paths) * len(row_paths))
            grid[-1].append(painter.paint(path, recipe, sources, paint))
    return grid


def compose_sweep(sweep: Sweep, grid: Sequence[Sequence[GridCell]]) -> Tensor:
    """Return the labelled sheet of a sweep, (1, 3, H, W)."""
    recipes = [recipe for row in sweep.recipes for recipe in row]
    return compose_sheet(
        [[cell.pastiche for cell in row] for row in grid],
        row_labels=sweep.rows.labels(recipes),
        column_labels=sweep.columns.labels(recipes),
        cell_size=max(max(cell.pastiche.shape[-2:]) for row in grid for cell in row),
    )

"""`impasto sweep`: a labelled grid over two recipe fields; the paper's figure 3 by default."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.options import FILE_FIELDS, STYLIZE_FIELDS, Machine, Report, takes_recipe
from impasto.cli.progress import show_steps
from impasto.cli.report import print_json, print_line
from impasto.cli.signatures import takes_options
from impasto.recipe.recipe import Recipe

if TYPE_CHECKING:
    from impasto.optimize.events import OnStep
    from impasto.runs.result import Result

FIGURE_3_ROWS = "conv1_1, +conv2_1, ... +conv5_1"
FIGURE_3_COLUMNS = "content_weight=1e-5,1e-4,1e-3,1e-2"


@takes_options
@takes_recipe("paper", without=(*STYLIZE_FIELDS, *FILE_FIELDS))
def sweep(
    context: typer.Context,
    content_image: Annotated[Path, typer.Argument(metavar="CONTENT", help="the photograph", show_default=False)],
    style_image: Annotated[Path, typer.Argument(metavar="STYLE", help="the painting", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="GRID", help="the sheet: .png, .jpg, ...")],
    recipe: Recipe,
    rows: Annotated[
        str | None, typer.Option(metavar="FIELD=A,B,...", help=f"varied by row; default: {FIGURE_3_ROWS}")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="FIELD=A,B,...", help=f"varied by column; default: {FIGURE_3_COLUMNS}")
    ] = None,
    *,
    machine: Machine,
    report: Report,
) -> None:
    """Paint a grid of pastiches over two recipe fields, as one sheet and a file each.

    impasto sweep photo.jpg painting.jpg -o grid.png --rows style_scale=0.5,1 --columns strength=0.2,0.5,0.8

    A value that is a list is joined by +: --rows style_layers=conv1_1,conv1_1+conv2_1. Called
    again, it resumes where it was stopped.
    """
    from impasto.experiments import sweep as stage
    from impasto.experiments.grid_cell import CellPainter, sum_cells, write_notes
    from impasto.images.io import check_output, read_image, write_image
    from impasto.painting.cache import Cache
    from impasto.runs.evolution import check_snapshot_dir
    from impasto.system.disk import check_not_input
    from impasto.transfer import pastiche as transfer
    from impasto.transfer.pastiche import prepare_pastiche

    row_axis = stage.parse_axis(rows) if rows is not None else stage.FIGURE_3[0]
    column_axis = stage.parse_axis(columns) if columns is not None else stage.FIGURE_3[1]
    sources = [content_image, style_image]
    planned = stage.plan_sweep(row_axis, column_axis, recipe)
    read = [*sources, *planned.files]
    check_output(output, inputs=read)
    notes = output.with_suffix(".json")
    check_not_input(notes, f"losses {str(notes)!r}", read)
    folder = check_snapshot_dir(output.with_name(f"{output.stem}_panels"))
    content = read_image(content_image, name="content_image", max_pixels=machine.max_pixels)
    style = read_image(style_image, name="style_image", max_pixels=machine.max_pixels)
    how = machine.keywords()
    how["cache"] = Cache()

    def paint(chosen: Recipe, on_step: "OnStep") -> "Result":
        return transfer.stylize(content_image, style_image, chosen, on_step=on_step, **how)

    with show_steps(quiet=report.quiet) as progress:
        grid = stage.paint_sweep(
            planned,
            folder,
            sources,
            paint,
            painter=CellPainter(context.obj.on_step(progress.on_step)),
            on_cell=lambda number, of: progress.on_part(f"panel {number}/{of}"),
            check=lambda chosen: prepare_pastiche(content, style, chosen, **how),
        )
    context.obj.start_saving()
    sheet = stage.compose_sweep(planned, grid)
    write_image(sheet, output)
    values = {
        "output": str(output),
        "size": {"width": sheet.shape[-1], "height": sheet.shape[-2]},
        **sum_cells(cell for row in grid for cell in row),
        "rows": row_axis.to_dict(),
        "columns": column_axis.to_dict(),
        "panels": [[str(cell.path) for cell in row] for row in grid],
        "recipe": recipe.to_dict(),
    }
    write_notes(notes, values)
    if report.json:
        print_json(values)
    else:
        print_line(
            f"{output}: {len(grid)} x {len(grid[0])} panels, each a file in {grid[0][0].path.parent}; losses in "
            f"{notes.name}"
        )

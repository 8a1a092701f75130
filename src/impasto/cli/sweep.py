"""`impasto sweep`: a labelled grid over two recipe fields; the paper's figure 3 by default."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.options import FORMAT_FIELDS, STYLIZE_FIELDS, Machine, Report, takes_recipe
from impasto.cli.progress import show_steps
from impasto.cli.report import print_json, print_line
from impasto.cli.signatures import takes_options
from impasto.recipe.recipe import Recipe

FIGURE_3_ROWS = "conv1_1, +conv2_1, ... +conv5_1"
FIGURE_3_COLUMNS = "content_weight=1e-5,1e-4,1e-3,1e-2"


@takes_options
@takes_recipe("paper", without=(*STYLIZE_FIELDS, *FORMAT_FIELDS))
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
    """Paint a grid of pictures over two settings, on one sheet.

    impasto sweep photo.jpg painting.jpg -o grid.png --rows style_scale=0.5,1 --columns strength=0.2,0.5,0.8

    A value that is a list is joined by +: --rows style_layers=conv1_1,conv1_1+conv2_1. Called
    again, it resumes where it was stopped.
    """
    from impasto.experiments import sweep as stage

    with show_steps(quiet=report.quiet) as progress:
        made = stage.sweep(
            content_image,
            style_image,
            output,
            stage.FIGURE_3[0] if rows is None else stage.parse_axis(rows),
            stage.FIGURE_3[1] if columns is None else stage.parse_axis(columns),
            recipe,
            on_step=context.obj.on_step(progress.on_step),
            on_cell=lambda number, of: progress.on_part(f"panel {number}/{of}"),
            **machine.keywords(),
        )
    if report.json:
        print_json(made.to_dict())
    else:
        print_line(
            f"{output}: {len(made.cells)} x {len(made.cells[0])} panels, each a file in "
            f"{made.cells[0][0].path.parent}; losses in {made.notes.name}"
        )

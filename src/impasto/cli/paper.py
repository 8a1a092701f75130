"""`impasto paper`: figures 1, 2 and 3 of the paper, and a page that shows them."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.options import Machine, Report, Strip
from impasto.cli.progress import show_steps
from impasto.cli.report import print_json, print_line
from impasto.cli.signatures import takes_options
from impasto.errors import RecipeError
from impasto.recipe.recipe import Recipe, parse_field


@takes_options
def paper(
    context: typer.Context,
    content_image: Annotated[Path, typer.Argument(metavar="CONTENT", help="the photograph", show_default=False)],
    style_images: Annotated[
        list[Path], typer.Argument(metavar="STYLE", help="one or more paintings", show_default=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="folder for figures and page")],
    size: Annotated[str, typer.Option(metavar="N", help="long edge of each panel in pixels")] = "256",
    steps: Annotated[
        str | None, typer.Option(metavar="N", help="steps of each panel; default: 200, 300, 150 by figure")
    ] = None,
    weights: Annotated[str, typer.Option(metavar="NAME|FILE", help="network weights")] = "oxford",
    seed: Annotated[str, typer.Option(metavar="N", help="seed of the white noise")] = "0",
    strip: Strip = False,
    *,
    machine: Machine,
    report: Report,
) -> None:
    """Make figures 1, 2 and 3 of the paper (Gatys et al. 2015) with your pictures.

    Writes every panel, the three figures, and index.html. Called again, it resumes where it was
    stopped.
    """
    from impasto.experiments.grid_cell import sum_cells
    from impasto.experiments.paper import reproduce_paper
    from impasto.system.disk import check_folder, is_folder

    edge = Recipe(size=parse_field("size", size)).size
    if not isinstance(edge, int):
        raise RecipeError(f"size is {size!r}; expected the long edge of all panels in pixels.", "Give --size 256.")
    label = f"output {str(output)!r}"
    check_folder(output if is_folder(output, label) or output.exists() else output.parent, label)
    with show_steps(quiet=report.quiet) as progress:
        made = reproduce_paper(
            content_image,
            style_images,
            output,
            size=edge,
            steps=None if steps is None else parse_field("steps", steps),
            weights=weights,
            seed=parse_field("seed", seed),
            strip=strip,
            **machine.keywords(),
            on_step=context.obj.on_step(progress.on_step),
            on_figure=lambda figure, number, of: progress.on_part(f"{figure}, panel {number}/{of}"),
        )
    if report.json:
        height, width = made.size
        print_json(
            {
                "output": str(made.page),
                "figures": [str(path) for path in made.figures],
                "size": {"width": width, "height": height},
                **sum_cells(made.cells),
                "recipe": made.recipe.to_dict(),
            }
        )
    else:
        print_line(f"{made.page}: figures 1, 2 and 3; open it in a browser")

"""`impasto backbone compare`: paint one recipe with several networks, on one sheet."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.options import (
    FORMAT_FIELDS,
    Debug,
    Device,
    Json,
    MaxPixels,
    PrecisionOption,
    Quiet,
    Threads,
    takes_recipe,
)
from impasto.cli.progress import show_steps
from impasto.cli.report import print_json, print_line
from impasto.recipe.files import recipe_files
from impasto.recipe.recipe import Recipe

if TYPE_CHECKING:
    from impasto.features.weights import WeightsRecord
    from impasto.optimize.events import OnStep
    from impasto.runs.result import Result


@takes_recipe("standard", without=("weights", "weights_preprocessing", "rescaled_network", *FORMAT_FIELDS))
def compare_backbones(
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="BACKBONE... CONTENT STYLE",
            help="networks: files, or oxford, torchvision, random (untrained); then the photograph and the painting",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="SHEET", help="the sheet: .png, .jpg, ...")],
    recipe: Recipe,
    device: Device = "auto",
    threads: Threads = None,
    precision: PrecisionOption = "auto",
    max_pixels: MaxPixels = 200_000_000,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Paint the same recipe with several networks, as one sheet and a file each.

    impasto backbone compare random my.safetensors oxford photo.jpg painting.jpg -o sheet.png

    Every network is rescaled to a mean activation of 1, so that weights mean the same. Run again, it resumes where
    it was stopped.
    """
    from impasto.backbone import compare as stage
    from impasto.errors import RecipeError
    from impasto.experiments.grid_cell import CellPainter, sum_cells, write_notes
    from impasto.images.io import check_output, read_image, write_image
    from impasto.runs.evolution import check_snapshot_dir
    from impasto.system.disk import check_not_input
    from impasto.transfer import pastiche as transfer
    from impasto.transfer.pastiche import prepare_pastiche

    if len(words) < 3:
        raise RecipeError(
            f"{' '.join(words)!r} is too little to compare; expected networks, a photograph and a painting.",
            "Write, for example: impasto backbone compare random oxford photo.jpg painting.jpg -o sheet.png",
        )
    backbones, sources = words[:-2], [Path(word) for word in words[-2:]]
    read = [*sources, *(name for chosen in stage.plan_comparison(backbones, recipe) for name in recipe_files(chosen))]
    check_output(output, inputs=read)
    notes = output.with_suffix(".json")
    check_not_input(notes, f"losses {str(notes)!r}", read)
    folder = check_snapshot_dir(output.with_name(f"{output.stem}_panels"))
    content = read_image(sources[0], name="content_image", max_pixels=max_pixels)
    style = read_image(sources[1], name="style_image", max_pixels=max_pixels)

    def paint(chosen: Recipe, on_step: "OnStep") -> "Result":
        how = {"device": device, "threads": threads, "precision": precision, "max_pixels": max_pixels}
        return transfer.stylize(sources[0], sources[1], chosen, on_step=on_step, **how)  # type: ignore[arg-type]

    def check(chosen: Recipe) -> "WeightsRecord":
        return prepare_pastiche(content, style, chosen, device=device).weights

    with show_steps(quiet=quiet) as progress:
        compared = stage.compare_backbones(
            backbones,
            recipe,
            folder,
            sources,
            paint,
            check,
            painter=CellPainter(context.obj.on_step(progress.on_step)),
            on_cell=lambda number, of: progress.on_part(f"network {number}/{of}"),
        )
    context.obj.start_saving()
    sheet = stage.compose_comparison(compared, content, style)
    write_image(sheet, output)
    values = {
        "output": str(output),
        "size": {"width": sheet.shape[-1], "height": sheet.shape[-2]},
        **sum_cells(each.cell for each in compared),
        "backbones": [each.to_dict() for each in compared],
        "recipe": recipe.replace(rescaled_network=True).to_dict(),
    }
    write_notes(notes, values)
    if json:
        print_json(values)
    else:
        print_line(f"{output}: {len(compared)} networks, each a file in {folder}; losses in {notes.name}")

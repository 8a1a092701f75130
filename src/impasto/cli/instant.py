"""`impasto instant`: a photograph in the style of any painting, in one pass of a network."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.delivery import Output, default_name, free_path
from impasto.cli.options import (
    Device,
    MaxMemory,
    MaxPixels,
    Report,
    Threads,
    read_memory,
    takes_fields,
)
from impasto.cli.progress import show_steps
from impasto.cli.report import print_json, print_line
from impasto.cli.signatures import takes_options
from impasto.recipe.recipe import ONE_PASS, Recipe

Photo = Annotated[Path, typer.Argument(metavar="PHOTO", help="the photograph", show_default=False)]
Styles = Annotated[list[Path], typer.Argument(metavar="STYLE", help="one or more paintings", show_default=False)]

FIELDS = (
    *("size", "strength", "style_blend", "resampling", "color", "recolor", "placement", "color_map"),
    *("depth", "dpi", "keep_profile", "strip"),
)
"""Recipe fields that have an option."""


@takes_options
@takes_fields(ONE_PASS, FIELDS)
def instant(
    context: typer.Context,
    content_image: Photo,
    style_images: Styles,
    recipe: Recipe,
    output: Output = None,
    device: Device = "auto",
    threads: Threads = None,
    max_pixels: MaxPixels = 200_000_000,
    max_memory: MaxMemory = None,
    *,
    report: Report,
) -> None:
    """Repaint a photograph in the style of any painting at once, more roughly than `impasto stylize`.

    impasto instant photo.jpg starry_night.jpg
    impasto instant photo.jpg starry_night.jpg scream.jpg -o mixed.png --style-blend 0.3,0.7 --strength 0.8

    A network that knows no painting in particular paints in one pass, in about a second. It is in the extra instant.
    """
    from impasto.images.io import check_output
    from impasto.transfer.instant import stylize_instantly

    default = default_name([content_image, *style_images])
    check_output(output or free_path(default), inputs=[content_image, *style_images], depth=recipe.depth)
    with show_steps(quiet=report.quiet) as steps:
        result = stylize_instantly(
            content_image,
            [*style_images],
            recipe,
            device=device,
            threads=threads,
            max_pixels=max_pixels,
            max_memory=read_memory(max_memory),
        )
        context.obj.start_saving()
        steps.begin("saving the picture")
        path = output or free_path(default)  # by now another process may have taken the name
        result.save(path)
    if report.json:
        print_json({"output": str(path), **result.to_dict()})
    else:
        height, width = result.pastiche.shape[-2:]
        print_line(f"{path}: {width}x{height} in {result.seconds:.1f} s")

"""`impasto stylize`: one pastiche."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.delivery import Animation, Delivery, Output, SnapshotDir, SnapshotEvery
from impasto.cli.options import (
    Debug,
    Device,
    Json,
    MaxMemory,
    MaxPixels,
    PrecisionOption,
    Quiet,
    Threads,
    read_memory,
    takes_recipe,
)
from impasto.cli.progress import showing_progress
from impasto.recipe import Recipe

Content = Annotated[Path, typer.Argument(metavar="CONTENT", help="the photograph", show_default=False)]
Styles = Annotated[list[Path], typer.Argument(metavar="STYLE", help="one or more paintings", show_default=False)]


@takes_recipe("standard")
def stylize(
    context: typer.Context,
    content_image: Content,
    style_images: Styles,
    output: Output,
    recipe: Recipe,
    snapshot_every: SnapshotEvery = None,
    snapshot_dir: SnapshotDir = None,
    animation: Animation = None,
    device: Device = "auto",
    threads: Threads = None,
    precision: PrecisionOption = "auto",
    max_pixels: MaxPixels = 200_000_000,
    max_memory: MaxMemory = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Repaint a photograph in the style of one or more paintings.

    impasto stylize photo.jpg starry_night.jpg -o pastiche.png
    """
    from impasto import transfer

    inputs = [content_image, *style_images]
    delivery = Delivery(output, inputs, recipe, snapshot_every, snapshot_dir, animation)
    with showing_progress(quiet=quiet) as progress:
        result = transfer.stylize(
            content_image,
            [*style_images],
            recipe,
            device=device,
            threads=threads,
            precision=precision,
            max_pixels=max_pixels,
            max_memory=read_memory(max_memory),
            on_step=context.obj.on_step(progress.on_step, delivery.on_step),
        )
    delivery.deliver(result, context.obj, as_json=json)

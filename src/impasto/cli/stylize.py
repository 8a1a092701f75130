"""`impasto stylize`: one pastiche."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.delivery import (
    Animation,
    Delivery,
    Depth,
    KeepProfile,
    Output,
    SnapshotDir,
    SnapshotEvery,
    Strip,
    paint_and_deliver,
)
from impasto.cli.estimate import DryRun, tell_estimate
from impasto.cli.options import (
    Debug,
    Device,
    Json,
    MaxMemory,
    MaxPixels,
    PrecisionOption,
    Quiet,
    RunDir,
    Threads,
    read_memory,
    read_run_dir,
    takes_recipe,
)
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
    depth: Depth = None,
    keep_profile: KeepProfile = False,
    strip: Strip = False,
    device: Device = "auto",
    threads: Threads = None,
    precision: PrecisionOption = "auto",
    max_pixels: MaxPixels = 200_000_000,
    max_memory: MaxMemory = None,
    run_dir: RunDir = "auto",
    dry_run: DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Repaint a photograph in the style of one or more paintings.

    impasto stylize photo.jpg starry_night.jpg -o pastiche.png
    """
    from impasto.preparation import prepare_pastiche

    inputs = [content_image, *style_images]
    delivery = Delivery(
        output,
        inputs,
        recipe,
        snapshot_every,
        snapshot_dir,
        animation,
        depth=depth,
        keep_profile=keep_profile,
        strip=strip,
    )
    painting = prepare_pastiche(
        content_image,
        [*style_images],
        recipe,
        device=device,
        threads=threads,
        precision=precision,
        max_pixels=max_pixels,
        max_memory=read_memory(max_memory),
        run_dir=read_run_dir(run_dir),
    )
    tell_estimate(painting, dry_run=dry_run, quiet=quiet, as_json=json)
    if dry_run:
        return
    paint_and_deliver(painting, delivery, context.obj, quiet=quiet, as_json=json)

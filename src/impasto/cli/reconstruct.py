"""`impasto reconstruct`: what one layer, or a style, keeps of a picture."""

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
    STYLIZE_FIELDS,
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
from impasto.recipe import Recipe, parse_field

LAYER_FIELDS = ("content_layers", "style_layers", "content_layer_weights", "style_layer_weights")


@takes_recipe("reconstruct", without=(*LAYER_FIELDS, *STYLIZE_FIELDS, "strength"))
def reconstruct(
    context: typer.Context,
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="any picture", show_default=False)],
    output: Output,
    recipe: Recipe,
    content_layers: Annotated[
        str, typer.Option(metavar="LAYER,...", help="keep the responses of these layers", show_default=False)
    ] = "",
    style_layers: Annotated[
        str, typer.Option(metavar="LAYER,...", help="keep the style of these layers", show_default=False)
    ] = "",
    content_layer_weights: Annotated[
        str, typer.Option(metavar="NUMBER,...", help="one a content layer; default: equal", show_default=False)
    ] = "",
    style_layer_weights: Annotated[
        str, typer.Option(metavar="NUMBER,...", help="one a style layer; default: equal", show_default=False)
    ] = "",
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
    """Find, from noise, the picture that looks the same to some layers of the network.

    impasto reconstruct photo.jpg --content-layers conv4_2 -o kept.png
    """
    from impasto.preparation import prepare_reconstruction

    delivery = Delivery(
        output,
        [image],
        recipe,
        snapshot_every,
        snapshot_dir,
        animation,
        depth=depth,
        keep_profile=keep_profile,
        strip=strip,
    )
    painting = prepare_reconstruction(
        image,
        content_layers=parse_field("content_layers", content_layers),
        style_layers=parse_field("style_layers", style_layers),
        content_layer_weights=parse_field("content_layer_weights", content_layer_weights),
        style_layer_weights=parse_field("style_layer_weights", style_layer_weights),
        recipe=recipe,
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

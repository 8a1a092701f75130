"""`impasto texture`: more of a texture, tileable if asked."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.delivery import (
    Animation,
    Delivery,
    Depth,
    Output,
    SnapshotDir,
    SnapshotEvery,
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
from impasto.errors import RecipeError
from impasto.recipe import Recipe

WRAPS = {"x": "wrap-x", "xy": "wrap"}


@takes_recipe("texture", without=STYLIZE_FIELDS)
def texture(
    context: typer.Context,
    samples: Annotated[list[Path], typer.Argument(metavar="SAMPLE", help="one or more textures", show_default=False)],
    output: Output,
    recipe: Recipe,
    tileable: Annotated[
        bool, typer.Option("--tileable", metavar="", help="repeats without a seam, both ways")
    ] = False,
    wrap: Annotated[
        str | None, typer.Option(metavar="x|xy", help="repeats without a seam: x sideways, xy both ways")
    ] = None,
    snapshot_every: SnapshotEvery = None,
    snapshot_dir: SnapshotDir = None,
    animation: Animation = None,
    depth: Depth = None,
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
    """Make more of a texture, of any size; several samples are blended.

    impasto texture bricks.jpg -o more.png --size 1024x768 --tileable
    """
    from impasto.preparation import prepare_texture

    if wrap is not None and wrap not in WRAPS:
        raise RecipeError(f"wrap is {wrap!r}; expected {' or '.join(WRAPS)}.", "Give --wrap x for a panorama.")
    if tileable and wrap == "x":
        raise RecipeError("--tileable and --wrap x are both given; expected one of them.", "Leave one out.")
    if wrap is not None or tileable:
        recipe = recipe.replace(padding=WRAPS["xy" if tileable else str(wrap)])
    delivery = Delivery(output, samples, recipe, snapshot_every, snapshot_dir, animation, depth=depth)
    painting = prepare_texture(
        [*samples],
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

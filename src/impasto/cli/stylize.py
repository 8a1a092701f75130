"""`impasto stylize`: one pastiche."""

from pathlib import Path
from typing import Annotated, Any

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
from impasto.cli.frames import Frames
from impasto.cli.options import (
    ContentMasks,
    Debug,
    Device,
    Json,
    MaxMemory,
    MaxPixels,
    PrecisionOption,
    Quiet,
    RunDir,
    StyleMasks,
    Threads,
    read_memory,
    read_run_dir,
    takes_recipe,
)
from impasto.errors import OutputError
from impasto.recipe import Recipe

Content = Annotated[Path, typer.Argument(metavar="CONTENT", help="the photograph", show_default=False)]
Styles = Annotated[list[Path], typer.Argument(metavar="STYLE", help="one or more paintings", show_default=False)]
Only = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="mask: white is painted, elsewhere the photograph stays", rich_help_panel="Masks"
    ),
]
Protect = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|faces",
        help="mask: where it is white, structure is kept; faces: those that are found in the photograph",
        rich_help_panel="Masks",
    ),
]


@takes_recipe("standard")
def stylize(
    context: typer.Context,
    content_image: Content,
    style_images: Styles,
    output: Output,
    recipe: Recipe,
    fine_style: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="a painting whose fine strokes go into every STYLE, in --fine-layers; the colors stay STYLE's",
            rich_help_panel="Look",
        ),
    ] = None,
    content_mask: ContentMasks = None,
    style_mask: StyleMasks = None,
    only: Only = None,
    protect: Protect = None,
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

    With --frames it goes from the first STYLE through all to the last: OUT is then an
    animation, .webp or .gif, or numbered pictures, OUT_0001.png, ...
    """
    from impasto.morphing import prepare_morph
    from impasto.preparation import prepare_pastiche

    how: Any = {"device": device, "threads": threads, "precision": precision, "max_pixels": max_pixels}
    how |= {"max_memory": read_memory(max_memory), "fine_style": fine_style, "only": only, "protect": protect}
    how |= {"content_masks": content_mask or (), "style_masks": style_mask or (), "run_dir": read_run_dir(run_dir)}
    given = [fine_style, only, protect, *(content_mask or ()), *(style_mask or ())]
    inputs = [content_image, *style_images, *(Path(path) for path in given if path is not None)]
    if recipe.frames > 1:
        if snapshot_every is not None or snapshot_dir is not None or animation is not None:
            raise OutputError(
                f"--frames {recipe.frames} is given with snapshots or an --animation; expected one of them.",
                "Leave the others out: OUT is the animation, or numbered pictures.",
            )
        frames = Frames(output, inputs, recipe, depth=depth, keep_profile=keep_profile, strip=strip)
        morph = prepare_morph(content_image, [*style_images], recipe, **how)
        tell_estimate(morph, dry_run=dry_run, quiet=quiet, as_json=json)
        if not dry_run:
            frames.paint(morph, context.obj, quiet=quiet)
            frames.deliver(context.obj, as_json=json)
        return
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
    painting = prepare_pastiche(content_image, [*style_images], recipe, **how)
    tell_estimate(painting, dry_run=dry_run, quiet=quiet, as_json=json)
    if dry_run:
        return
    paint_and_deliver(painting, delivery, context.obj, quiet=quiet, as_json=json)

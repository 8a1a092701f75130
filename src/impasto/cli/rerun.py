"""`impasto rerun`: a picture of ours painted again, from the recipe inside it."""

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
    takes_changes,
)


@takes_changes
def rerun(
    context: typer.Context,
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="painted by impasto", show_default=False)],
    output: Output,
    changes: dict[str, Any],
    content: Annotated[
        Path | None, typer.Option("--content", metavar="FILE", help="another photograph", show_default=False)
    ] = None,
    style: Annotated[
        list[Path] | None,
        typer.Option("--style", metavar="FILE", help="another painting; repeated, for several", show_default=False),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="take an input of the right name, even if it has changed")
    ] = False,
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
    """Paint a picture of ours again, from the recipe inside it; with nothing replaced, to the byte.

    impasto rerun pastiche.png -o again.png --content other.jpg

    Its inputs are looked for by name and SHA-256 here, beside it, and where a run had them.
    Every recipe option replaces what the recipe says.
    """
    from impasto.repeating import prepare_rerun

    styles = style or []
    painting = prepare_rerun(
        picture,
        content=content,
        styles=styles,
        changes=changes,
        force=force,
        device=device,
        threads=threads,
        precision=precision,
        max_pixels=max_pixels,
        max_memory=read_memory(max_memory),
        run_dir=read_run_dir(run_dir),
    )
    delivery = Delivery(
        output,
        painting.inputs.paths,
        painting.recipe,
        snapshot_every,
        snapshot_dir,
        animation,
        depth=depth,
        keep_profile=keep_profile,
        strip=strip,
    )
    tell_estimate(painting, dry_run=dry_run, quiet=quiet, as_json=json)
    if dry_run:
        return
    paint_and_deliver(painting, delivery, context.obj, quiet=quiet, as_json=json)

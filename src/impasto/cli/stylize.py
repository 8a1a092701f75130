"""`impasto stylize`: one pastiche."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.options import Debug, Device, Json, MaxPixels, Quiet, Threads, recipe_files, takes_recipe
from impasto.cli.progress import showing_progress
from impasto.cli.report import STOPPED, describe_losses, print_json, print_line
from impasto.errors import OutputError
from impasto.recipe import Recipe

if TYPE_CHECKING:
    from impasto.evolution import Evolution
    from impasto.transfer import Result

Content = Annotated[Path, typer.Argument(metavar="CONTENT", help="the photograph", show_default=False)]
Styles = Annotated[list[Path], typer.Argument(metavar="STYLE", help="one or more paintings", show_default=False)]
Output = Annotated[
    Path, typer.Option("-o", "--output", metavar="OUT", help="the pastiche: .png, .jpg, .webp or .tif")
]
SnapshotEvery = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="write a picture every N steps", rich_help_panel="Evolution"),
]
SnapshotDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="where to; default: OUT's name and _steps", rich_help_panel="Evolution"),
]
Animation = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="play the evolution: .webp or .gif", rich_help_panel="Evolution"),
]


@takes_recipe
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
    max_pixels: MaxPixels = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Repaint a photograph in the style of one or more paintings.

    impasto stylize photo.jpg starry_night.jpg -o pastiche.png
    """
    from impasto import transfer
    from impasto.images.io import MAX_PIXELS, check_output

    inputs: list[Path | str] = [content_image, *style_images, *recipe_files(recipe)]
    check_output(output, inputs=inputs)
    evolution = _build_evolution(output, [*inputs, output], snapshot_every, snapshot_dir, animation)
    with showing_progress(size=recipe.size, quiet=quiet) as progress:
        result = transfer.stylize(
            content_image,
            [*style_images],
            recipe,
            device=device,
            threads=threads,
            max_pixels=max_pixels if max_pixels is not None else MAX_PIXELS,
            on_step=context.obj.on_step(progress.on_step, evolution.on_step),
        )
    context.obj.shield()
    result.save(output)
    if animation is not None:
        evolution.write_animation(animation, result.pastiche)
    _report(result, output, evolution.snapshots if snapshot_every else None, animation, as_json=json)
    raise typer.Exit(STOPPED if context.obj.asked else 0)


def _build_evolution(
    output: Path, inputs: list[Path | str], every: int | None, folder: Path | None, animation: Path | None
) -> "Evolution":
    from impasto.evolution import Evolution, check_snapshot_dir
    from impasto.images.animation import check_animation

    if folder is not None and every is None:
        raise OutputError(
            f"--snapshot-dir {str(folder)!r} is given without --snapshot-every; expected both.",
            "Add --snapshot-every 20, for example.",
        )
    if animation is not None:
        check_animation(animation, inputs=inputs)
    if every is not None:
        folder = check_snapshot_dir(folder if folder is not None else output.with_name(f"{output.stem}_steps"))
    return Evolution(snapshot_dir=folder, snapshot_every=every, animate=animation is not None)


def _report(
    result: "Result", output: Path, snapshots: list[Path] | None, animation: Path | None, *, as_json: bool
) -> None:
    values = {"output": str(output), **result.to_dict()}
    if snapshots is not None:
        values["snapshots"] = [str(path) for path in snapshots]
    if animation is not None:
        values["animation"] = str(animation)
    if as_json:
        print_json(values)
        return
    print_line(describe_result(result, output))
    if snapshots:
        print_line(f"{snapshots[0].parent}: {len(snapshots)} snapshots")
    if animation is not None:
        print_line(f"{animation}: the evolution")


def describe_result(result: "Result", output: Path) -> str:
    """The result in one line: path, size, steps, seconds, losses, and why it ended if not by its steps."""
    size = result.to_dict()["size"]
    ends = {
        "stopped": ", stopped early: the best so far",
        "tolerance": ", settled within the tolerance",
        "diverged": ", ended by divergence: the best so far",
    }
    return (
        f"{output}: {size['width']}x{size['height']}, {result.steps} steps in {result.seconds:.1f} s, "
        f"loss {describe_losses(result.losses)}{ends.get(result.end, '')}"
    )

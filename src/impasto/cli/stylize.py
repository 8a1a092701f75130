"""`impasto stylize`: one pastiche."""

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.delivery import Delivery, EvolutionOptions, Output, paint_and_deliver
from impasto.cli.estimate import DryRun, tell_estimate
from impasto.cli.frames import Frames
from impasto.cli.options import ContentMasks, Report, RunMachine, StyleMasks, takes_recipe
from impasto.cli.signatures import takes_options
from impasto.errors import OutputError
from impasto.recipe.recipe import Recipe

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


@takes_options
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
    *,
    evolution: EvolutionOptions,
    machine: RunMachine,
    dry_run: DryRun = False,
    report: Report,
) -> None:
    """Repaint a photograph in the style of one or more paintings.

    impasto stylize photo.jpg starry_night.jpg -o pastiche.png

    With --frames it goes from the first STYLE through all to the last: OUT is then an
    animation, .webp or .gif, or numbered pictures, OUT_0001.png, ...
    """
    from impasto.transfer.morph import prepare_morph
    from impasto.transfer.preparation import prepare_pastiche

    how: Any = {**machine.how(), "fine_style": fine_style, "only": only, "protect": protect}
    how |= {"content_masks": content_mask or (), "style_masks": style_mask or ()}
    given = [fine_style, only, protect, *(content_mask or ()), *(style_mask or ())]
    inputs = [content_image, *style_images, *(Path(path) for path in given if path is not None)]
    if recipe.frames > 1:
        if evolution != EvolutionOptions():
            raise OutputError(
                f"--frames {recipe.frames} is given with snapshots or an --animation; expected one of them.",
                "Leave the others out: OUT is the animation, or numbered pictures.",
            )
        frames = Frames(output, inputs, recipe)
        morph = prepare_morph(content_image, [*style_images], recipe, **how)
        tell_estimate(morph, dry_run=dry_run, report=report)
        if not dry_run:
            frames.paint(morph, context.obj, quiet=report.quiet)
            frames.deliver(context.obj, as_json=report.json)
        return
    delivery = Delivery(output, inputs, recipe, evolution)
    painting = prepare_pastiche(content_image, [*style_images], recipe, **how)
    tell_estimate(painting, dry_run=dry_run, report=report)
    if dry_run:
        return
    paint_and_deliver(painting, delivery, context.obj, report)

"""`impasto stylize`: one pastiche, or a morph through several styles."""

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.delivery import Delivery, Output, default_name
from impasto.cli.estimate import report_estimate
from impasto.cli.frames import Frames
from impasto.cli.options import ContentMasks, FineStyle, Only, PaintingOptions, Protect, StyleMasks, takes_recipe
from impasto.cli.progress import show_steps
from impasto.cli.signatures import takes_options
from impasto.recipe.recipe import Recipe

Content = Annotated[Path, typer.Argument(metavar="CONTENT", help="the photograph", show_default=False)]
Styles = Annotated[list[Path], typer.Argument(metavar="STYLE", help="one or more paintings", show_default=False)]


@takes_options
@takes_recipe("standard")
def stylize(
    context: typer.Context,
    content_image: Content,
    style_images: Styles,
    recipe: Recipe,
    output: Output = None,
    fine_style: FineStyle = None,
    content_mask: ContentMasks = None,
    style_mask: StyleMasks = None,
    only: Only = None,
    protect: Protect = None,
    *,
    options: PaintingOptions,
) -> None:
    """Repaint a photograph in the style of one or more paintings.

    impasto stylize photo.jpg starry_night.jpg
    impasto stylize photo.jpg starry_night.jpg -o poster.tif --size 60cm-wide --color content

    With --frames the style changes from the first STYLE through all to the last; OUT is then an
    animation (.webp or .gif) or numbered pictures (OUT_0001.png, ...).
    """
    from impasto.transfer.morph import prepare_morph
    from impasto.transfer.pastiche import prepare_pastiche

    masks = {"content_masks": content_mask or (), "style_masks": style_mask or (), "only": only, "protect": protect}
    keywords: Any = {**options.keywords(), **masks, "fine_style": fine_style}
    extra = [fine_style, only, protect, *(content_mask or ()), *(style_mask or ())]
    inputs = [content_image, *style_images, *(Path(path) for path in extra if path is not None)]
    named = [content_image, *style_images]
    has_presets = context.params["recipe"] is None  # else a recipe file is given
    if recipe.frames > 1:
        frames = Frames(output, inputs, recipe, options, default=default_name(named, ".webp"))
        with show_steps(quiet=options.quiet):
            morph = prepare_morph(content_image, style_images, recipe, **keywords)
        report_estimate(morph, options, dry_run=options.dry_run, has_presets=has_presets)
        frames.paint(morph, context.obj, options)
    delivery = Delivery(output, inputs, recipe, options, default=default_name(named))
    with show_steps(quiet=options.quiet):
        job = prepare_pastiche(content_image, style_images, recipe, **keywords)
    estimate = report_estimate(job, options, dry_run=options.dry_run, has_presets=has_presets)
    delivery.paint(job, context.obj, options, estimate=estimate)

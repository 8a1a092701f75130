"""`impasto texture`: a texture of any size from samples, tileable if asked."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.delivery import Delivery, Output, default_name
from impasto.cli.estimate import report_estimate
from impasto.cli.options import STYLIZE_FIELDS, PaintingOptions, takes_recipe
from impasto.cli.progress import show_steps
from impasto.cli.signatures import takes_options
from impasto.errors import RecipeError
from impasto.recipe.recipe import Recipe

WRAPS = {"x": "wrap-x", "xy": "wrap"}

Samples = Annotated[list[Path], typer.Argument(metavar="SAMPLE", help="one or more textures", show_default=False)]
Tileable = Annotated[
    bool, typer.Option("--tileable", metavar="", help="make it repeat without seams in both directions")
]
Wrap = Annotated[
    str | None,
    typer.Option(metavar="x|xy", help="make it repeat without seams: x horizontally, xy in both directions"),
]


@takes_options
@takes_recipe("texture", without=(*STYLIZE_FIELDS, "recolor", "placement", "proportions", "keep_profile"))
def texture(
    context: typer.Context,
    samples: Samples,
    recipe: Recipe,
    output: Output = None,
    tileable: Tileable = False,
    wrap: Wrap = None,
    *,
    options: PaintingOptions,
) -> None:
    """Make a texture of any size from one or more samples.

    impasto texture bricks.jpg --size 1024x768
    impasto texture bricks.jpg moss.jpg -o wall.png --size 1024 --tileable
    """
    from impasto.transfer.texture import prepare_texture

    if wrap is not None and wrap not in WRAPS:
        raise RecipeError(f"wrap is {wrap!r}; expected {' or '.join(WRAPS)}.", "Give --wrap x for a panorama.")
    if tileable and wrap == "x":
        raise RecipeError("--tileable and --wrap x are both given; expected one of them.", "Leave one out.")
    if wrap is not None or tileable:
        recipe = recipe.replace(padding=WRAPS["xy" if tileable else str(wrap)])
    delivery = Delivery(output, samples, recipe, options, default=default_name([*samples, "texture"]))
    with show_steps(quiet=options.quiet):
        job = prepare_texture([*samples], recipe=recipe, **options.keywords())
    estimate = report_estimate(job, options, dry_run=options.dry_run)
    delivery.paint(job, context.obj, options, estimate=estimate)

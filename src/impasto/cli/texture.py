"""`impasto texture`: more of a texture, tileable if asked."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.delivery import Delivery, EvolutionOptions, Output, paint_and_deliver
from impasto.cli.estimate import DryRun, tell_estimate
from impasto.cli.options import PHOTOGRAPH_FIELDS, STYLIZE_FIELDS, Report, RunMachine, takes_recipe
from impasto.cli.signatures import takes_options
from impasto.errors import RecipeError
from impasto.recipe.recipe import Recipe

WRAPS = {"x": "wrap-x", "xy": "wrap"}


@takes_options
@takes_recipe("texture", without=(*STYLIZE_FIELDS, *PHOTOGRAPH_FIELDS))
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
    *,
    evolution: EvolutionOptions,
    machine: RunMachine,
    dry_run: DryRun = False,
    report: Report,
) -> None:
    """Make more of a texture, of any size; several samples are blended.

    impasto texture bricks.jpg -o more.png --size 1024x768 --tileable
    """
    from impasto.transfer.preparation import prepare_texture

    if wrap is not None and wrap not in WRAPS:
        raise RecipeError(f"wrap is {wrap!r}; expected {' or '.join(WRAPS)}.", "Give --wrap x for a panorama.")
    if tileable and wrap == "x":
        raise RecipeError("--tileable and --wrap x are both given; expected one of them.", "Leave one out.")
    if wrap is not None or tileable:
        recipe = recipe.replace(padding=WRAPS["xy" if tileable else str(wrap)])
    delivery = Delivery(output, samples, recipe, evolution)
    painting = prepare_texture([*samples], recipe=recipe, **machine.how())
    tell_estimate(painting, dry_run=dry_run, report=report)
    if dry_run:
        return
    paint_and_deliver(painting, delivery, context.obj, report)

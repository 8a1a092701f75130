"""`impasto reconstruct`: what one layer, or a style, keeps of a picture."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.delivery import Delivery, EvolutionOptions, Output, paint_and_deliver
from impasto.cli.estimate import DryRun, tell_estimate
from impasto.cli.options import STYLIZE_FIELDS, Report, RunMachine, takes_recipe
from impasto.cli.signatures import takes_options
from impasto.recipe.recipe import Recipe, parse_field

LAYER_FIELDS = ("content_layers", "style_layers", "content_layer_weights", "style_layer_weights")


@takes_options
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
    *,
    evolution: EvolutionOptions,
    machine: RunMachine,
    dry_run: DryRun = False,
    report: Report,
) -> None:
    """Find, from noise, the picture that looks the same to some layers of the network.

    impasto reconstruct photo.jpg --content-layers conv4_2 -o kept.png
    """
    from impasto.transfer.preparation import prepare_reconstruction

    delivery = Delivery(output, [image], recipe, evolution)
    painting = prepare_reconstruction(
        image,
        content_layers=parse_field("content_layers", content_layers),
        style_layers=parse_field("style_layers", style_layers),
        content_layer_weights=parse_field("content_layer_weights", content_layer_weights),
        style_layer_weights=parse_field("style_layer_weights", style_layer_weights),
        recipe=recipe,
        **machine.how(),
    )
    tell_estimate(painting, dry_run=dry_run, report=report)
    if dry_run:
        return
    paint_and_deliver(painting, delivery, context.obj, report)

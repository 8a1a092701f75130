"""`impasto reconstruct`: a picture reconstructed from noise by the features of some layers."""

from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.delivery import Delivery, Output, default_name
from impasto.cli.estimate import report_estimate
from impasto.cli.options import STYLIZE_FIELDS, PaintingOptions, takes_recipe
from impasto.cli.progress import show_steps
from impasto.cli.signatures import takes_options
from impasto.recipe.recipe import Recipe, parse_field

LAYER_FIELDS = ("content_layers", "style_layers", "content_layer_weights", "style_layer_weights")

Image = Annotated[Path, typer.Argument(metavar="IMAGE", help="any picture", show_default=False)]
ContentLayers = Annotated[
    str, typer.Option(metavar="LAYER,...", help="match the features of these layers", show_default=False)
]
StyleLayers = Annotated[
    str, typer.Option(metavar="LAYER,...", help="match the style (Gram matrices) of these layers", show_default=False)
]
ContentLayerWeights = Annotated[
    str, typer.Option(metavar="NUMBER,...", help="one per content layer; default: equal", show_default=False)
]
StyleLayerWeights = Annotated[
    str, typer.Option(metavar="NUMBER,...", help="one per style layer; default: equal", show_default=False)
]


@takes_options
@takes_recipe(
    "reconstruct", without=(*LAYER_FIELDS, *STYLIZE_FIELDS, "strength", "recolor", "placement", "proportions")
)
def reconstruct(
    context: typer.Context,
    image: Image,
    recipe: Recipe,
    output: Output = None,
    content_layers: ContentLayers = "",
    style_layers: StyleLayers = "",
    content_layer_weights: ContentLayerWeights = "",
    style_layer_weights: StyleLayerWeights = "",
    *,
    options: PaintingOptions,
) -> None:
    """Rebuild a picture from what some layers of the network keep of it.

    impasto reconstruct photo.jpg --content-layers conv4_2
    impasto reconstruct photo.jpg --style-layers conv1_1,conv2_1 -o style.png
    """
    from impasto.transfer.reconstruction import prepare_reconstruction

    texts = (content_layers, style_layers, content_layer_weights, style_layer_weights)
    layers: Any = {name: parse_field(name, text) for name, text in zip(LAYER_FIELDS, texts, strict=True)}
    delivery = Delivery(output, [image], recipe, options, default=default_name([image, "reconstruction"]))
    with show_steps(quiet=options.quiet):
        job = prepare_reconstruction(image, recipe=recipe, **layers, **options.keywords())
    estimate = report_estimate(job, options, dry_run=options.dry_run)
    delivery.paint(job, context.obj, options, estimate=estimate)

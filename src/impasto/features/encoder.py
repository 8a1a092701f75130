"""The encoder that a recipe names: weights loaded, rescaled if the recipe says so."""

from collections.abc import Sequence

from torch import Tensor

from impasto.errors import RecipeError
from impasto.features.rescaling import measure_mean_activations, read_mean_activations, rescale_layers
from impasto.features.vgg import Vgg, check_layers
from impasto.features.weights import WeightsRecord, load_weights
from impasto.images.resize import fit_long_edge, resize_image
from impasto.recipe.recipe import Recipe

MEASURED_SIZE = 256
"""Long edge of the pictures on which a network's mean activations are measured."""


def build_encoder(recipe: Recipe, images: Sequence[Tensor] = ()) -> tuple[Vgg, WeightsRecord]:
    """Build the encoder that the recipe names, on the CPU in float32; return it and the record of its weights.

    images: (1, 3, H, W) in [0, 1], sRGB; where the recipe's network is rescaled and no mean activations are shipped for
    it, they are measured on these. Raises WeightsError for a bad weights file, RecipeError for layers that the network
    lacks, or where there is nothing to measure on.
    """
    weights = load_weights(recipe.weights, preprocessing=recipe.weights_preprocessing)
    record = weights.record
    encoder = Vgg(weights.layers, record.preprocessing, pooling=recipe.pooling, padding=recipe.padding)
    check_layers(encoder, recipe.content_layers + recipe.style_layers, record.architecture)
    if not recipe.rescaled_network:
        return encoder, record
    means = read_mean_activations(record, recipe.pooling)
    if means is None:
        if not images:
            raise RecipeError(
                f"rescaled_network is on, but no mean activations are shipped for the weights {record.name!r}, and "
                "there is no picture to measure them on.",
                "Use --weights oxford, or --rescaled-network no.",
            )
        means = measure_mean_activations(encoder, map(_fit, images))
    layers = rescale_layers(weights.layers, means)
    return Vgg(layers, record.preprocessing, pooling=recipe.pooling, padding=recipe.padding), record


def _fit(image: Tensor) -> Tensor:
    height, width = fit_long_edge(image.shape[-2], image.shape[-1], MEASURED_SIZE)
    return resize_image(image, (max(height, 16), max(width, 16)))  # a position is left after four poolings

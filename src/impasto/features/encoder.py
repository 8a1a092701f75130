"""From a recipe to the encoder that it names."""

from impasto.features.rescaling import read_mean_activations, rescale_layers
from impasto.features.vgg import Vgg, check_layers
from impasto.features.weights import WeightsRecord, load_weights
from impasto.recipe import Recipe


def build_encoder(recipe: Recipe) -> tuple[Vgg, WeightsRecord]:
    """The encoder that the recipe names, on the CPU in float32, and the record of its weights.

    Raises WeightsError for a bad weights file, RecipeError for layers that the network lacks.
    """
    weights = load_weights(recipe.weights, preprocessing=recipe.weights_preprocessing)
    layers = weights.layers
    if recipe.rescaled_network:
        layers = rescale_layers(layers, read_mean_activations(weights.record, recipe.pooling))
    encoder = Vgg(layers, weights.record.preprocessing, pooling=recipe.pooling, padding=recipe.padding)
    check_layers(encoder, recipe.content_layers + recipe.style_layers)
    return encoder, weights.record

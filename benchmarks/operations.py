"""Operations of one evaluation of the objective, counted from the network's architecture: two for a multiply-add."""

from collections.abc import Sequence

from impasto.features.receptive_field import stride_of
from impasto.features.vgg import Vgg
from impasto.recipe.recipe import Recipe

Shape = tuple[int, int, int, int]
"""Input channels, output channels, height and width of a 3x3 convolution."""


def count_operations(encoder: Vgg, recipe: Recipe, size: tuple[int, int]) -> tuple[int, int]:
    """Operations of one evaluation of a picture of (height, width): of its convolutions, and of its Gram matrices."""
    shapes = layer_shapes(encoder, recipe.content_layers + recipe.style_layers, size)
    forward = sum(convolution_operations(shape) for shape in shapes.values())
    grams = 0
    for layer in recipe.style_layers:
        positions = (size[0] // stride_of(layer)) * (size[1] // stride_of(layer))
        # F F^T forward, (D + D^T) F backward.
        grams += 2 * 2 * encoder.channels(layer) ** 2 * positions
    return 2 * forward, grams


def convolution_operations(shape: Shape) -> int:
    """Of a 3x3 convolution in one direction: a multiply-add for each weight of a filter and each number it gives."""
    inputs, outputs, height, width = shape
    return 2 * 9 * inputs * outputs * height * width


def layer_shapes(encoder: Vgg, layers: Sequence[str], size: tuple[int, int]) -> dict[str, Shape]:
    """The convolutions that these layers take, by name, for a picture of (height, width)."""
    deepest = max(encoder.layer_names.index(name) for name in layers)
    names = encoder.layer_names[: deepest + 1]
    inputs = [3, *(encoder.channels(name) for name in names)]
    return {
        name: (before, encoder.channels(name), size[0] // stride_of(name), size[1] // stride_of(name))
        for before, name in zip(inputs, names, strict=False)
    }

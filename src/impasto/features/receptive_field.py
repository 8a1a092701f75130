"""Receptive fields: how many pixels around its own a feature depends on, and the size of a tile's margin."""

from collections.abc import Collection, Sequence

from impasto.features.vgg import block_of
from impasto.recipe.words import LAYERS

GRID = 16
"""Tiles begin on multiples of this many pixels, so that the four poolings pair positions as in the whole picture."""


def stride_of(layer: str) -> int:
    """Return the pixels from one position of the layer to the next: 8 for conv4_2."""
    return 1 << (int(block_of(layer)) - 1)


def reach(layer: str, network: Sequence[str] = LAYERS) -> int:
    """Return the pixels that a position of the layer sees on each side of its own square of pixels: 70 for conv5_1.

    network: the network's layers, shallow to deep. A 3x3 convolution adds one position of its own block; a 2x2 pooling
    adds nothing, since its squares nest.
    """
    return sum(stride_of(name) for name in network[: network.index(layer) + 1])


def margin(layers: Collection[str], network: Sequence[str] = LAYERS) -> int:
    """Return the margin in pixels, a multiple of 16, that a tile needs for exact features of these layers."""
    deepest = max((reach(layer, network) for layer in layers), default=0)
    return -(-deepest // GRID) * GRID

"""How far a feature sees: the pixels around a tile that its features need to be those of the whole picture."""

from collections.abc import Collection, Sequence

from impasto.features.vgg import block_of
from impasto.recipe.words import LAYERS

GRID = 16
"""Tiles begin on multiples of this many pixels, so that the four poolings pair the same positions as in the picture."""


def stride_of(layer: str) -> int:
    """Pixels from one position of the layer to the next: 8 for conv4_2."""
    return 1 << (int(block_of(layer)) - 1)


def reach(layer: str, network: Sequence[str] = LAYERS) -> int:
    """Pixels that a position of the layer sees beyond its own square of pixels, on each side: 70 for conv5_1.

    network: the network's layers, shallow to deep. A 3x3 convolution adds one position of its own block; a 2x2 pooling
    adds nothing, since its squares nest.
    """
    return sum(stride_of(name) for name in network[: network.index(layer) + 1])


def margin(layers: Collection[str], network: Sequence[str] = LAYERS) -> int:
    """Pixels that a tile needs around its inner part for exact features of these layers: a multiple of 16."""
    deepest = max((reach(layer, network) for layer in layers), default=0)
    return -(-deepest // GRID) * GRID

"""Memory of the network's activations, in bytes for each pixel of the picture."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from impasto.features.receptive_field import stride_of
from impasto.features.vgg import Vgg


class _Layer(NamedTuple):
    """One convolution's tensors, in bytes a pixel. pooled: the pooling before it where a block begins, else 0.
    copied: the float32 copy of the output of a layer in bfloat16, else 0."""

    name: str
    pooled: float
    padded: float
    output: float
    copied: float


def feature_bytes(encoder: Vgg, layer: str) -> float:
    """Return the bytes for each pixel of a layer's features in float32: 256 for conv1_1."""
    return encoder.channels(layer) * 4 / stride_of(layer) ** 2


def forward_bytes(encoder: Vgg, layers: Collection[str]) -> float:
    """Return the bytes for each pixel at the peak of a pass without gradient, with the features of `layers`."""
    peak = held = before = 12.0
    for layer in _layers(encoder, layers):
        peak = max(peak, held + before + layer.pooled, held + max(before, layer.pooled) + layer.padded + layer.output)
        wanted = layer.name in layers
        held += (layer.copied or layer.output) if wanted else 0
        before = 0 if wanted and not layer.copied else layer.output
    return peak


def graph_bytes(encoder: Vgg, layers: Collection[str]) -> float:
    """Return the bytes for each pixel that a pass stores for its gradient."""
    # A pixel's three channels, as passed and as normalized for the network.
    graph = 24.0
    for layer in _layers(encoder, layers):
        graph += layer.pooled + layer.padded + layer.output + (layer.copied if layer.name in layers else 0)
    return graph


def _layers(encoder: Vgg, layers: Collection[str]) -> Iterator[_Layer]:
    deepest = max((encoder.layer_names.index(name) for name in layers), default=-1)
    channels, stride = 3, 1
    for name in encoder.layer_names[: deepest + 1]:
        item, area = encoder.dtype_of(name).itemsize, stride_of(name) ** 2
        # Maximum pooling stores 8-byte indices.
        place = 8 if encoder.pooling == "max" else 0
        pooled = channels * (item + place) / area if stride_of(name) != stride else 0.0
        padded = 0.0 if encoder.padding == "zero" else channels * item / area
        channels, stride = encoder.channels(name), stride_of(name)
        output = channels * item / area
        yield _Layer(name, pooled, padded, output, channels * 4 / area if item < 4 else 0.0)

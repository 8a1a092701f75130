"""What the network's activations take in memory, in bytes for each pixel of the picture."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from impasto.features.receptive_field import stride_of
from impasto.features.vgg import Vgg


class _Layer(NamedTuple):
    """One convolution's tensors, in bytes a pixel. pooled: what stands before it where a block begins, else 0.
    copied: the float32 copy that is handed out of a layer below float32, else 0."""

    name: str
    pooled: float
    padded: float
    output: float
    copied: float


def feature_bytes(encoder: Vgg, layer: str) -> float:
    """Bytes a pixel of a layer's features in float32: 256 for conv1_1."""
    return encoder.channels(layer) * 4 / stride_of(layer) ** 2


def forward_bytes(encoder: Vgg, layers: Collection[str]) -> float:
    """Bytes a pixel at the peak of a pass without gradient, the features asked for included."""
    peak = held = before = 12.0
    for layer in _layers(encoder, layers):
        peak = max(peak, held + before + layer.pooled, held + max(before, layer.pooled) + layer.padded + layer.output)
        wanted = layer.name in layers
        held += (layer.copied or layer.output) if wanted else 0
        before = 0 if wanted and not layer.copied else layer.output
    return peak


def graph_bytes(encoder: Vgg, layers: Collection[str]) -> float:
    """Bytes a pixel that a pass keeps for its gradient."""
    # A pixel's three channels as they came in and as the network takes them.
    graph = 24.0
    for layer in _layers(encoder, layers):
        graph += layer.pooled + layer.padded + layer.output + (layer.copied if layer.name in layers else 0)
    return graph


def _layers(encoder: Vgg, layers: Collection[str]) -> Iterator[_Layer]:
    deepest = max((encoder.layer_names.index(name) for name in layers), default=-1)
    channels, stride = 3, 1
    for name in encoder.layer_names[: deepest + 1]:
        item, area = encoder.dtype_of(name).itemsize, stride_of(name) ** 2
        # Maximum pooling remembers 8-byte places.
        place = 8 if encoder.pooling == "max" else 0
        pooled = channels * (item + place) / area if stride_of(name) != stride else 0.0
        padded = 0.0 if encoder.padding == "zero" else channels * item / area
        channels, stride = encoder.channels(name), stride_of(name)
        output = channels * item / area
        yield _Layer(name, pooled, padded, output, channels * 4 / area if item < 4 else 0.0)

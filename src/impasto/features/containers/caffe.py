"""Caffe's weights files (.caffemodel): kernels (out, in, height, width), channels BGR.

The file is a NetParameter of caffe.proto, of which only the fields that hold weights are read.
"""

import math
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.architecture import CLASSIFIER
from impasto.features.containers.protobuf import Message, parse_message, read_varints
from impasto.features.containers.stored import StoredNetwork, add_note, batch_norm_error
from impasto.features.preprocessing import Preprocessing, build_preprocessing

LAYERS = {100: (1, 2, 7, 100), 2: (4, 5, 6, 36)}
"""Fields of NetParameter: of their name, type, blobs and transform_param. 100 is LayerParameter; 2 is V1LayerParameter,
which Caffe wrote until 2014 and in which Oxford published its networks."""

NOTE = 20150826
"""The field of our metadata in files that impasto 0.1 wrote."""


def read(path: Path, classifier: bool) -> StoredNetwork:
    """Read a .caffemodel."""
    label = f"weights file {str(path)!r}"
    try:
        network = parse_message(path.read_bytes())
        layers, dense, norms, preprocessing = {}, {}, [], None
        for field, numbers in LAYERS.items():
            for layer in map(parse_message, network.get(field, ())):
                name, kind, blobs, transform = (layer.get(number, []) for number in numbers)
                title = _text(name)
                if _text(kind) in ("BatchNorm", "Scale", "BN"):
                    norms.append(title)
                elif len(blobs) >= 2 and title.startswith("conv"):
                    layers[title] = _to_layer(blobs, f"{label}: {title}", 4)
                elif len(blobs) >= 2 and classifier and title in CLASSIFIER:
                    dense[title] = _to_layer(blobs, f"{label}: {title}", 2)
                preprocessing = preprocessing or _read_input(transform)
    except (ValueError, IndexError, KeyError, TypeError, OSError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"{label} is damaged or no .caffemodel ({error}).", "Get or convert it again.") from error
    if norms:
        raise batch_norm_error(label, ", ".join(norms))
    stored = StoredNetwork(layers=layers, classifier=dense, preprocessing=preprocessing)
    return add_note(stored, _text(network.get(NOTE, [])), label, "bgr")


def _floats(values: list[Any], kind: str) -> np.ndarray:
    """Repeated floats, packed or not: both are their bytes in a row."""
    return np.frombuffer(b"".join(values), kind).astype(np.float32)


def _to_layer(blobs: list[Any], label: str, dimensions: int) -> tuple[Tensor, Tensor]:
    weight = _to_array(parse_message(blobs[0]), label)
    if weight.ndim > dimensions and set(weight.shape[: weight.ndim - dimensions]) == {1}:
        weight = weight.reshape(weight.shape[weight.ndim - dimensions :])  # dense layers of old blobs: (1, 1, out, in)
    return torch.from_numpy(weight), torch.from_numpy(_to_array(parse_message(blobs[1]), label).reshape(-1))


def _to_array(blob: Message, label: str) -> np.ndarray:
    """The numbers (field 5, or 8 in double precision) in their shape (7, or 1 to 4 in old blobs)."""
    array = _floats(blob[8], "<f8") if 8 in blob else _floats(blob.get(5, []), "<f4")
    if 7 in blob:
        size = tuple(read_varints(parse_message(blob[7][-1]).get(1, [])))
    else:
        size = tuple(chain.from_iterable(blob.get(number, [0])[-1:] for number in (1, 2, 3, 4)))
    if math.prod(size) != len(array):
        raise WeightsError(
            f"{label} is {' x '.join(map(str, size))} by its shape and holds {len(array)} numbers; expected as many.",
            "Get or convert it again.",
        )
    return array.reshape(size)


def _read_input(transforms: list[Any]) -> Preprocessing | None:
    """The input of a data layer, (x - mean_value (5)) * scale (1) of pixels up to 255; None where it is not given."""
    if not transforms:
        return None
    transform = parse_message(transforms[-1])
    mean, scale = (_floats(transform.get(number, []), "<f4") for number in (5, 1))
    if len(mean) not in (1, 3):
        return None
    values = [float(f"{value:.7g}") for value in mean] * (3 // len(mean))
    std = 1 / float(f"{scale[-1]:.7g}") if len(scale) and scale[-1] > 0 else 1.0
    return build_preprocessing("bgr", 255.0, (values[0], values[1], values[2]), (std, std, std))


def _text(values: list[Any]) -> str:
    """The last of a field's strings; "" for none, and for numbers."""
    return bytes(values[-1]).decode("utf-8", "replace") if values and not isinstance(values[-1], int) else ""

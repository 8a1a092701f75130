"""Caffe's container: a .caffemodel, a NetParameter of protobuf, kernels (out, in, height, width), channels BGR."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.architecture import CLASSIFIER
from impasto.features.containers.caffe_messages import net_parameter
from impasto.features.containers.content import Content, from_foreign, import_extra, refuse_batch_norm, to_note
from impasto.features.preprocessing import Preprocessing, build_preprocessing

CONVOLUTION, INNER_PRODUCT = 4, 14
"""Types of V1LayerParameter."""

PIECE = 1 << 20
"""Numbers handed to protobuf at once: as Python's floats they take 24 bytes each."""


def read(path: Path, classifier: bool) -> Content:
    """What the file holds, of either generation of layers."""
    label = f"weights file {str(path)!r}"
    network = net_parameter(label)
    message = import_extra("google.protobuf.message", label)
    try:
        network.ParseFromString(path.read_bytes())
    except (message.DecodeError, OSError) as error:
        raise WeightsError(f"{label} is damaged or no .caffemodel ({error}).", "Get or convert it again.") from error
    items = [*network.layer, *network.layers]
    norms = [_text(item.name) for item in items if item.type in (b"BatchNorm", b"Scale", b"BN")]
    if norms:
        raise refuse_batch_norm(label, ", ".join(norms))
    blobs = {_text(item.name): item.blobs for item in items if len(item.blobs) >= 2}
    layers = {n: _layer(pair, f"{label}: {n}", 4) for n, pair in blobs.items() if n.startswith("conv")}
    dense = {n: _layer(blobs[n], f"{label}: {n}", 2) for n in CLASSIFIER if classifier and n in blobs}
    told = from_foreign(_text(network.impasto), layers, dense, label, "bgr")
    return told or Content(layers=layers, classifier=dense, preprocessing=_transformation(items))


def write_new(content: Content, path: Path) -> None:
    """Writes `layer`, LayerParameter, blobs with a shape: Caffe since 2014."""

    def add(network: Any, name: str, is_dense: bool) -> Any:
        return network.layer.add(name=name.encode(), type=b"InnerProduct" if is_dense else b"Convolution")

    _write(content, path, add, _set_shape)


def write_old(content: Content, path: Path) -> None:
    """Writes `layers`, V1LayerParameter, blobs with num, channels, height and width: what every Caffe reads."""

    def add(network: Any, name: str, is_dense: bool) -> Any:
        return network.layers.add(name=name.encode(), type=INNER_PRODUCT if is_dense else CONVOLUTION)

    _write(content, path, add, _set_four)


def _write(
    content: Content,
    path: Path,
    add: Callable[[Any, str, bool], Any],
    set_size: Callable[[Any, tuple[int, ...]], None],
) -> None:
    network = net_parameter(f"output {str(path)!r}")
    network.name = content.architecture.encode()
    for name, tensors in (content.in_channel_order("bgr") | content.classifier).items():
        layer = add(network, name, name in content.classifier)
        for tensor in tensors:
            blob = layer.blobs.add()
            set_size(blob, tuple(tensor.shape))
            numbers = tensor.reshape(-1)
            for start in range(0, len(numbers), PIECE):
                blob.data.extend(numbers[start : start + PIECE].tolist())
    network.impasto = json.dumps(to_note(content)).encode()
    path.write_bytes(network.SerializeToString())


def _set_shape(blob: Any, size: tuple[int, ...]) -> None:
    blob.shape.dim.extend(size)


def _set_four(blob: Any, size: tuple[int, ...]) -> None:
    blob.num, blob.channels, blob.height, blob.width = (1,) * (4 - len(size)) + size


def _layer(blobs: Any, label: str, dimensions: int) -> tuple[Tensor, Tensor]:
    weight = _array(blobs[0], label)
    if weight.ndim > dimensions and set(weight.shape[: weight.ndim - dimensions]) == {1}:
        weight = weight.reshape(weight.shape[weight.ndim - dimensions :])  # dense layers of old blobs: (1, 1, out, in)
    return torch.from_numpy(weight), torch.from_numpy(_array(blobs[1], label).reshape(-1))


def _array(blob: Any, label: str) -> Any:
    numbers = blob.data if len(blob.data) else blob.double_data
    size = tuple(blob.shape.dim) if blob.HasField("shape") else (blob.num, blob.channels, blob.height, blob.width)
    array = np.fromiter(numbers, np.float32, count=len(numbers))
    if any(side < 0 for side in size) or int(np.prod(size)) != len(array):
        raise WeightsError(
            f"{label} says that it is {' x '.join(map(str, size))} and holds {len(array)} numbers; expected as many.",
            "Get or convert it again.",
        )
    return array.reshape(size)


def _transformation(items: list[Any]) -> Preprocessing | None:
    """The input that a data layer makes, (x - mean) * scale of pixels up to 255; None where it is not told."""
    for item in items:
        given = item.transform_param
        if item.HasField("transform_param") and len(given.mean_value) in (1, 3):
            values = [float(f"{value:.7g}") for value in given.mean_value] * (3 // len(given.mean_value))
            std = 1 / float(f"{given.scale:.7g}") if given.HasField("scale") and given.scale > 0 else 1.0
            return build_preprocessing("bgr", 255.0, (values[0], values[1], values[2]), (std, std, std))
    return None


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")

"""Small networks written as weights files of every container, as other programs write them too."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import scipy.io
import torch

from impasto.features.architecture import Layers, layers_of
from impasto.features.containers.kinds import CONTAINERS
from impasto.features.preprocessing import OXFORD, Preprocessing
from impasto.features.weights import Weights, WeightsRecord


def narrow(architecture: str = "vgg11", preprocessing: Preprocessing = OXFORD, classifier: bool = True) -> Weights:
    """A VGG of width 1/16 with random kernels and biases, and a classifier over 2 x 2 positions."""
    generator = torch.Generator().manual_seed(1)
    layers: Layers = {}
    channels = 3
    for name in layers_of(architecture):
        filters = (4, 8, 16, 32, 32)[int(name[4]) - 1]
        kernel = torch.randn(filters, channels, 3, 3, generator=generator) * (2 / (9 * channels)) ** 0.5
        layers[name] = kernel, torch.randn(filters, generator=generator)
        channels = filters
    sizes = (channels * 4, 6, 5, 3)
    dense = {}
    for index in range(3):
        shape = sizes[index + 1], sizes[index]
        dense[f"fc{6 + index}"] = torch.randn(shape, generator=generator), torch.randn(shape[0], generator=generator)
    record = WeightsRecord(
        name="narrow",
        architecture=architecture,
        preprocessing=preprocessing,
        license="CC0",
        source="random",
        sha256="",
        width=1 / 16,
        classes=("stripes", "dots", "Gräser"),
        trained_by="a test",
    )
    return Weights(record, layers, dense if classifier else {}, {"crop": "96"})


def write(weights: Weights, container: str, path: Path) -> Path:
    """Writes ours and torchvision's files as the program does, and the others with what impasto 0.1 noted in them."""
    metadata, encode = weights.to_metadata(), CONTAINERS[container].encode
    if encode is not None:
        path.write_bytes(encode(weights.layers | weights.classifier, metadata))
    else:
        FOREIGN[container](turned(weights, ORDERS[container]), path, json.dumps(metadata))
    return path


def turned(weights: Weights, order: str) -> Weights:
    """The network as files have it whose channels always come in this order."""
    if weights.record.preprocessing.order == order:
        return weights
    kernel, bias = weights.layers["conv1_1"]
    return replace(weights, layers=weights.layers | {"conv1_1": (kernel.flip(1), bias)})


def suffixed(folder: Path, container: str) -> Path:
    return folder / f"{container}{CONTAINERS[container].suffixes[0]}"


def cells(values: Sequence[object]) -> np.ndarray:
    """A cell array of one row."""
    array = np.empty((1, len(values)), dtype=object)
    for index, value in enumerate(values):
        array[0, index] = value
    return array


def write_matconvnet(weights: Weights, path: Path, note: str = "", oldest: bool = False) -> None:
    """RGB and (height, width, in, out); averageImage is a color or, in old networks, a picture at the top."""
    items: list[dict[str, object]] = []
    for name, (kernel, bias) in (weights.layers | weights.classifier).items():
        side = 2 if name == "fc6" else 1
        kernel = kernel if kernel.ndim == 4 else kernel.reshape(len(kernel), -1, side, side)
        arrays = [kernel.permute(2, 3, 1, 0).numpy(), bias.numpy().reshape(1, -1)]
        numbers = {"filters": arrays[0], "biases": arrays[1]} if oldest else {"weights": cells(arrays)}
        items += [{"name": name, "type": "conv", **numbers}, {"name": "relu", "type": "relu"}]
    mean = np.array(weights.record.preprocessing.mean, dtype=np.float32).reshape(1, 1, 3)
    saved: dict[str, object] = {"layers": cells(items), "meta": {"normalization": {"averageImage": mean}}}
    if oldest:
        saved = {"layers": cells(items), "normalization": {"averageImage": np.tile(mean, (5, 7, 1))}}
    with path.open("wb") as file:
        scipy.io.savemat(file, {**saved, "impasto": note} if note or oldest else {"net": saved})


def write_keras(weights: Weights, path: Path, note: str = "", layout: str = "new") -> None:
    """BGR and (height, width, in, out), in a layout of Keras."""
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if layout == "whole model" else file
        for index, (name, (kernel, bias)) in enumerate((weights.layers | weights.classifier).items()):
            theirs = name.replace("_", "_conv").replace("conv", "block", 1)
            theirs = {"fc6": "fc1", "fc7": "fc2", "fc8": "predictions"}.get(theirs, theirs)
            names = (f"{theirs}_W_1:0", f"{theirs}_b_1:0") if layout == "old" else ("kernel:0", "bias:0")
            array = kernel.permute(2, 3, 1, 0).numpy() if kernel.ndim == 4 else kernel.T.numpy()
            if name == "fc6":  # flattened row, column, channel
                array = kernel.reshape(-1, 32, 2, 2).permute(2, 3, 1, 0).reshape(-1, len(kernel)).numpy()
            group = root.create_group(theirs) if layout == "old" else root.create_group(f"{theirs}/{theirs}")
            group[names[0]], group[names[1]] = array, bias.numpy()
            root.create_group(f"pool{index}")
        if note:
            file["impasto"] = note


def write_caffe(weights: Weights, path: Path, note: str = "") -> None:
    path.write_bytes(hand_written(weights, new_layer, new_blob) + delimited(20150826, note.encode()))


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def integer(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def delimited(field: int, payload: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def new_blob(array: np.ndarray) -> bytes:
    """Shape (7), then the numbers (5), packed."""
    dims = b"".join(varint(side) for side in array.shape)
    return delimited(7, delimited(1, dims)) + delimited(5, array.astype("<f4").tobytes())


def new_layer(name: str, kind: str, blobs: list[bytes]) -> bytes:
    body = delimited(1, name.encode()) + delimited(2, kind.encode()) + delimited(3, b"bottom")
    return delimited(100, body + b"".join(delimited(7, blob) for blob in blobs))


def hand_written(weights: Weights, layer: Callable[..., bytes], blob: Callable[[np.ndarray], bytes]) -> bytes:
    out = delimited(1, b"VGG_ILSVRC_11_layers") + delimited(3, b"data") + integer(4, 10)
    for name, tensors in (weights.layers | weights.classifier).items():
        kind = "Convolution" if name.startswith("conv") else "InnerProduct"
        out += layer(name, kind, [blob(tensor.numpy()) for tensor in tensors])
        out += layer(name.replace("conv", "relu"), "ReLU", [])
    return out


FOREIGN: dict[str, Callable[[Weights, Path, str], None]] = {
    "matconvnet": write_matconvnet,
    "keras": write_keras,
    "caffe": write_caffe,
}
ORDERS = {"matconvnet": "rgb", "keras": "bgr", "caffe": "bgr"}

"""Keras's container: an .h5 file of `keras.applications`, kernels (height, width, in, out), channels BGR.

BGR, because its `preprocess_input` for VGG turns RGB around and takes off Caffe's means.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.architecture import Layers, grid_side
from impasto.features.containers.content import Content, from_foreign, import_extra, refuse_batch_norm, to_note

DENSE = {"fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}
"""Keras's names of the dense layers, and the paper's."""


def read(path: Path, classifier: bool) -> Content:
    """What the file holds; both layouts: `block1_conv1/block1_conv1_W_1:0` and `block1_conv1/kernel:0`."""
    label = f"weights file {str(path)!r}"
    h5py = import_extra("h5py", label)
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)  # a whole saved model keeps its weights there
            groups = {str(name): _datasets(h5py, item) for name, item in root.items() if isinstance(item, h5py.Group)}
            note = file["impasto"].asstr()[()] if "impasto" in file else ""
            norms = [name for name, parts in groups.items() if any("moving_" in part for part in parts)]
            if norms:
                raise refuse_batch_norm(label, ", ".join(norms))
            layers = {
                to_paper(name): _convolution(parts) for name, parts in groups.items() if parts and is_convolution(name)
            }
            found = {DENSE[name]: parts for name, parts in groups.items() if classifier and name in DENSE}
            dense = _to_dense(layers, {name: found[name] for name in DENSE.values() if name in found})
    except (OSError, KeyError, ValueError, StopIteration, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{label} is damaged or no VGG of Keras ({type(error).__name__}: {error}); expected groups such as "
            "block1_conv1 with a kernel and a bias.",
            "Save it in Keras with model.save_weights(path), the name ending in .h5.",
        ) from error
    return from_foreign(note, layers, dense, label, "bgr") or Content(layers=layers, classifier=dense)


def write(content: Content, path: Path) -> None:
    """Writes weights that `load_weights` of Keras's VGG reads, where the width is 1."""
    h5py = import_extra("h5py", f"output {str(path)!r}")
    layers = content.in_channel_order("bgr")
    arrays = {to_keras(name): (kernel.permute(2, 3, 1, 0), bias) for name, (kernel, bias) in layers.items()}
    theirs = {ours: name for name, ours in DENSE.items()}
    for index, (name, (weight, bias)) in enumerate(content.classifier.items()):
        side = grid_side(layers, weight) if index == 0 else 1
        # Keras flattens (row, column, channel).
        by_channel = weight.reshape(len(weight), -1, side, side).permute(2, 3, 1, 0)
        arrays[theirs[name]] = by_channel.reshape(-1, len(weight)), bias
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in arrays]
        file.attrs["backend"] = b"tensorflow"
        for name, (kernel, bias) in arrays.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()]
            group[f"{name}/kernel:0"] = kernel.numpy()
            group[f"{name}/bias:0"] = bias.numpy()
        file["impasto"] = json.dumps(to_note(content))


def is_convolution(name: str) -> bool:
    """Whether a group of Keras holds a convolution: block1_conv1."""
    block, _, place = name.partition("_conv")
    return block.startswith("block") and block[5:].isdigit() and place.isdigit()


def to_paper(name: str) -> str:
    """The paper's name of a convolution: conv1_2 for block1_conv2."""
    return name.replace("_conv", "_").replace("block", "conv")


def to_keras(name: str) -> str:
    """Keras's name of a convolution: block1_conv2 for conv1_2."""
    return name.replace("_", "_conv").replace("conv", "block", 1)


def _datasets(h5py: Any, group: Any) -> dict[str, Any]:
    """Every array below a group, by its path."""
    found: dict[str, Any] = {}
    group.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def _split(parts: dict[str, Any]) -> tuple[Any, Any]:
    """Kernel and bias among a layer's arrays, told by their dimensions."""
    arrays: Sequence[Any] = list(parts.values())
    return next(a for a in arrays if a.ndim > 1), next(a for a in arrays if a.ndim == 1)


def _convolution(parts: dict[str, Any]) -> tuple[Tensor, Tensor]:
    kernel, bias = _split(parts)
    return torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))), torch.from_numpy(bias)


def _to_dense(layers: Layers, found: dict[str, dict[str, Any]]) -> Layers:
    dense: Layers = {}
    for name, parts in found.items():
        kernel, bias = _split(parts)
        weight = torch.from_numpy(kernel).T
        if not dense and layers:
            side = grid_side(layers, weight)
            weight = weight.reshape(len(weight), side, side, -1).permute(0, 3, 1, 2).reshape(len(weight), -1)
        dense[name] = weight, torch.from_numpy(bias)
    return dense

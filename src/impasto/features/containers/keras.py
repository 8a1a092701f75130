"""Keras's weights files (.h5) of `keras.applications`: kernels (height, width, in, out), channels BGR.

BGR, because Keras's `preprocess_input` for VGG reverses RGB and subtracts Caffe's means.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.architecture import Layers, grid_side
from impasto.features.containers.stored import StoredNetwork, add_note, batch_norm_error, import_extra

DENSE = {"fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}
"""Keras's names of the dense layers, and the paper's."""

CONVOLUTION = re.compile(r"block(\d+)_conv(\d+)")


def read(path: Path, classifier: bool) -> StoredNetwork:
    """Read an .h5 file of either layout: `block1_conv1/block1_conv1_W_1:0` or `block1_conv1/kernel:0`."""
    label = f"weights file {str(path)!r}"
    h5py = import_extra("h5py", label)
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)  # where a whole saved model has its weights
            groups = {str(name): _arrays(h5py, item) for name, item in root.items() if isinstance(item, h5py.Group)}
            note = file["impasto"].asstr()[()] if "impasto" in file else ""
        norms = [name for name, arrays in groups.items() if any("moving_" in array for array in arrays)]
        if norms:
            raise batch_norm_error(label, ", ".join(norms))
        layers: Layers = {}
        for name, arrays in groups.items():
            if arrays and (match := CONVOLUTION.fullmatch(name)):
                kernel, bias = _split(arrays)
                layers["conv{}_{}".format(*match.groups())] = kernel.permute(3, 2, 0, 1), bias
        dense: Layers = {}
        for name in DENSE:
            if classifier and name in groups:
                weight, bias = _split(groups[name])
                weight = weight.T
                if not dense and layers:
                    side = grid_side(layers, weight)  # Keras flattens row, column, channel
                    weight = weight.reshape(len(weight), side, side, -1).permute(0, 3, 1, 2).reshape(len(weight), -1)
                dense[DENSE[name]] = weight, bias
    except (OSError, KeyError, ValueError, StopIteration, TypeError, AttributeError, RuntimeError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(
            f"{label} is damaged or no VGG of Keras ({type(error).__name__}: {error}); expected groups such as "
            "block1_conv1 with a kernel and a bias.",
            "Save it in Keras with model.save_weights(path), the name ending in .h5.",
        ) from error
    return add_note(StoredNetwork(layers=layers, classifier=dense), note, label, "bgr")


def _arrays(h5py: Any, group: Any) -> dict[str, Any]:
    """Every array below a group, by its path."""
    found: dict[str, Any] = {}
    group.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def _split(arrays: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Kernel and bias among a layer's arrays, by their dimensions."""
    tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays.values()]
    return next(t for t in tensors if t.ndim > 1), next(t for t in tensors if t.ndim == 1)

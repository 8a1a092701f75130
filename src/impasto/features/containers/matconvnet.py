"""MatConvNet's container: a .mat file whose `layers` is the network; kernels (height, width, in, out), channels RGB.

Its importer turns Caffe's BGR into RGB, and dense layers are convolutions over the whole grid.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.architecture import CLASSIFIER, grid_side
from impasto.features.containers.content import Content, from_foreign, import_extra, refuse_batch_norm, to_note
from impasto.features.preprocessing import build_preprocessing

Array = npt.NDArray[Any]


def read(path: Path, classifier: bool) -> Content:
    """What the file holds; a SimpleNN network, at the top or as `net`, saved for MATLAB 5 to 7."""
    label = f"weights file {str(path)!r}"
    scipy_io = import_extra("scipy.io", label)
    try:
        saved: Any = scipy_io.loadmat(path, struct_as_record=False)
        network = _fields(_unwrap(saved["net"])) if "net" in saved else saved
        items = [_fields(_unwrap(item)) for item in np.ravel(network["layers"])]
    except NotImplementedError as error:
        raise WeightsError(
            f"{label} is of MATLAB 7.3; expected version 7 or older.", "Save it in MATLAB with: save(file, '-v7', ...)"
        ) from error
    except Exception as error:  # scipy raises nearly anything on a damaged file
        raise WeightsError(
            f"{label} is damaged or no MatConvNet network ({type(error).__name__}: {error}); expected a variable "
            "`layers`.",
            "Get or convert it again.",
        ) from error
    norms = [str(_unwrap(item["name"])) for item in items if _word(item, "type") == "bnorm"]
    if norms:
        raise refuse_batch_norm(label, ", ".join(norms))
    found = {_word(item, "name"): arrays for item in items if len(arrays := _arrays(item)) >= 2}
    try:
        layers = {n: (_to_kernel(k), _to_bias(b)) for n, (k, b, *_) in found.items() if n.startswith("conv")}
        dense = {n: (_to_dense(found[n][0]), _to_bias(found[n][1])) for n in CLASSIFIER if classifier and n in found}
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{label} holds no numbers in a layer ({error}).", "Get or convert it again.") from error
    told = from_foreign(_word(saved, "impasto"), layers, dense, label, "rgb")
    if told is not None:
        return told
    mean = _average(network)
    preprocessing = None if mean is None else build_preprocessing("rgb", 255.0, mean, (1.0, 1.0, 1.0))
    return Content(layers=layers, classifier=dense, preprocessing=preprocessing, classes=_classes(network))


def write(content: Content, path: Path) -> None:
    """Writes a SimpleNN network with its ReLUs and poolings, averageImage and class names."""
    scipy_io = import_extra("scipy.io", f"output {str(path)!r}")
    wanted = content.preprocessing
    assert wanted is not None
    layers = content.in_channel_order("rgb")
    items: list[dict[str, Any]] = []
    names = [*layers]
    for name, after in zip(names, [*names[1:], ""], strict=True):
        block = name[4]
        items.append(_item(name, layers[name][0].permute(2, 3, 1, 0), layers[name][1], pad=1))
        items.append({"name": name.replace("conv", "relu"), "type": "relu"})
        if after[4:5] != block:
            pool = {"method": "max", "pool": [2.0, 2.0], "stride": [2.0, 2.0], "pad": [0.0] * 4}
            items.append({"name": f"pool{block}", "type": "pool", **pool})
    for index, (name, (weight, bias)) in enumerate(content.classifier.items()):
        side = grid_side(layers, weight) if index == 0 else 1
        kernel = weight.reshape(len(weight), -1, side, side).permute(2, 3, 1, 0)
        items.append(_item(name, kernel, bias, pad=0))
        is_last = index == len(content.classifier) - 1
        items.append({"name": "prob", "type": "softmax"} if is_last else {"name": f"relu{name[2:]}", "type": "relu"})
    mean = np.array(wanted.mean if wanted.order == "rgb" else wanted.mean[::-1]) * (255 / wanted.scale)
    meta = {
        "normalization": {"averageImage": mean.astype(np.float32).reshape(1, 1, 3)},
        "classes": {"description": _cells(content.classes)},
    }
    saved = {"layers": _cells(items), "meta": meta, "impasto": json.dumps(to_note(content))}
    with path.open("wb") as file:  # given a name, scipy adds a suffix to it
        scipy_io.savemat(file, saved)


def _item(name: str, kernel: Tensor, bias: Tensor, *, pad: int) -> dict[str, Any]:
    weights = _cells([np.asfortranarray(kernel.numpy()), bias.numpy().reshape(-1, 1)])
    return {"name": name, "type": "conv", "weights": weights, "pad": [float(pad)] * 4, "stride": [1.0, 1.0]}


def _cells(values: Any) -> Array:
    """A cell array of one row."""
    cells = np.empty((1, len(values)), dtype=object)
    for index, value in enumerate(values):
        cells[0, index] = value
    return cells


def _unwrap(value: Any) -> Any:
    """What stands in arrays of one place, which MATLAB's values all are; "" for an empty one."""
    while isinstance(value, np.ndarray) and value.dtype.kind in "OU":
        if value.size == 0:
            return ""
        if value.size > 1:
            break
        value = value.flat[0]
    return value


def _fields(struct: Any) -> Mapping[str, Any]:
    return {name: getattr(struct, name) for name in struct._fieldnames}


def _word(fields: Mapping[str, Any], name: str) -> str:
    return str(_unwrap(fields.get(name, "")))


def _arrays(item: Mapping[str, Any]) -> list[Array]:
    """Weights and biases of a layer: a cell array `weights`, or in the oldest networks `filters` and `biases`."""
    if "weights" in item:
        return [np.asarray(value) for value in np.ravel(item["weights"])]
    return [np.asarray(item[name]) for name in ("filters", "biases") if name in item]


def _to_kernel(array: Array) -> Tensor:
    array = array.reshape(*array.shape, *[1] * (4 - array.ndim))  # MATLAB drops last dimensions of 1
    return torch.from_numpy(np.ascontiguousarray(array.transpose(3, 2, 0, 1)))


def _to_dense(array: Array) -> Tensor:
    kernel = _to_kernel(array)
    return kernel.reshape(len(kernel), -1)


def _to_bias(array: Array) -> Tensor:
    return torch.from_numpy(array.reshape(-1).copy())


def _average(network: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """The mean color, RGB, of `meta.normalization`, or in old networks `normalization`; None where it is not there."""
    holder = _unwrap(network["meta"]) if "meta" in network else None
    fields = _fields(holder) if holder is not None else network
    try:
        average = np.asarray(_fields(_unwrap(fields["normalization"]))["averageImage"], dtype=float)
        red, green, blue = average.reshape(-1, 3, order="C").mean(0) if average.ndim == 3 else average.reshape(3)
    except (KeyError, AttributeError, TypeError, ValueError):
        return None
    # Single precision in the file: as near to what was written as six digits tell.
    return float(f"{red:.6g}"), float(f"{green:.6g}"), float(f"{blue:.6g}")


def _classes(network: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        holder = _fields(_unwrap(network["meta"])) if "meta" in network else network
        cells = _fields(_unwrap(holder["classes"]))["description"]
        return tuple(str(_unwrap(cell)) for cell in np.ravel(cells))
    except (KeyError, AttributeError, TypeError):
        return ()

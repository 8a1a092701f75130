"""MatConvNet's weights files (.mat): kernels (height, width, in, out), channels RGB.

RGB, because its importer reverses Caffe's BGR. Dense layers are convolutions over the whole grid.
"""

import math
import mmap
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.architecture import CLASSIFIER
from impasto.features.containers.stored import StoredNetwork, add_note, batch_norm_error, import_extra
from impasto.features.preprocessing import build_preprocessing

_MATRIX, _COMPRESSED = 14, 15
_KINDS = (1, 2, 3, 4, 5, 6, 7, 9, 12, 13, _MATRIX, _COMPRESSED, 16, 17, 18)
"""Kinds of elements: integers, floats, matrices, compressed ones, letters."""

_NESTED = (1, 2, 3)
_CLASSES = (*_NESTED, 4, *range(6, 16))
"""Classes of matrices: cells, structs and objects, which hold others; text and full matrices of numbers."""

_OTHERS = (5, 16, 17)
"""Sparse matrices, functions and opaque objects: laid out in their own ways, and not checked."""

_MOST_BYTES = 2**31
"""Of one compressed variable."""

Array = npt.NDArray[Any]


def read(path: Path, classifier: bool) -> StoredNetwork:
    """Read a SimpleNN network, at the top or as `net`, saved for MATLAB 5 to 7."""
    label = f"weights file {str(path)!r}"
    scipy_io = import_extra("scipy.io", label)
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _check_elements(memoryview(bytes(data[128:])), ">" if data[126:128] == b"MI" else "<")
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
        raise batch_norm_error(label, ", ".join(norms))
    found = {_word(item, "name"): arrays for item in items if len(arrays := _arrays(item)) >= 2}
    try:
        layers = {n: (_to_kernel(k), _to_bias(b)) for n, (k, b, *_) in found.items() if n.startswith("conv")}
        dense = {n: (_to_dense(found[n][0]), _to_bias(found[n][1])) for n in CLASSIFIER if classifier and n in found}
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{label} holds no numbers in a layer ({error}).", "Get or convert it again.") from error
    mean = _read_mean(network)
    stored = StoredNetwork(
        layers=layers,
        classifier=dense,
        preprocessing=None if mean is None else build_preprocessing("rgb", 255.0, mean, (1.0, 1.0, 1.0)),
        classes=_read_classes(network),
    )
    return add_note(stored, _word(saved, "impasto"), label, "rgb")


def _check_elements(data: memoryview, order: str) -> None:
    """Accept elements of MATLAB 5 to 7 of known kinds that end within their parent and can hold what they announce.

    scipy crashes at others, or takes any amount of memory. order: of bytes, "<" or ">". Raises ValueError.
    """
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}2I", data, at)
        if kind >> 16:  # at most four bytes, in the place of the size
            kind, size, begin, end = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        else:
            begin, end = at + 8, at + 8 + size + (-size % 8 if kind != _COMPRESSED else 0)
        if kind not in _KINDS or begin + size > min(end, len(data)):
            raise ValueError(f"no element of kind {kind} and {size} bytes can begin at byte {at}")
        body, at = data[begin : begin + size], end
        if kind == _COMPRESSED:
            _check_elements(memoryview(zlib.decompressobj().decompress(body, _MOST_BYTES)), order)
        elif kind == _MATRIX and size:
            _check_matrix(body, order)


def _check_matrix(body: memoryview, order: str) -> None:
    flags_kind, flags_size, flags, _, kind, length = struct.unpack_from(f"{order}6I", body)
    group = flags & 0xFF
    if (flags_kind, flags_size) == (6, 8) and group in _OTHERS:
        return
    if (flags_kind, flags_size, kind) != (6, 8, 5) or group not in _CLASSES or length > len(body) - 24:
        raise ValueError(f"no matrix of class {group} and {len(body)} bytes")
    sides = struct.unpack_from(f"{order}{length // 4}i", body, 24)
    # A cell or a member of a struct takes eight bytes at least; a number or letter one.
    if min(sides, default=0) < 0 or math.prod(sides) * (8 if group in _NESTED else 1) > len(body):
        raise ValueError(f"{' x '.join(map(str, sides))} members in {len(body)} bytes")
    _check_elements(body[24 + length + -length % 8 :], order)


def _unwrap(value: Any) -> Any:
    """The value in arrays of one element, as all values of MATLAB are; "" for an empty one."""
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


def _read_mean(network: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """The mean color, RGB, of `meta.normalization`, or in old networks `normalization`; None where it is not there."""
    holder = _unwrap(network["meta"]) if "meta" in network else None
    fields = _fields(holder) if holder is not None else network
    try:
        average = np.asarray(_fields(_unwrap(fields["normalization"]))["averageImage"], dtype=float)
        red, green, blue = average.reshape(-1, 3, order="C").mean(0) if average.ndim == 3 else average.reshape(3)
    except (KeyError, AttributeError, TypeError, ValueError):
        return None
    # Single precision in the file, so six digits are right.
    return float(f"{red:.6g}"), float(f"{green:.6g}"), float(f"{blue:.6g}")


def _read_classes(network: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        holder = _fields(_unwrap(network["meta"])) if "meta" in network else network
        cells = _fields(_unwrap(holder["classes"]))["description"]
        return tuple(str(_unwrap(cell)) for cell in np.ravel(cells))
    except (KeyError, AttributeError, TypeError):
        return ()

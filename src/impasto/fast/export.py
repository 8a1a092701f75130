"""Export: a trained network as an ONNX graph, one style or mixture fixed in it, for pictures of any size."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto.errors import MissingExtraError
from impasto.fast.network import FLAT, NOISE, PHOTOGRAPH, TINY, Layer, Network

OPSET, IR_VERSION = 21, 10
"""Versions of ONNX that onnxruntime reads since 1.20, in browsers too."""

INPUT, OUTPUT = "photograph", "picture"
"""Names of the graph's input and output, (1, 3, height, width) float32 in [0, 1], sRGB."""

INSTALL = 'pip install "impasto[export]"'


def check_onnx() -> None:
    """Accept an installation that has onnx and onnxruntime. Raises MissingExtraError."""
    for name in ("onnx", "onnxruntime"):
        if find_spec(name) is None:
            raise MissingExtraError(f"export needs the package {name}, which is not installed.", f"Run: {INSTALL}")


def encode_onnx(network: Network, shares: Tensor, *, int8: bool = False) -> bytes:
    """Return the ONNX file of a network.

    shares: (rows,), of the photograph and of each style, summing to 1. int8: whether kernels, but those of the first
    and the last layer, are stored in 8 bits, with a scale for each output channel; everything is computed in float32
    all the same. Raises MissingExtraError.
    """
    check_onnx()
    return _Graph(shares, int8=int8).build(network)


def run_onnx(data: bytes, image: Tensor) -> Tensor:
    """Return what onnxruntime makes of an image, (1, 3, H, W) in [0, 1], on the CPU. Raises MissingExtraError."""
    check_onnx()
    session = import_module("onnxruntime").InferenceSession(data, providers=["CPUExecutionProvider"])
    (painted,) = session.run([OUTPUT], {INPUT: image.cpu().numpy()})
    return torch.from_numpy(painted)


class _Graph:
    """A graph being written: each method adds nodes and returns the name of their output."""

    def __init__(self, shares: Tensor, *, int8: bool) -> None:
        self._onnx = import_module("onnx")
        self._helper: Any = import_module("onnx.helper")
        self._numpy: Any = import_module("onnx.numpy_helper")
        self._shares, self._int8 = shares.detach().cpu().float(), int8
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def build(self, network: Network) -> bytes:
        encoder, blocks, decoder = network.parts()
        x = self._add("Sub", self._add("Mul", INPUT, self._scalar(2.0)), self._scalar(1.0))
        sizes = []
        for layer in encoder:
            sizes.append(x)
            x = self._add("Relu", self._layer(layer, x))
        for first, second in blocks:
            x = self._add("Add", x, self._layer(second, self._add("Relu", self._layer(first, x))))
        # The decoder's maps have the sizes of what the encoder halved.
        for layer, like in zip(decoder[:-1], (sizes[2], sizes[1]), strict=True):
            x = self._add("Relu", self._layer(layer, self._enlarge(x, like)))
        painted = self._add("Sigmoid", self._layer(decoder[-1], x))
        if (share := float(self._shares[PHOTOGRAPH])) > 0:
            painted = self._match_tones(painted, share)
        self._add("Clip", painted, self._scalar(0.0), self._scalar(1.0), output=OUTPUT)
        return self._encode()

    def _layer(self, layer: Layer, x: str) -> str:
        """Add a convolution and its normalization."""
        x = self._add("Pad", x, self._integers([0, 0, layer.reach, layer.reach] * 2), mode="reflect")
        for convolution in layer.convolutions:
            assert isinstance(convolution, torch.nn.Conv2d)
            kernel = self._kernel(convolution.weight, is_small=self._int8 and layer.reach == 1)
            x = self._add("Conv", x, kernel, strides=list(convolution.stride), group=convolution.groups)
        mean, variance = self._moments(x)
        deviation = self._add("Sqrt", self._add("Add", variance, self._scalar(TINY)))
        gain = self._add("Div", deviation, self._add("Add", variance, self._scalar(NOISE)))
        scale, shift = (
            self._constant((self._shares @ rows.detach().cpu())[:, None, None].numpy())
            for rows in (layer.scales, layer.shifts)
        )
        scaled = self._add("Mul", self._add("Sub", x, mean), self._add("Mul", gain, scale))
        return self._add("Add", scaled, shift)

    def _match_tones(self, painted: str, share: float) -> str:
        """Add `network.match_tones`."""
        (mean, variance), (own_mean, own_variance) = self._moments(painted), self._moments(INPUT)
        contrast = self._add("Div", own_variance, self._add("Add", variance, self._scalar(FLAT)))
        contrast = self._add("Sqrt", contrast)
        toned = self._add("Add", self._add("Mul", self._add("Sub", painted, mean), contrast), own_mean)
        change = self._add("Mul", self._add("Sub", toned, painted), self._scalar(share))
        return self._add("Add", painted, change)

    def _moments(self, x: str) -> tuple[str, str]:
        axes = self._integers([2, 3])
        mean = self._add("ReduceMean", x, axes)
        apart = self._add("Sub", x, mean)
        return mean, self._add("ReduceMean", self._add("Mul", apart, apart), axes)

    def _enlarge(self, x: str, like: str) -> str:
        """Add an enlargement of each pixel to 2 x 2, cut to the size of another map."""
        scales = self._constant(np.array([1, 1, 2, 2], np.float32))
        larger = self._add(
            "Resize", x, "", scales, mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric"
        )
        ends = self._add("Shape", like, start=2)
        return self._add("Slice", larger, self._integers([0, 0]), ends, self._integers([2, 3]))

    def _kernel(self, kernel: Tensor, *, is_small: bool) -> str:
        values = kernel.detach().cpu().float()
        if not is_small:
            return self._constant(values.numpy())
        scales = values.flatten(1).abs().amax(1).clamp_min(1e-12) / 127
        levels = (values / scales[:, None, None, None]).round().to(torch.int8)
        return self._add("DequantizeLinear", self._constant(levels.numpy()), self._constant(scales.numpy()), axis=0)

    def _scalar(self, value: float) -> str:
        return self._constant(np.array(value, np.float32))

    def _integers(self, values: Sequence[int]) -> str:
        return self._constant(np.array(values, np.int64))

    def _constant(self, values: Any) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(self._numpy.from_array(np.ascontiguousarray(values), name))
        return name

    def _add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        name = output or f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def _encode(self) -> bytes:
        places = [
            self._helper.make_tensor_value_info(name, self._onnx.TensorProto.FLOAT, [1, 3, "height", "width"])
            for name in (INPUT, OUTPUT)
        ]
        graph = self._helper.make_graph(self._nodes, "impasto", places[:1], places[1:], self._constants)
        model = self._helper.make_model(
            graph,
            producer_name="impasto",
            opset_imports=[self._helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        self._onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

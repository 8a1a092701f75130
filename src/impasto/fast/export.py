"""Export: a trained network as an ONNX graph, one style or mixture fixed in it, for pictures of any size."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto.errors import MissingExtraError
from impasto.fast.kernels import enlarging_kernel, joint_kernel
from impasto.fast.network import FLAT, MULTIPLE, NOISE, PHOTOGRAPH, TINY, Layer, Network

OPSET, IR_VERSION = 21, 10
"""Versions of ONNX that onnxruntime reads since 1.20, in browsers too."""

INPUT, OUTPUT = "photograph", "picture"
"""Names of the graph's input and output, (1, 3, height, width) float32 in [0, 1], sRGB."""

INSTALL = 'pip install "impasto[export]"'


def check_onnx(purpose: str = "export") -> None:
    """Accept an installation that has onnx and onnxruntime. Raises MissingExtraError."""
    for name in ("onnx", "onnxruntime"):
        if find_spec(name) is None:
            raise MissingExtraError(f"{purpose} needs the package {name}, which is not installed.", f"Run: {INSTALL}")


def encode_onnx(network: Network, shares: Tensor, *, int8: bool = False) -> bytes:
    """Return the ONNX file of a network.

    shares: (rows,), of the photograph and of each style, summing to 1. int8: whether kernels, but those of the first
    and the last layer, are stored in 8 bits, with a scale for each output channel; everything is computed in float32
    all the same. Raises MissingExtraError.
    """
    check_onnx()
    return _Graph(shares, int8=int8).build(network)


class OnnxNetwork:
    """An ONNX file in onnxruntime, on the CPU."""

    def __init__(self, data: bytes, threads: int | None = None) -> None:
        """threads: all cores if left out. Raises MissingExtraError."""
        check_onnx()
        runtime = import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        self._session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def paint(self, image: Tensor) -> Tensor:
        """Return what the network makes of an image, (1, 3, H, W) in [0, 1]."""
        (painted,) = self._session.run([OUTPUT], {INPUT: image.cpu().numpy()})
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
        size = self._add("Shape", INPUT, start=2)
        missing = self._add("Mod", self._add("Sub", self._integers([0]), size), self._integers([MULTIPLE]))
        pads = self._add("Concat", self._integers([0] * 6), missing, axis=0)
        photograph = self._add("Pad", INPUT, pads, mode="reflect")
        x = self._add("Sub", self._add("Mul", photograph, self._scalar(2.0)), self._scalar(1.0))
        for layer in encoder:
            x = self._add("Relu", self._layer(layer, x))
        for first, second in blocks:
            x = self._add("Add", x, self._layer(second, self._add("Relu", self._layer(first, x))))
        for layer in decoder[:-1]:
            x = self._add("Relu", self._layer(layer, x))
        painted = self._add("Sigmoid", self._layer(decoder[-1], x, is_last=True))
        if (share := float(self._shares[PHOTOGRAPH])) > 0:
            painted = self._match_tones(painted, photograph, share)
        cut = self._add("Slice", painted, self._integers([0, 0]), size, self._integers([2, 3]))
        self._add("Clip", cut, self._scalar(0.0), self._scalar(1.0), output=OUTPUT)
        return self._encode()

    def _layer(self, layer: Layer, x: str, *, is_last: bool = False) -> str:
        """Add a convolution and its normalization."""
        mode = "edge" if layer.is_enlarging else "reflect"
        x = self._add("Pad", x, self._integers([0, 0, layer.reach, layer.reach] * 2), mode=mode)
        kernels = [kernel.detach().cpu().float() for kernel in layer.convolutions.parameters()]
        is_small = self._int8 and layer.reach == 1
        if layer.is_enlarging:
            x = self._add("Conv", x, self._kernel(enlarging_kernel(kernels[0]), is_small=is_small))
            # Each place has two pixels by two, the first of them half a place above and to the left.
            x = self._add("DepthToSpace", x, blocksize=2)
            x = self._add("Slice", x, self._integers([1, 1]), self._integers([-1, -1]), self._integers([2, 3]))
        elif is_last:
            x = self._add("Conv", x, self._kernel(joint_kernel(kernels[0]), is_small=is_small), strides=[2, 2])
            x = self._add("DepthToSpace", x, blocksize=2)
        else:
            for index, kernel in enumerate(kernels):
                groups = len(kernel) if kernel.shape[1] == 1 else 1
                strides = [1 if index else layer.stride] * 2
                x = self._add("Conv", x, self._kernel(kernel, is_small=is_small), strides=strides, group=groups)
        return self._normalize(layer, x)

    def _normalize(self, layer: Layer, x: str) -> str:
        """Add `Layer.affine` as a batch normalization: (x - mean) / sqrt(d) * scale + shift, d = (v + NOISE)^2 / v."""
        scale, shift = ((self._shares @ rows.detach().cpu()).numpy() for rows in (layer.scales, layer.shifts))
        if not layer.is_normalized:
            scaled = self._add("Mul", x, self._constant(scale[:, None, None]))
            return self._add("Add", scaled, self._constant(shift[:, None, None]))
        axes = self._integers([0, 2, 3])
        mean = self._add("ReduceMean", x, axes, keepdims=0)
        square = self._add("ReduceMean", self._add("Mul", x, x), axes, keepdims=0)
        variance = self._add("Max", self._add("Sub", square, self._add("Mul", mean, mean)), self._scalar(TINY))
        root = self._add("Add", variance, self._scalar(NOISE))
        divisor = self._add("Div", self._add("Mul", root, root), variance)
        constants = self._constant(scale), self._constant(shift)
        return self._add("BatchNormalization", x, *constants, mean, divisor, epsilon=0.0)

    def _match_tones(self, painted: str, photograph: str, share: float) -> str:
        """Add `network.match_tones`."""
        (mean, variance), (own_mean, own_variance) = self._moments(painted), self._moments(photograph)
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

    def _kernel(self, values: Tensor, *, is_small: bool) -> str:
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

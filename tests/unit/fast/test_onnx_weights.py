"""Weights out of ONNX files: integers with their scales, by the name of their layer."""

import numpy as np
import pytest
import torch
from instant_network import encode_onnx
from written_weights import delimited, integer, varint

from impasto.fast.onnx_weights import read_convolutions


def test_integers_become_the_numbers_that_they_stand_for() -> None:
    weight, bias = torch.randn(5, 3, 3, 3), torch.randn(5)
    (name, read), *others = read_convolutions(encode_onnx([("body/conv/weights", weight, bias)])).items()
    assert (name, others) == ("body/conv/weights", [])
    steps = weight.abs().amax((1, 2, 3)) / 127
    assert ((read[0] - weight).abs().amax((1, 2, 3)) <= steps / 2 * 1.001).all()
    assert torch.equal(read[1], bias)


def test_numbers_may_be_a_list_in_place_of_bytes() -> None:
    def tensor(name: str, kind: int, numbers: bytes, sides: list[int]) -> bytes:
        dims = b"".join(varint(side) for side in sides)
        return delimited(5, delimited(1, dims) + integer(2, kind) + delimited(8, name.encode()) + numbers)

    def node(kind: str, inputs: list[str], output: str) -> bytes:
        body = b"".join(delimited(1, name.encode()) for name in inputs) + delimited(2, output.encode())
        return delimited(1, body + delimited(4, kind.encode()))

    floats = np.array([0.5, 2], "<f4").tobytes()
    negative = varint(2**64 - 3)  # as protobuf has it
    graph = tensor("w", 3, delimited(5, varint(4) + negative), [2, 1, 1, 1])
    graph += tensor("scale", 1, delimited(4, floats), [2]) + tensor("zero", 3, delimited(5, varint(1) + varint(0)), [2])
    graph += tensor("bias", 1, delimited(9, floats), [2])
    graph += node("DequantizeLinear", ["w", "scale", "zero"], "w_dequant")
    graph += node("Conv", ["x", "w_dequant", "bias"], "y")
    weight, bias = read_convolutions(delimited(7, graph))["w"]
    assert weight.flatten().tolist() == [1.5, -6.0] and bias.tolist() == [0.5, 2.0]


WHOLE = encode_onnx([("w", torch.ones(1, 1, 1, 1), torch.ones(1))])


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no model", WHOLE[:-5]])
def test_a_damaged_file_raises_what_is_announced(data: bytes) -> None:
    with pytest.raises((ValueError, IndexError, LookupError)):
        read_convolutions(data)

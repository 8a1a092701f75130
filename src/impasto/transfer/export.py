"""Export: a style of a trained network as an ONNX file, checked against the network."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from impasto.errors import OutputError, WeightsError
from impasto.fast.export import OnnxNetwork, check_onnx, encode_onnx
from impasto.system.disk import check_file_place, check_not_input, is_folder, replace_file, to_path
from impasto.system.torch_settings import running
from impasto.transfer.apply import load_painter

CHECKED_SIZES = ((96, 96), (61, 83))
"""Height and width of the pictures that a file is checked with."""

LARGEST_DIFFERENCE = {"float32": 1e-3, "int8": 2 / 255}
"""Of any value from the network's own, and with int8 of their mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An ONNX file: its path and size, its style, and how far its pictures are from the network's own, of 0 to 1: the
    largest difference of a value and the mean one."""

    path: Path
    bytes: int
    styles: tuple[str, ...]
    largest: float
    mean: float


def export_painter(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    style: str | Sequence[str] | None = None,
    style_blend: Sequence[float] = (),
    strength: float = 1.0,
    int8: bool = False,
) -> Exported:
    """Write a style of a network, or a mixture, as an ONNX file for pictures of any size from 5 pixels a side.

    model: from `impasto train`. style, style_blend, strength: as of a `Painter`, fixed in the file. int8: kernels in 8
    bits, a third of the size. Its input "photograph" and output "picture" are (1, 3, height, width) float32 in [0, 1],
    sRGB. The file is written if onnxruntime makes the network's own pictures of it. Raises MissingExtraError,
    WeightsError, RecipeError, OutputError, DiskError.
    """
    check_onnx()
    path = to_path(output, "output")
    label = f"output {str(path)!r}"
    if is_folder(path, label) or path.suffix.lower() != ".onnx":
        raise OutputError(f"{label} is no .onnx; expected one.", f"Give -o {path.with_suffix('.onnx')}.")
    check_file_place(path, label)
    check_not_input(path, label, [model])
    painter = load_painter(model, device="cpu")
    chosen = {} if style is None else {"style": style}
    recipe, names = painter.choose({**chosen, "style_blend": tuple(style_blend), "strength": strength})
    shares = painter.mix(recipe, names)
    data = encode_onnx(painter.network, shares, int8=int8)
    exported, differences = OnnxNetwork(data), []
    with running(torch.device("cpu"), None, "Close other programs."), torch.no_grad():
        for number, size in enumerate(CHECKED_SIZES):
            image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(number))
            differences.append((exported.paint(image) - painter.network(image, shares[None, :, None, None])).abs())
    largest = max(float(each.max()) for each in differences)
    mean = max(float(each.mean()) for each in differences)
    if (int8 and mean > LARGEST_DIFFERENCE["int8"]) or (not int8 and largest > LARGEST_DIFFERENCE["float32"]):
        raise WeightsError(
            f"onnxruntime makes other pictures of the file: off by {largest:.4f} at most, {mean:.4f} in the mean.",
            "Nothing was written. Leave --int8 out." if int8 else "Nothing was written; please report it.",
        )
    replace_file(path, data)
    return Exported(path=path, bytes=len(data), styles=tuple(names), largest=largest, mean=mean)

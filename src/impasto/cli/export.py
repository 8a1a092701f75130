"""`impasto export`: a style of a trained network as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.apply import Model, Style
from impasto.cli.options import Report, takes_fields
from impasto.cli.report import print_json, print_line
from impasto.cli.signatures import takes_options
from impasto.recipe.recipe import ONE_PASS, Recipe

Output = Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="the file: .onnx")]
Int8 = Annotated[
    bool, typer.Option("--int8", metavar="", help="kernels in 8 bits: a third of the size, a little less exact")
]


@takes_options
@takes_fields(ONE_PASS, ("strength", "style_blend"))
def export(
    model: Model,
    output: Output,
    recipe: Recipe,
    style: Style = None,
    int8: Int8 = False,
    *,
    report: Report,
) -> None:
    """Write a style of a trained network as an ONNX file, for browsers, phones and games.

    impasto export starry.safetensors -o starry.onnx

    It takes pictures of any size, and is checked against the network. It needs the extra export.
    """
    from impasto.transfer.export import export_painter

    exported = export_painter(
        model, output, style=style, style_blend=recipe.style_blend, strength=recipe.strength or 0.0, int8=int8
    )
    if report.json:
        values = {"styles": list(exported.styles), "bytes": exported.bytes}
        print_json({"output": str(output), **values, "largest": exported.largest, "mean": exported.mean})
        return
    print_line(
        f"{output}: {exported.bytes / 1e6:.2f} MB, {', '.join(exported.styles)}; within {exported.largest:.1g} of the "
        "network's pictures"
    )

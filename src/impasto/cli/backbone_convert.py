"""`impasto backbone convert`: a network from one kind of file into another."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from impasto.cli.options import Debug, Json
from impasto.cli.report import print_json, print_line


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="IN", help="the network: a file, or a name of `impasto weights`", show_default=False
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", help="a .safetensors or .pth file")
    ],
    to: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="safetensors or torchvision; default: by the suffix of OUT"
        ),
    ] = None,
    drop_classifier: Annotated[
        bool, typer.Option("--drop-classifier", metavar="", help="write the convolutions alone")
    ] = False,
    license: Annotated[str | None, typer.Option(metavar="TEXT", help="license to note; default: that of IN")] = None,
    channel_order: Annotated[
        str | None, typer.Option(metavar="RGB|BGR", help="channels that IN expects", rich_help_panel="Input of IN")
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", help="what pixels in 0..1 are multiplied by", rich_help_panel="Input of IN"),
    ] = None,
    mean: Annotated[
        str | None,
        typer.Option(metavar="A,B,C", help="means subtracted next, in that order", rich_help_panel="Input of IN"),
    ] = None,
    std: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="deviations divided by last", rich_help_panel="Input of IN")
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a network as .safetensors or .pth, every weight bit by bit.

    impasto backbone convert VGG_ILSVRC_19_layers.caffemodel -o vgg19.safetensors --license "CC BY 4.0, Oxford"

    Read are .safetensors, .pth, .mat, .h5 and .caffemodel. The options of IN's input are for files that do not
    describe it, or describe it wrongly.
    """
    from impasto.backbone import convert as stage

    given = stage.GivenInput(
        order=_read_order(channel_order), scale=scale, mean=_read_three("mean", mean), std=_read_three("std", std)
    )
    made = stage.convert(
        source, output, to=to, drop_classifier=drop_classifier, given=given, license=license
    )
    values = made.to_dict()
    if json:
        print_json(values)
        return
    dense = f"classifier {', '.join(values['classifier'])}" if values["classifier"] else "no classifier"
    print_line(f"{output}: {values['architecture']} of width {values['width']:g}, {dense}, as {made.container}")
    for key in ("input", "license", "source", "sha256"):
        print_line(f"  {key + ':':<9}{values[key]}")


def _read_order(text: str | None) -> Literal["rgb", "bgr"] | None:
    from impasto.errors import RecipeError

    if text is None:
        return None
    orders: dict[str, Literal["rgb", "bgr"]] = {"rgb": "rgb", "bgr": "bgr"}
    if text.lower() not in orders:
        raise RecipeError(f"channel_order is {text!r}; expected RGB or BGR.", "Change --channel-order.")
    return orders[text.lower()]


def _read_three(name: str, text: str | None) -> tuple[float, float, float] | None:
    from impasto.errors import RecipeError

    if text is None:
        return None
    try:
        first, second, third = (float(part) for part in text.split(","))
    except ValueError as error:
        raise RecipeError(
            f"{name} is {text!r}; expected three numbers, one a channel.", f"Write --{name} 103.939,116.779,123.68."
        ) from error
    return first, second, third

"""`impasto compare`: quality figures of a finished picture."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.options import Debug, Json, MaxPixels
from impasto.cli.report import print_json, print_line


def compare(
    content_image: Annotated[Path, typer.Argument(metavar="CONTENT", help="the photograph", show_default=False)],
    style_image: Annotated[Path, typer.Argument(metavar="STYLE", help="the painting", show_default=False)],
    pastiche: Annotated[Path, typer.Argument(metavar="PASTICHE", help="the finished picture", show_default=False)],
    max_pixels: MaxPixels = 200_000_000,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure how near a pastiche is to the painting's style and to the photograph's drawing; 0 is the same.

    impasto compare photo.jpg painting.jpg pastiche.png
    """
    from impasto import compare as stage

    figures = dataclasses.asdict(stage.compare(content_image, style_image, pastiche, max_pixels=max_pixels))
    if json:
        print_json({"output": str(pastiche), **figures})
    else:
        print_line(f"{pastiche}: style {figures['style']:.3f}, structure {figures['structure']:.3f} (0 is the same)")

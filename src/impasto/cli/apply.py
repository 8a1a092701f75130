"""`impasto apply`: photographs painted in one pass by a network that `impasto train` made."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.batch import SOME_FAILED
from impasto.cli.delivery import free_path
from impasto.cli.options import (
    Device,
    MaxMemory,
    MaxPixels,
    Only,
    Report,
    Threads,
    complete,
    read_memory,
    takes_fields,
)
from impasto.cli.progress import show_progress
from impasto.cli.report import print_json, print_line
from impasto.cli.signatures import takes_options
from impasto.errors import ImpastoError
from impasto.recipe.recipe import ONE_PASS, Recipe

if TYPE_CHECKING:
    from impasto.fast.result import OnePassResult


def _complete_style(incomplete: str) -> list[str]:
    from impasto.recipe.shipped import shipped_styles

    return complete([*shipped_styles()])(incomplete)


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL|NAME",
        help="a network that `impasto train` made, or a style of `impasto styles`",
        show_default=False,
        autocompletion=_complete_style,
    ),
]
Photos = Annotated[
    list[str], typer.Argument(metavar="PHOTO", help="photographs, folders, or patterns in quotes", show_default=False)
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="OUT|DIR", help="the picture, or a folder for several; default: new files here"
    ),
]
Style = Annotated[
    list[str] | None,
    typer.Option("--style", metavar="NAME", help="a style of the network; several are mixed; default: its first"),
]
StyleMasks = Annotated[
    list[Path] | None,
    typer.Option(
        "--content-mask",
        metavar="FILE",
        help="black and white picture of the region of each --style, in the same order, instead of mixing them",
        rich_help_panel="Masks",
    ),
]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="torch, or onnxruntime, which is quicker for many small pictures",
        rich_help_panel="Machine",
    ),
]

FIELDS = (
    *("size", "strength", "style_blend", "resampling", "color", "color_map"),
    *("only_feather", "depth", "dpi", "keep_profile", "strip"),
)
"""Recipe fields that have an option."""

DEFAULT = ONE_PASS.replace(size="content")


@takes_options
@takes_fields(DEFAULT, FIELDS)
def apply(
    context: typer.Context,
    model: Model,
    photos: Photos,
    recipe: Recipe,
    output: Output = None,
    style: Style = None,
    content_mask: StyleMasks = None,
    only: Only = None,
    engine: EngineOption = "torch",
    device: Device = "auto",
    threads: Threads = None,
    max_pixels: MaxPixels = 200_000_000,
    max_memory: MaxMemory = None,
    *,
    report: Report,
) -> None:
    """Repaint photographs in one pass, in a style that comes with impasto or by a network that `impasto train` made.

    impasto apply starry-night photo.jpg
    impasto apply two.safetensors photos -o painted --style starry_night --style the_scream --style-blend 0.3,0.7

    Photographs of any size are painted at their own, and in strips where memory is short.
    """
    from impasto.transfer.apply import load_painter

    painter = load_painter(model, device=device, threads=threads, engine=engine)
    given = {name: getattr(recipe, name) for name in FIELDS if getattr(recipe, name) != getattr(DEFAULT, name)}
    fields: Any = {
        **given,
        **({"style": style} if style else {}),
        **({"content_masks": content_mask} if content_mask else {}),
        **({"only": only} if only is not None else {}),
        "max_pixels": max_pixels,
        "max_memory": read_memory(max_memory),
    }
    names = painter.choose(fields)[1]
    outputs = _plan(photos, output, "-".join(names), [model, *(content_mask or ())], recipe)
    done: list[dict[str, Any]] = []
    failed = 0
    with show_progress(quiet=report.quiet) as progress:
        for number, (photo, path) in enumerate(outputs, start=1):
            try:
                result = painter(photo, **fields)
                path = free_path(path) if output is None else path  # by now another process may have taken the name
                result.save(path)
            except ImpastoError as error:
                if len(outputs) == 1:
                    raise
                failed += 1
                progress.print(f"{photo}: {error.error} {error.hint}")
                continue
            done.append({"output": str(path), **result.to_dict()})
            progress.update("pictures", number, len(outputs), path.name)
            if not report.json:
                print_line(_describe(path, result))
    if report.json:
        print_json(done[0] if len(outputs) == 1 else {"outputs": done, "failed": failed})
    if failed:
        print_line(f"{failed} of {len(outputs)} photographs were not painted", file=sys.stderr)
        raise typer.Exit(SOME_FAILED)


def _plan(
    photos: Sequence[str], output: Path | None, style: str, inputs: Sequence[str | Path], recipe: Recipe
) -> list[tuple[str, Path]]:
    """Return each photograph's path and that of its picture. Raises OutputError, BatchError, ImageReadError."""
    from impasto.errors import OutputError
    from impasto.images.formats.encoding import FORMATS
    from impasto.images.io import check_output
    from impasto.images.listing import list_pictures
    from impasto.system.disk import check_folder

    is_folder = output is not None and (output.is_dir() or output.suffix.lower() not in FORMATS)
    folder = output if output is not None and is_folder else Path()
    outside = folder if is_folder else None
    found = [path for source in photos for path in list_pictures(source, outside, "PHOTO")]
    if output is not None and not is_folder:
        if len(found) > 1:
            raise OutputError(
                f"output {str(output)!r} is one file for {len(found)} photographs; expected a folder.",
                f"Give -o {output.with_suffix('')}.",
            )
        return [(found[0], check_output(output, inputs=[*inputs, *found], depth=recipe.depth))]
    if is_folder and not folder.exists():
        check_folder(folder.absolute().parent, f"output {str(folder)!r}")
        folder.mkdir()
    planned, seen = [], Counter[str]()
    for photo in found:
        stem = f"{Path(photo).stem}-{style}"
        seen[stem] += 1
        path = folder / f"{stem}{f'-{seen[stem]}' if seen[stem] > 1 else ''}.png"
        path = free_path(path) if output is None else path
        planned.append((photo, check_output(path, inputs=[*inputs, *found], depth=recipe.depth)))
    return planned


def _describe(path: Path, result: "OnePassResult") -> str:
    height, width = result.pastiche.shape[-2:]
    return f"{path}: {width}x{height} in {result.seconds:.1f} s"

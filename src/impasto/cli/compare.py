"""`impasto compare`: the objective and the quality figures of a finished picture."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli.options import ContentMasks, Debug, Device, Json, MaxPixels, StyleMasks, Threads, build_recipe
from impasto.cli.report import print_json, print_line, print_table
from impasto.recipe.presets import preset_names

if TYPE_CHECKING:
    from impasto.experiments.compare import Comparison


def compare(
    content_image: Annotated[Path, typer.Argument(metavar="CONTENT", help="the photograph", show_default=False)],
    style_image: Annotated[Path, typer.Argument(metavar="STYLE", help="the painting", show_default=False)],
    pastiche: Annotated[Path, typer.Argument(metavar="PASTICHE", help="the finished picture", show_default=False)],
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"whose objective: {', '.join(preset_names())}; default: the recipe inside PASTICHE, else standard",
            rich_help_panel="Recipe",
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="recipe file instead of a preset", rich_help_panel="Recipe"),
    ] = None,
    content_mask: ContentMasks = None,
    style_mask: StyleMasks = None,
    device: Device = "auto",
    threads: Threads = None,
    max_pixels: MaxPixels = 200_000_000,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure how close a picture is to its painting and its photograph.

    impasto compare photo.jpg painting.jpg pastiche.png

    Distances are measured at a long edge of 512 pixels, to which smaller pictures are enlarged;
    the objective at the pastiche's own size. With masks the style is also compared region by region.
    """
    from impasto.experiments import compare as stage

    if preset is None and recipe is None:
        chosen, source = stage.find_recipe(pastiche)
    else:
        chosen, source = build_recipe(preset, recipe, {}), f"preset {preset}" if recipe is None else str(recipe)
    comparison = stage.compare(
        content_image,
        style_image,
        pastiche,
        chosen,
        content_masks=content_mask or (),
        style_masks=style_mask or (),
        device=device,
        threads=threads,
        max_pixels=max_pixels,
    )
    if json:
        values = comparison.to_dict()
        values["objective"] = {"recipe_from": source, **values["objective"]}
        print_json({"output": str(pastiche), **values})
    else:
        print_comparison(comparison, str(pastiche), source)


def print_comparison(comparison: "Comparison", pastiche: str, source: str) -> None:
    """Print figures and objective as tables on stdout."""
    height, width = comparison.size
    print_line(f"{pastiche}: {width}x{height}")
    figures = comparison.figures
    print_table(
        ("figure", "value", ""),
        [(f.name, f"{getattr(figures, f.name):.4f}", f.metadata["help"]) for f in dataclasses.fields(figures)],
        numbers=True,
    )
    if comparison.regions:
        print_line("")
        print_table(
            ("region", "area", "style_gram", "style_moments"),
            [(r.name, f"{r.area:.1%}", f"{r.style_gram:.4f}", f"{r.style_moments:.4f}") for r in comparison.regions],
            numbers=True,
        )
    if comparison.optimised_layers:
        layers = ", ".join(comparison.optimised_layers)
        print_line(f"The recipe optimizes {layers}: figures of these layers are too good.")
    print_line("")
    shares = [(term, term.value / comparison.total if comparison.total else 0.0) for term in comparison.terms]
    origin = {"picture": "the recipe inside the picture"}.get(source, source)
    print_table(
        ("objective", "value", f"share, under {origin}"),
        [
            *((term.name, f"{term.value:.4g}", f"{share:.1%}") for term, share in shares),
            ("total", f"{comparison.total:.4g}", ""),
        ],
        numbers=True,
    )

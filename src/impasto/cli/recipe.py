"""`impasto recipe`: show, save and compare presets, recipe files and the recipes inside pictures."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.options import Debug, Json, complete
from impasto.cli.report import print_json, print_line, print_table
from impasto.recipe.presets import describe_preset, preset_names
from impasto.runs.recipes import check_recipe_output, compare_entries, describe_difference, find_entry, write_entry

SOURCES = "a preset, a TOML file, or a picture with its recipe inside"
_named: Callable[..., Any] = functools.partial(
    typer.Argument, show_default=False, autocompletion=complete(preset_names())
)
Name = Annotated[str, _named(metavar="NAME|FILE.toml|PICTURE", help=SOURCES)]

recipe = typer.Typer(name="recipe", add_completion=False, rich_markup_mode="rich")


@recipe.callback()
def describe() -> None:
    """List, show, save and compare settings: presets, files, those inside pictures.

    A preset's name wins over a file of that name; ./paper is the file.
    """


@recipe.command("list")
def list_presets(json: Json = False, debug: Debug = False) -> None:
    """List the presets."""
    if json:
        presets = [{"name": name, "description": describe_preset(name)} for name in preset_names()]
        print_json({"presets": presets})
        return
    width = max(map(len, preset_names()))
    for name in preset_names():
        print_line(f"{name:<{width}}  {describe_preset(name)}")


@recipe.command()
def show(
    name: Name,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Print all fields of a recipe as TOML.

    impasto recipe show pastiche.png
    """
    entry = find_entry(name)
    if json:
        print_json({"name": entry.name, "kind": entry.kind, "recipe": dict(entry.values)})
        return
    for line in entry.to_toml().splitlines():
        print_line(line)


@recipe.command()
def save(
    name: Name,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT.toml", help="the recipe file")],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a recipe to a TOML file, for --recipe or to edit.

    impasto recipe save pastiche.png -o mine.toml
    """
    check_recipe_output(output, name)
    entry = find_entry(name)
    write_entry(entry, output)
    if json:
        print_json({"output": str(output), "kind": entry.kind, "recipe": dict(entry.values)})
    else:
        print_line(f"{output}: the recipe of {entry.kind} {name}")


@recipe.command()
def diff(
    first: Annotated[str, _named(metavar="A", help=SOURCES)],
    second: Annotated[str, _named(metavar="B", help="the other, as A")],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Print the fields in which two recipes differ.

    impasto recipe diff standard pastiche.png
    """
    differing = compare_entries(find_entry(first), find_entry(second))
    if json:
        fields = {name: {"a": one, "b": other} for name, (one, other) in differing.items()}
        print_json({"a": first, "b": second, "fields": fields})
    elif differing:
        rows = [(name, *describe_difference(*values)) for name, values in differing.items()]
        print_table(("field", first, second), rows)
    else:
        print_line("The recipes are the same.")

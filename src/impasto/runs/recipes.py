"""Recipes of presets, TOML files and pictures: found by name, saved and compared."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from impasto.errors import OutputError, RecipeError
from impasto.recipe.fields import format_value, nearest_name
from impasto.recipe.presets import preset_names
from impasto.recipe.recipe import Recipe, field_names, format_toml
from impasto.system.disk import check_file_place, check_not_input, is_folder, path_hint, replace_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A recipe that was found: its name, its kind of source, and its fields as `Recipe.to_dict` returns them."""

    name: str
    kind: Literal["preset", "file", "picture"]
    values: Mapping[str, Any]

    def to_toml(self) -> str:
        """Return the recipe as a TOML text, under a comment that names its source."""
        return f"# {self.kind} {json.dumps(self.name)}\n{format_toml(self.values)}"


def find_entry(name: str) -> Entry:
    """Return the recipe of a preset, a TOML file or a picture. A preset's name wins over a file of that name.

    Raises RecipeError, ImageReadError (damaged metadata).
    """
    if name in preset_names():
        return Entry(name=name, kind="preset", values=Recipe.preset(name).to_dict())
    path = Path(name)
    _check_there(path, name)
    if path.suffix.lower() == ".toml":
        return Entry(name=name, kind="file", values=Recipe.read(path).to_dict())
    if (inside := recipe_inside(path)) is not None:
        return Entry(name=name, kind="picture", values=inside.to_dict())
    if not _is_text(path):
        raise RecipeError(
            f"{name!r} has no recipe inside; expected a picture that impasto wrote, or a TOML file.",
            "Use the picture as impasto wrote it: many programs drop what they do not know.",
        )
    return Entry(name=name, kind="file", values=Recipe.read(path).to_dict())


def recipe_inside(source: str | os.PathLike[str] | bytes) -> Recipe | None:
    """Return the recipe inside a picture, or None where it has none of ours. Raises RecipeError, ImageReadError."""
    from impasto.images.io import read_metadata  # brings torch, which presets and files do without

    values = (read_metadata(source) or {}).get("recipe")
    if not isinstance(values, dict):
        return None
    try:
        return Recipe.from_dict(values)
    except RecipeError as error:
        named = "the picture" if isinstance(source, bytes) else repr(os.fspath(source))
        raise RecipeError(f"the recipe inside {named} cannot be used: {error.error}", error.hint) from error


def compare_entries(first: Entry, second: Entry) -> dict[str, tuple[Any, Any]]:
    """Return the fields that differ, in the order of the recipe: the values of first and second; None if not set."""
    pairs = {name: (first.values.get(name), second.values.get(name)) for name in field_names()}
    return {name: (one, other) for name, (one, other) in pairs.items() if one != other}


def describe_difference(one: Any, other: Any) -> tuple[str, str]:
    """Return the texts of two different values, with all digits where fewer look the same."""
    texts = [format_value(tuple(value) if isinstance(value, list) else value) for value in (one, other)]
    first, second = texts if texts[0] != texts[1] else (str(one), str(other))
    return first, second


def check_recipe_output(path: str | os.PathLike[str], source: str) -> Path:
    """Return the path if a recipe from `source` can be written there. Raises OutputError."""
    path = Path(path)
    label = f"recipe {str(path)!r}"
    if path.suffix.lower() != ".toml":
        hint = f"Did you mean {str(path.with_suffix('.toml'))!r}?" if path.name else "Write recipe.toml."
        raise OutputError(f"{label} has the suffix {path.suffix!r}; expected .toml.", hint)
    if is_folder(path, label):
        raise OutputError(f"{label} is a folder; expected a file.", f"Write {str(path / 'recipe.toml')!r}.")
    check_file_place(path, label)
    check_not_input(path, label, [source])
    return path


def write_entry(entry: Entry, path: str | os.PathLike[str]) -> None:
    """Write the recipe as a TOML file, in one atomic move. Raises OutputError, DiskError."""
    path = check_recipe_output(path, entry.name)
    try:
        encoded = entry.to_toml().encode()
    except UnicodeEncodeError as error:
        raise OutputError(
            f"recipe {str(path)!r} would name a file that is not UTF-8; expected names that TOML can hold.",
            "Rename the start image or the weights, or use the picture itself.",
        ) from error
    replace_file(path, encoded)


def _check_there(path: Path, name: str) -> None:
    near: list[str] = []
    try:
        if path.is_file():
            return
        if path.is_dir():
            raise RecipeError(f"recipe {name!r} is a folder; expected a TOML file or a picture.", "Name a file in it.")
        near = [str(path.with_name(entry.name)) for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    except (OSError, ValueError) as error:  # too long, forbidden, or with a zero byte: no file either
        if isinstance(error, RecipeError):
            raise
    raise RecipeError(
        f"recipe {name!r} is neither a preset nor a file; expected {', '.join(preset_names())}, a TOML file or a "
        "picture.",
        path_hint(name, nearest_name(name, [*preset_names(), *near]).strip() or "`impasto recipe list` lists presets."),
    )


def _is_text(path: Path) -> bool:
    try:
        path.read_text("utf-8")
    except UnicodeDecodeError:
        return False
    except OSError:
        return True  # Recipe.read says what is wrong
    return True

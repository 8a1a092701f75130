"""Name a batch's pictures by a template such as "{style}/{content}.png"."""

import dataclasses
import os
import re
import sys
from collections.abc import Sequence
from pathlib import PurePath, PurePosixPath
from string import Formatter
from typing import Any

from impasto.errors import BatchError
from impasto.recipe.fields import nearest_name, shown
from impasto.recipe.recipe import Recipe, field_names
from impasto.system.disk import find_name_fault

MOST_BYTES = 255
"""Bytes of a file's name on every usual disk."""


class NameTemplate:
    """A template of names inside the batch's folder. Raises BatchError where a field is unknown.

    Fields: content and style (file names without suffix; several styles joined by +), index (1, 2, ... in the order of
    the jobs), and every field of the recipe. Formats such as "{index:05d}" are Python's.
    """

    def __init__(self, template: str) -> None:
        if not isinstance(template, str):
            raise BatchError(
                f"name template is {shown(template)}; expected a text.", "Write {content}_{style}.png, for example."
            )
        self.template = template
        known = ("content", "style", "index", *field_names())
        example = "Write {content}_{style}.png, for example."
        try:
            parsed = [(name, form or "") for _, name, form, _ in Formatter().parse(template) if name is not None]
        except ValueError as error:
            raise BatchError(
                f"name template {template!r} is malformed ({error}); expected names in braces.", example
            ) from error
        for name, form in parsed:
            if any(int(number) > MOST_BYTES for number in re.findall(r"\d+", form)):
                raise BatchError(
                    f"name template {template!r} has the format {form!r}; expected a width of at most {MOST_BYTES}.",
                    "Write {index:05d} for numbers, {content} for names.",
                )
            if name not in known:
                raise BatchError(
                    f"name template {template!r} has no field {name!r} to fill; expected content, style, index or a "
                    "field of the recipe.",
                    nearest_name(name, known) or example,
                )

    def fill(self, content: str, styles: Sequence[str], index: int, recipe: Recipe) -> str:
        """Return the name of one picture, with / between folders. Raises BatchError where it leaves the folder."""
        values: dict[str, Any] = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
        values |= {"content": PurePath(content).stem, "style": "+".join(PurePath(style).stem for style in styles)}
        values = {name: v if isinstance(v, int | float) else _to_part(v) for name, v in values.items()}
        try:
            name = self.template.format(**values, index=index)
        except (ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
            raise BatchError(
                f"name template {self.template!r} cannot be filled ({error}); expected formats that fit the values.",
                "Write {index:05d} for numbers, {content} for names.",
            ) from error
        return check_name(name, f"name template {self.template!r} gives")


def check_name(name: str, label: str) -> str:
    """Return the name of a picture inside the batch's folder. label: begins the message. Raises BatchError."""
    parts = PurePosixPath(name).parts
    if not name or name.endswith("/") or PurePath(name).is_absolute() or ".." in parts or "\0" in name:
        raise BatchError(
            f"{label} {name!r}; expected a file's name inside the output folder.", "Leave out .. and a leading /."
        )
    if fault := next(filter(None, map(find_name_fault, parts)), ""):
        raise BatchError(
            f"{label} {name!r}; Windows has no files with {fault}.", "Give --name-template {index:06d}.png."
        )
    try:
        is_long = any(len(os.fsencode(part)) > MOST_BYTES for part in parts)
    except UnicodeEncodeError as error:  # "\ud800" in JSON
        raise BatchError(f"{label} {name!r}; expected letters that a file's name can have.", "Rename it.") from error
    if is_long:
        raise BatchError(
            f"{label} {name!r}; expected names of at most {MOST_BYTES} bytes.", "Give --name-template {index:06d}.png."
        )
    return "/".join(parts)


def _to_part(value: object) -> str:
    """Return text for a name, without letters that separate folders, or that Windows does not allow."""
    text = "+".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return re.sub(r'[/\\<>:"|?*]' if sys.platform == "win32" else r"[/\\]", "-", text)

"""The kinds of recipe fields: how each parses text, checks and formats values, and refuses wrong ones."""

import dataclasses
import difflib
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from impasto.errors import KeywordError, RecipeError
from impasto.recipe.words import LAYERS, STATISTICS, split_statistic
from impasto.system.disk import to_path

Field = dataclasses.Field[Any]

LONGEST_SHOWN = 100
"""Letters of a wrong value in a message."""

PRINT_DPI = 300.0
"""Pixels per inch of a print, if the recipe has no `dpi`."""

_PRINT = re.compile(r"(\d{1,6}(?:\.\d*)?|\.\d+)(?:x(\d{1,6}(?:\.\d*)?|\.\d+))?\s*(cm|mm|in)(?:[\s-]*(wide|high))?")
_SIDE = re.compile(r"(\d{1,10})[\s-]*(wide|high)")
_UNITS_PER_INCH = {"cm": 2.54, "mm": 25.4, "in": 1.0}


def option(default: Any, kind: str, help: str, **limits: Any) -> Any:
    """Return a dataclass field of the recipe with its default, kind, help and limits."""
    return dataclasses.field(default=default, metadata={"kind": kind, "help": help, **limits})


def parse_text(field: Field, text: str) -> Any:
    """Parse a text as a value of a field. Raises RecipeError."""
    kind = field.metadata["kind"]
    if field.metadata.get("optional") and text.lower() == "none":
        return None
    try:
        return _PARSERS[kind](text.strip())
    except (ValueError, KeyError) as error:
        raise _wrong(field, text, _EXPECTED[kind]) from error


def format_value(value: Any) -> str:
    """Return the text of a value, as `parse_text` reads it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple) and value and isinstance(value[0], int):  # a size, the only pair of whole numbers
        return f"{value[1]}x{value[0]}"
    return ",".join(map(format_value, value)) if isinstance(value, tuple) else str(value)


def describe_range(field: Field) -> str:
    """Return the range of a field: "0 to 1", "above 0", "1 or more"; empty where it has no limits."""
    low, above, high = (field.metadata.get(limit) for limit in ("low", "above", "high"))
    if (among := field.metadata.get("among")) is not None:
        return ", ".join(map(str, among))
    if high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"{low:g} or more"
    return f"above {above:g}" if above is not None else ""


def nearest_name(name: str, known: Sequence[str]) -> str:
    """Return "Did you mean 'x'? " with the most similar known name, or nothing."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}? " if close else ""


def check_names(names: Iterable[str], known: Sequence[str], problem: str) -> None:
    """Accept names that are all known. problem: begins the message: "recipe has no field". Raises KeywordError."""
    for name in names:
        if name not in known:
            raise KeywordError(
                f"{problem} {name!r}; expected one of {', '.join(known)}.",
                nearest_name(str(name), known).strip() or "Choose one of these.",
            )


def shown(value: object) -> str:
    """Return a value of any kind for a message: in one line, and not too long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # a whole number of more than 4300 digits
        text = f"{type(value).__name__} too long to show"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def to_plain(value: Any) -> Any:
    """Return numbers and arrays of NumPy and torch as Python's, inside lists too; anything else as it is."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return type(value)(map(to_plain, value)) if type(value) in (list, tuple) else value


def _wrong(field: Field, value: object, expected: str) -> RecipeError:
    option_name = "--" + field.name.replace("_", "-")
    error = f"{field.name} is {shown(value)}; expected {expected}."
    return RecipeError(error, f"Change {option_name}: {_help(field)}.")


def _help(field: Field) -> str:
    return str(field.metadata["help"])


def check_value(field: Field, value: Any) -> Any:
    """Return the value as the recipe stores it; NumPy's numbers become Python's. Raises RecipeError if it is wrong."""
    value = to_plain(value)
    if value is None and field.metadata.get("optional"):
        return None
    return _CHECKS[field.metadata["kind"]](field, value)


def _check_number(field: Field, value: Any) -> float:
    low, above, high = (field.metadata.get(limit) for limit in ("low", "above", "high"))
    expected = "a finite number"
    expected += f" of at least {low:g}" if low is not None else ""
    expected += f" above {above:g}" if above is not None else ""
    expected += f" and at most {high:g}" if high is not None else ""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    if not is_number or (low is not None and value < low) or (above is not None and value <= above):
        raise _wrong(field, value, expected)
    if high is not None and value > high:
        raise _wrong(field, value, expected)
    return float(value)


def _check_integer(field: Field, value: Any) -> int:
    if (among := field.metadata.get("among")) is not None:
        if isinstance(value, bool) or not isinstance(value, int) or value not in among:
            raise _wrong(field, value, " or ".join(map(str, among)))
        return int(value)
    low, high = field.metadata["low"], field.metadata.get("high", 2**63 - 1)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        is_beyond = "high" in field.metadata or (isinstance(value, int) and value > high)
        beyond = f" and at most {high}" if is_beyond else ""
        raise _wrong(field, value, f"a whole number of at least {low}{beyond}")
    return value


def _check_choice(field: Field, value: Any) -> str:
    choices = field.metadata["choices"]
    value = field.metadata.get("aliases", {}).get(value, value) if isinstance(value, str) else value
    if not isinstance(value, str) or value not in choices:
        raise RecipeError(
            f"{field.name} is {shown(value)}; expected {' or '.join(choices)}.",
            f"{nearest_name(str(value), choices)}Change --{field.name.replace('_', '-')}: {_help(field)}.",
        )
    return str(value)


def _check_flag(field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(field, value, "true or false")
    return value


def _check_text(field: Field, value: Any) -> str:
    if isinstance(value, os.PathLike):
        value = str(to_path(value, field.name, RecipeError))
    if not isinstance(value, str) or not value:
        raise _wrong(field, value, "a name or a path")
    return value


def _check_layers(field: Field, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong(field, value, "a list of layer names")
    names = tuple(str(name).replace("relu", "conv") for name in value)
    for given, name in zip(value, names, strict=True):
        if name not in LAYERS:
            raise RecipeError(
                f"{field.name} names the layer {shown(given)}; expected names from {LAYERS[0]} to {LAYERS[-1]}.",
                f"{nearest_name(name, LAYERS)}VGG-19 has: {', '.join(LAYERS)}.",
            )
    if len(set(names)) < len(names):
        raise _wrong(field, ",".join(names), "each layer once")
    return names


def _check_numbers(field: Field, value: Any) -> tuple[float, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong(field, value, "a list of numbers")
    numbers = tuple(_check_number(field, number) for number in value)
    if numbers and not sum(numbers) > 0:
        raise _wrong(field, ",".join(map(str, numbers)), "at least one number above 0")
    return numbers


def _check_statistics(field: Field, value: Any) -> tuple[str, ...]:
    if field.metadata.get("empty") and isinstance(value, Sequence) and not value:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        raise _wrong(field, value, f"at least one of {', '.join(STATISTICS)}")
    for item in value:
        try:
            name, weight, layers = split_statistic(str(item))
        except ValueError as error:
            raise _wrong(field, item, "a name, a name:weight or a name:weight@layer+layer") from error
        if name not in STATISTICS:
            raise RecipeError(
                f"{field.name} is {name!r}; expected one of {', '.join(STATISTICS)}.",
                f"{nearest_name(name, tuple(STATISTICS))}Change --{field.name.replace('_', '-')}.",
            )
        if not math.isfinite(weight) or weight < 0:
            raise _wrong(field, item, "a finite weight of at least 0")
        for layer in layers:
            if layer not in LAYERS:
                raise _wrong(field, item, f"layers from {LAYERS[0]} to {LAYERS[-1]}")
    if not any(split_statistic(str(item))[1] > 0 for item in value):
        raise _wrong(field, ",".join(map(str, value)), "at least one weight above 0")
    return tuple(map(str, value))


def is_print(size: object) -> bool:
    """Return whether a size is a text such as "60cm", "600mm", "24in", "60cm wide", or "60x40cm", the width first."""
    found = _PRINT.fullmatch(size.strip().lower()) if isinstance(size, str) else None
    return found is not None and (found[2] is None or found[4] is None)


def print_pixels(size: str, dpi: float) -> int | str | tuple[int, int]:
    """Return the pixels of a print: its long edge, or (height, width), or a text as "7087 wide"."""
    found = _PRINT.fullmatch(size.strip().lower())
    assert found is not None
    width, height = (round(float(side or 0) / _UNITS_PER_INCH[found[3]] * dpi) for side in found.groups()[:2])
    if found[4] is not None:
        return f"{width} {found[4]}"
    return width if found[2] is None else (height, width)


def split_side(size: str) -> tuple[int, str] | None:
    """Return the pixels of a size such as "7087 wide", and "wide" or "high"; None of any other text."""
    found = _SIDE.fullmatch(size.strip().lower())
    return None if found is None else (int(found[1]), found[2])


def _check_size(field: Field, value: Any) -> int | str | tuple[int, int]:
    if value == "content":
        return "content"
    if isinstance(value, str):
        try:
            value = print_pixels(value, PRINT_DPI) if is_print(value) else _parse_size(value)
            if isinstance(value, str) and (side := split_side(value)) is not None and 1 <= side[0] < 2**31:
                return f"{side[0]} {side[1]}"
        except ValueError as error:
            raise _wrong(field, value, _EXPECTED["size"]) from error
    sides = value if isinstance(value, (tuple, list)) else (value,)
    if any(isinstance(side, int) and side >= 2**31 for side in sides):
        raise _wrong(field, value, "less than 2147483648 pixels a side")
    if any(isinstance(side, bool) or not isinstance(side, int) or side < 1 for side in sides):
        raise _wrong(field, value, _EXPECTED["size"])
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise _wrong(field, value, "one number, or (height, width)")
        return value[0], value[1]
    return int(value)


def check_written_size(size: object) -> None:
    """Accept the size in a recipe that somebody wrote: a list is height first in Python and width first elsewhere."""
    if isinstance(size, list):
        raise RecipeError(
            f"size is the list {shown(size)}, in which width and height can be mistaken for each other; expected a "
            'whole number or a text: "1024x768".',
            f'Write "{"x".join(map(str, size[:2]))}", the width first, or the long edge alone.',
        )


def _check_style_size(field: Field, value: Any) -> str | int:
    if value in ("long-edge", "same-pixels", "native"):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _wrong(field, value, "long-edge, same-pixels, native or a number of pixels")
    return value


def _check_init(field: Field, value: Any) -> str:
    text = _check_text(field, value)
    if text.startswith("#") and not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise _wrong(field, text, "a color such as #e0c040")
    return text


def _parse_flag(text: str) -> bool:
    return {"yes": True, "true": True, "no": False, "false": False}[text.lower()]


def _parse_size(text: str) -> int | str | tuple[int, int]:
    if text.lower() == "content" or is_print(text) or split_side(text) is not None:
        return text.lower()
    width, found, height = text.lower().partition("x")
    return (int(height), int(width)) if found else int(text)


def _parse_list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_CHECKS: dict[str, Callable[[Field, Any], Any]] = {
    "number": _check_number,
    "integer": _check_integer,
    "choice": _check_choice,
    "flag": _check_flag,
    "text": _check_text,
    "layers": _check_layers,
    "numbers": _check_numbers,
    "statistics": _check_statistics,
    "size": _check_size,
    "style_size": _check_style_size,
    "init": _check_init,
}

_PARSERS: dict[str, Callable[[str], Any]] = {
    "number": float,
    "integer": int,
    "choice": str,
    "flag": _parse_flag,
    "text": str,
    "layers": _parse_list,
    "statistics": _parse_list,
    "numbers": lambda text: tuple(float(part) for part in _parse_list(text)),
    "size": _parse_size,
    "style_size": lambda text: int(text) if text.lstrip("-").isdigit() else text,
    "init": str,
}

_EXPECTED = {
    "number": "a number",
    "integer": "a whole number",
    "flag": "yes or no",
    "numbers": "numbers separated by commas",
    "size": "a whole number of at least 1, two as 1024x768, content, or a print such as 60cm or 60cm-wide",
}

"""Read jobs from a list: a CSV or JSON lines file with a picture and changes of the recipe in each row."""

import csv
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from impasto.batch.jobs import Job
from impasto.batch.naming import NameTemplate, check_name
from impasto.batch.plan import check_format, check_recipe
from impasto.errors import BatchError, OutputError, RecipeError
from impasto.recipe.fields import check_written_size, nearest_name
from impasto.recipe.files import is_file
from impasto.recipe.recipe import Recipe, field_names, parse_field
from impasto.system.disk import is_address, path_hint

COLUMNS = ("content", "style", "output")

EXAMPLE = "The first line of a CSV list: content,style,output,strength."


class JobList:
    """Jobs, read anew by each iteration, which raises BatchError with the number of the row.

    path: CSV (its first row names the columns) or JSON lines (an object a line). Columns: content; style, several
    separated by ; (in JSON also an array); output, by default the template's name; any field of the recipe.
    Paths are relative to the list's folder.
    """

    def __init__(self, path: Path, template: NameTemplate, recipe: Recipe) -> None:
        if path.suffix.lower() not in (".csv", ".jsonl", ".ndjson"):
            raise BatchError(
                f"list {str(path)!r} ends in {path.suffix!r}; expected .csv or .jsonl.", "Rename it, or convert it."
            )
        self.path, self.template, self.recipe = path, template, recipe
        self._checked: set[tuple[str, int | None, str]] = set()

    def __iter__(self) -> Iterator[Job]:
        rows = self._read_csv if self.path.suffix.lower() == ".csv" else self._read_json
        count = 0
        try:
            for count, (number, values) in enumerate(rows(), start=1):
                yield self._to_job(number, count, values)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            if isinstance(error, BatchError):
                raise
            raise BatchError(
                f"list {str(self.path)!r} cannot be read ({error}); expected a text file in UTF-8.",
                path_hint(self.path, "Check its name, and save it as UTF-8."),
            ) from error
        if not count:
            raise BatchError(f"list {str(self.path)!r} has no row; expected one a picture.", EXAMPLE)

    def _read_csv(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield rows with their numbers; number 1 is the row of column names."""
        with self.path.open(newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            is_hint = first.startswith("sep=")  # as Excel writes it
            if not is_hint:
                file.seek(0)
            rows = csv.reader(file, delimiter=first[4:5] if is_hint else max(",;\t", key=first.count))
            columns = [name.strip() for name in next(rows, [])]
            self._check_columns(1 + is_hint, columns)
            for number, cells in enumerate(rows, start=2 + is_hint):
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) > len(columns):
                    self._fail(number, f"has {len(cells)} cells; expected {len(columns)}", "Put quotes around commas.")
                yield number, {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if cell.strip()}

    def _read_json(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        with self.path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    values = json.loads(line)
                except (ValueError, RecursionError) as error:
                    self._fail(number, f"is not JSON ({error})", 'Write {"content": "a.jpg", "style": "b.jpg"}.')
                if not isinstance(values, dict):
                    self._fail(number, "is no object", 'Write {"content": "a.jpg", "style": "b.jpg"}.')
                self._check_columns(number, values)
                yield number, {name: value for name, value in values.items() if value is not None}

    def _check_columns(self, number: int, columns: Any) -> None:
        known = (*COLUMNS, *field_names())
        for name in columns:
            if name not in known:
                self._fail(
                    number,
                    f"has {name!r}; expected content, style, output or a field of the recipe",
                    nearest_name(name, known).strip() or "See `impasto recipe show standard`.",
                )
        for name in ("content", "style"):
            if name not in columns:
                self._fail(number, f"has no {name!r}; expected content and style", EXAMPLE)
        if isinstance(columns, list) and len(set(columns)) < len(columns):
            self._fail(number, "names a column twice; expected each once", "Leave one out.")

    def _to_job(self, number: int, index: int, values: Mapping[str, Any]) -> Job:
        content, style = values.get("content"), values.get("style")
        styles = style.split(";") if isinstance(style, str) else style
        given = [content, *styles] if isinstance(styles, list) else [content, None]
        texts = [text.strip() for text in given if isinstance(text, str) and text.strip()]
        if len(texts) < max(2, len(given)):
            self._fail(number, "lacks a content or style; expected a path in both", "Fill them in, or delete the row.")
        for text in texts:
            if is_address(text):
                self._fail(number, f"names {text!r}; expected a file", path_hint(text, ""))
        paths = [os.path.abspath(self.path.parent / os.path.expanduser(text)) for text in texts]
        for path in paths:
            other = path.replace("\\", "/")
            if other != path and not os.path.exists(path) and os.path.exists(other):
                self._fail(number, f"names {path!r}, which does not exist", f"Did you mean {other!r}?")
        recipe = self._to_recipe(number, {name: value for name, value in values.items() if name not in COLUMNS})
        output = values.get("output")
        if output is None:
            output = self.template.fill(paths[0], paths[1:], index, recipe)
        name = check_name(str(output), f"list {str(self.path)!r}, row {number}: output is")
        self._check_kind(number, name, recipe)
        return Job(paths[0], tuple(paths[1:]), name, recipe)

    def _check_kind(self, number: int, name: str, recipe: Recipe) -> None:
        """Accept a row's format, depth and weights; each combination is checked once."""
        kind = (PurePath(name).suffix, recipe.depth, recipe.weights)
        if kind in self._checked:
            return
        from impasto.features.weights import RECORDS  # it imports torch

        if recipe.weights not in RECORDS and not is_file(recipe.weights):
            expected = f"expected {', '.join(RECORDS)} or a path"
            self._fail(number, f"has the weights {recipe.weights!r}, no known name nor a file; {expected}", "Check it.")
        try:
            check_format(name, recipe.depth)
        except OutputError as error:
            raise BatchError(f"list {str(self.path)!r}, row {number}: {error.error}", error.hint) from error
        self._checked.add(kind)

    def _to_recipe(self, number: int, values: Mapping[str, Any]) -> Recipe:
        if not values:
            return self.recipe
        is_text = self.path.suffix.lower() == ".csv"
        try:
            changes = {name: parse_field(name, value) if is_text else value for name, value in values.items()}
            check_written_size(changes.get("size"))
            recipe = self.recipe.replace(**changes)
            check_recipe(recipe)
        except RecipeError as error:
            raise BatchError(f"list {str(self.path)!r}, row {number}: {error.error}", error.hint) from error
        return recipe

    def _fail(self, number: int, what: str, hint: str) -> None:
        raise BatchError(f"list {str(self.path)!r}, row {number} {what}.", hint)

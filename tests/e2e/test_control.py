"""Every option is in the help, in the docs and in the recipe, with the same default and range."""

import dataclasses
import re
from pathlib import Path

import pytest
import typer

from impasto.cli.app import app
from impasto.recipe.fields import describe_range, format_value
from impasto.recipe.recipe import Recipe, field_names
from impasto.recipe.words import STATISTICS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "control.md").read_text("utf-8")
OPTIONS, CHINESE = ((DOCS / name).read_text("utf-8").splitlines() for name in ("options.md", "options.zh.md"))
FIELDS = (
    *("color", "recolor", "color_map", "style_scale", "style_size", "style_layers", "style_layer_weights"),
    *("content_layers", "content_layer_weights", "style_blend", "fine_layers", "frames", "frame_steps"),
)


def stylize_help() -> dict[str, str]:
    parameters = typer.main.get_command(app).commands["stylize"].params  # type: ignore[attr-defined]
    return {name: str(getattr(parameter, "help", "")) for parameter in parameters for name in parameter.opts}


def test_options_of_the_page_exist() -> None:
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) <= {*stylize_help(), "--help", "--help-all"}


@pytest.mark.parametrize("field", FIELDS)
def test_every_control_is_in_the_page_the_help_and_the_recipe(field: str) -> None:
    option = "--" + field.replace("_", "-")
    assert field in field_names()
    assert f"`{option}" in PAGE
    assert stylize_help()[option]


@pytest.mark.parametrize("field", dataclasses.fields(Recipe), ids=lambda field: field.name)
def test_every_field_is_documented_with_its_default_and_range(field: "dataclasses.Field[object]") -> None:
    option = "--" + field.name.replace("_", "-")
    default = format_value(getattr(Recipe.preset("standard"), field.name))
    limits = describe_range(field)
    choices = ", ".join(field.metadata.get("choices", ()))
    row = f"| `{option}` | {default} | {limits or choices} | {field.metadata['help']} |"
    assert sum(line.startswith(row) for line in OPTIONS) == 1, f"docs/options.md needs this row: {row}"
    rows = [line.split(" | ") for line in CHINESE if line.startswith(f"| `{option}` | {default} | ")]
    assert len(rows) == 1, f"docs/options.zh.md needs one row of {option}, default {default!r}"
    assert re.findall(r"(?<!\d)-?[\d.]+", rows[0][2]) == re.findall(r"-?[\d.]+", limits) or choices == rows[0][2]
    help = stylize_help()[option]
    assert limits in help and (default in ("", "none") or f"default: {default}" in help)
    assert all(choice in help for choice in field.metadata.get("choices", ()))


def test_the_chinese_help_names_every_statistic() -> None:
    row = re.search(r"^\| `--statistic\b.*$", (DOCS / "options.zh.md").read_text("utf-8"), re.MULTILINE)
    assert row is not None and [name for name in STATISTICS if name not in row[0]] == []
    words = (DOCS.parent / "src/impasto/studio/pages/words/recipe_zh.js").read_text("utf-8")
    values = re.search(r"^  statistic: \{.*?^  \},", words, re.MULTILINE | re.DOTALL)
    assert values is not None and [name for name in STATISTICS if f"{name}:" not in values[0]] == []


def test_every_option_is_in_the_docs() -> None:
    pages = "\n".join(page.read_text("utf-8") for page in DOCS.glob("*.md"))
    assert [name for name in stylize_help() if name[:2] == "--" and f"`{name}" not in pages] == []

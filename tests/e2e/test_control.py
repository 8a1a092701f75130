"""docs/control.md and the program tell the same: every option is in the help, in the page and in the recipe."""

import re
from pathlib import Path

import pytest
import typer

from impasto.cli.app import app
from impasto.recipe import field_names

PAGE = (Path(__file__).parents[2] / "docs" / "control.md").read_text("utf-8")
FIELDS = (
    *("color", "color_map", "style_scale", "style_size", "style_layers", "style_layer_weights"),
    *("content_layers", "content_layer_weights", "style_blend", "fine_layers", "frames", "frame_steps"),
)


def stylize_help() -> dict[str, str]:
    parameters = typer.main.get_command(app).commands["stylize"].params  # type: ignore[attr-defined]
    return {name: str(getattr(parameter, "help", "")) for parameter in parameters for name in parameter.opts}


def test_options_of_the_page_exist() -> None:
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) <= {*stylize_help(), "--help"}


@pytest.mark.parametrize("field", FIELDS)
def test_every_control_is_in_the_page_the_help_and_the_recipe(field: str) -> None:
    option = "--" + field.replace("_", "-")
    assert field in field_names()
    assert f"`{option}" in PAGE
    assert stylize_help()[option]

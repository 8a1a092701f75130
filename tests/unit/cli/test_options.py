"""Every field of the recipe is an option, and its text becomes the field."""

import dataclasses
from pathlib import Path

import pytest
import typer

from impasto.cli.app import app
from impasto.cli.options import PANELS, build_recipe, read_memory
from impasto.errors import MemoryLimitError, RecipeError
from impasto.recipe.recipe import Recipe, field_names


def options_of(command: str) -> dict[str, object]:
    group = typer.main.get_command(app)
    parameters = group.commands[command].params  # type: ignore[attr-defined]
    return {name: parameter for parameter in parameters for name in parameter.opts}


def test_every_field_is_an_option_in_a_panel() -> None:
    options = options_of("stylize")
    for field in dataclasses.fields(Recipe):
        assert f"--{field.name.replace('_', '-')}" in options
    listed = [name for names in PANELS.values() for name in names]
    assert sorted(listed) == sorted(field_names())


def test_help_of_an_option_tells_its_choices_and_default() -> None:
    options = options_of("stylize")
    help = str(getattr(options["--weights-preprocessing"], "help", ""))
    assert all(choice in help for choice in ("auto", "oxford", "torchvision"))
    assert f"default: {Recipe().size}" in str(getattr(options["--size"], "help", ""))


def test_help_of_an_option_tells_its_range() -> None:
    options = options_of("stylize")
    for name, told in (
        ("--strength", "[default: 0.5; 0 to 1]"),
        ("--style-scale", "[default: 1; 0.001 to 1000]"),
        ("--tolerance", "[default: 0; 0 to 1]"),
        ("--frames", "[default: 1; 1 or more]"),
        ("--frame-steps", "[1 or more]"),
        ("--style-blend", "[0 or more]"),
        ("--guide-dilation", "[default: 0; -32 to 32]"),
        ("--fine-layers", "[default: conv1_1,conv2_1]"),
    ):
        assert told in str(getattr(options[name], "help", "")).replace("\\[", "[")


@pytest.mark.parametrize("command", ["stylize", "rerun", "batch", "sweep"])
def test_no_option_is_there_twice(command: str) -> None:
    parameters = typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined]
    names = [name for parameter in parameters for name in parameter.opts]
    assert len(set(names)) == len(names)


def test_a_batch_has_no_options_of_masks_and_morphs() -> None:
    assert {"--frames", "--only-feather", "--region-weights", "--fine-layers"}.isdisjoint(options_of("batch"))
    assert "--strength" in options_of("batch")


def test_panels_follow_each_other_from_common_to_rare() -> None:
    """In the order of the options, as the help shows them."""
    parameters = typer.main.get_command(app).commands["stylize"].params  # type: ignore[attr-defined]
    panels = [getattr(parameter, "rich_help_panel", None) for parameter in parameters]
    assert [*dict.fromkeys(panel for panel in panels if panel)] == [
        "Recipe", "Look", "Masks", "Regions", "Losses", "Network", "File", "Optimization", "Evolution", "Machine",
        "Report",
    ]  # fmt: skip


def test_texts_change_the_preset() -> None:
    texts = {"size": "64", "style_layers": "conv1_1,relu2_1", "style_layer_weights": "", "seed": None}
    recipe = build_recipe("paper", None, texts)
    expected = Recipe.preset("paper", size=64, style_layers=("conv1_1", "conv2_1"), style_layer_weights=())
    assert recipe == expected


def test_without_preset_and_file_it_is_standard() -> None:
    assert build_recipe(None, None, {}) == Recipe()


def test_preset_and_file_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="both given"):
        build_recipe("paper", tmp_path / "mine.toml", {})


@pytest.mark.parametrize("command", ["stylize", "texture", "reconstruct", "sweep", "paper", "demo"])
def test_a_memory_limit_is_an_option(command: str) -> None:
    assert "--max-memory" in options_of(command)
    assert read_memory(None) is None
    assert read_memory("2GiB") == 2**31
    with pytest.raises(MemoryLimitError, match="'plenty'"):
        read_memory("plenty")

"""Recipes by name, in files and in pictures: found, saved, compared; and what is said where there is none."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

from impasto import Recipe, write_image
from impasto.errors import ImageReadError, ImpastoError, OutputError, RecipeError
from impasto.recipe.presets import describe_preset, preset_names
from impasto.runs.recipes import Entry, compare_entries, describe_difference, find_entry, recipe_inside, write_entry

Paint = Callable[..., Tensor]


@pytest.fixture
def folder(tmp_path: Path, picture: Paint, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with with.png, plain.png, mine.toml and a file named paper."""
    monkeypatch.chdir(tmp_path)
    recipe = Recipe(seed=3, style_layers=("conv1_1", "conv2_1")).to_dict()
    write_image(picture(), "with.png", metadata={"recipe": {**recipe, "init": "gone.png"}})
    write_image(picture(), "plain.png")
    write_image(picture(), "newer.webp", metadata={"recipe": {"format_version": 99}})
    write_image(picture(), "odd.png", metadata={"recipe": "none"})
    for name in ("mine.toml", "paper", "notes.txt"):
        Path(name).write_text("steps = 7\n", "ascii")
    Path("wrong.toml").write_text("stesp = 7\n", "ascii")
    return tmp_path


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_found_and_described_in_a_line(name: str) -> None:
    entry = find_entry(name)
    assert (entry.name, entry.kind, entry.values) == (name, "preset", Recipe.preset(name).to_dict())
    assert describe_preset(name).endswith(".") and 30 < len(describe_preset(name)) < 105


@pytest.mark.usefixtures("folder")
def test_a_presets_name_wins_over_a_file() -> None:
    assert find_entry("paper").kind == "preset"
    assert (find_entry("./paper").kind, find_entry("./paper").values["steps"]) == ("file", 7)
    assert [find_entry(name).kind for name in ("mine.toml", "notes.txt", "with.png")] == ["file", "file", "picture"]


@pytest.mark.usefixtures("folder")
def test_a_picture_has_a_recipe_even_if_its_start_image_is_gone() -> None:
    values = find_entry("with.png").values
    assert (values["seed"], values["init"], values["style_layers"]) == (3, "gone.png", ["conv1_1", "conv2_1"])
    assert list(values) == list(Recipe().to_dict())
    assert recipe_inside("plain.png") is None
    assert recipe_inside("with.png") == Recipe.from_dict(values)


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("papr", RecipeError, "'papr' is neither a preset nor a file.*Did you mean 'paper'"),
        ("mine.tolm", RecipeError, r"Did you mean 'mine\.toml'"),
        ("no/where.toml", RecipeError, "impasto recipe list"),
        ("a\0b", RecipeError, "neither a preset nor a file"),
        ("x" * 5000, RecipeError, "neither a preset nor a file"),
        (".", RecipeError, "'.' is a folder.*Name a file in it"),
        ("plain.png", RecipeError, "no recipe inside"),
        ("odd.png", RecipeError, "no recipe inside"),
        ("newer.webp", RecipeError, "inside 'newer.webp' cannot be used: .*format_version 99.*Install a newer impasto"),
        ("wrong.toml", RecipeError, "has no field 'stesp'.*Did you mean 'steps'"),
        ("empty.png", ImageReadError, "0 bytes"),
        ("damaged.png", ImageReadError, "damaged"),
    ],
)
def test_what_is_no_recipe_is_refused(name: str, error: type[ImpastoError], words: str, folder: Path) -> None:
    (folder / "empty.png").touch()
    (folder / "damaged.png").write_bytes((folder / "with.png").read_bytes().replace(b'"recipe"', b'"recipf"'))
    with pytest.raises(error, match=words) as caught:
        find_entry(name)
    assert caught.value.exit_code == 2


@pytest.mark.usefixtures("folder")
def test_a_saved_recipe_is_the_same_and_says_where_it_is_from() -> None:
    write_entry(find_entry("paper"), "saved.toml")
    assert Recipe.read("saved.toml") == Recipe.preset("paper")
    assert Path("saved.toml").read_text("utf-8").startswith('# preset "paper"\nformat_version = 1\n')
    write_entry(find_entry("with.png"), "saved.toml")
    assert Recipe.read("saved.toml") == recipe_inside("with.png")


@pytest.mark.parametrize("odd", ["a\n# b.png", 'quote".png', "\x7f.png", "\U0001f33b.png", "back\\slash.png"])
def test_odd_file_names_survive_toml(odd: str, tmp_path: Path) -> None:
    entry = Entry(name=odd, kind="file", values=Recipe(weights=odd).to_dict())
    write_entry(entry, tmp_path / "odd.toml")
    assert Recipe.read(tmp_path / "odd.toml").weights == odd


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("out.png", "suffix '.png'.*Did you mean 'out.toml'"),
        ("out", "suffix ''.*Did you mean 'out.toml'"),
        ("", "Write recipe.toml"),
        ("no/out.toml", "mkdir -p no"),
        ("mine.toml", "is the input"),
        ("deep.toml", "is a folder"),
    ],
)
def test_places_where_no_recipe_can_be_written(path: str, words: str, folder: Path) -> None:
    (folder / "deep.toml").mkdir()
    with pytest.raises(OutputError, match=words):
        write_entry(find_entry("mine.toml"), path)
    assert Path("mine.toml").read_text("ascii") == "steps = 7\n"


def test_a_name_that_is_not_utf_8_cannot_be_written(tmp_path: Path) -> None:
    entry = Entry(name="x", kind="file", values=Recipe(weights="caf\udce9.pth").to_dict())
    with pytest.raises(OutputError, match="not UTF-8"):
        write_entry(entry, tmp_path / "out.toml")
    assert not (tmp_path / "out.toml").exists()


def test_only_fields_that_differ_are_told_in_the_order_of_the_recipe() -> None:
    assert compare_entries(find_entry("paper"), find_entry("paper")) == {}
    found = compare_entries(find_entry("standard"), find_entry("draft"))
    assert found == {"steps": (120, 16), "finer_steps": (1.0, 0.7), "finest_layer": ("all", "conv3_1")}
    assert compare_entries(find_entry("standard"), find_entry("paper"))["strength"] == (0.5, None)
    assert json.loads(json.dumps(found)) == {name: list(pair) for name, pair in found.items()}


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ((0.5, None), ("0.5", "none")),
        ((True, False), ("yes", "no")),
        ((["conv1_1", "conv2_1"], []), ("conv1_1,conv2_1", "")),
        ((0.12345678, 0.12345679), ("0.12345678", "0.12345679")),
        (("64x48", 512), ("64x48", "512")),
    ],
)
def test_values_are_told_as_they_are_typed(values: tuple[object, object], texts: tuple[str, str]) -> None:
    assert describe_difference(*values) == texts

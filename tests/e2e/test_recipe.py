"""`impasto recipe`: list, show, save, diff; and color options that cannot be combined."""

import json
from pathlib import Path

import pytest

from impasto import Recipe, read_image, write_image
from impasto.cli.app import main
from impasto.recipe.presets import preset_names

FAST = ("--weights", "tiny", "--size", "64", "--steps", "2", "--first-scale", "0", "--threads", "1", "--quiet")

Capture = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("folder")


def run(capfd: Capture, *words: str) -> str:
    assert main(words) == 0
    out, err = capfd.readouterr()
    assert err == ""
    return out


def test_list_prints_a_line_for_every_preset(capfd: Capture) -> None:
    lines = run(capfd, "recipe", "list").splitlines()
    assert [line.split()[0] for line in lines] == list(preset_names())
    values = json.loads(run(capfd, "recipe", "list", "--json"))
    assert [preset["name"] for preset in values["presets"]] == list(preset_names())


def test_a_pictures_recipe_is_shown_saved_painted_again_and_compared(capfd: Capture) -> None:
    more = ("--color", "match", "--color-map", "pca", "--seed", "5")
    run(capfd, "stylize", "photo.png", "painting.png", "-o", "first.png", *FAST, *more)

    shown = run(capfd, "recipe", "show", "first.png")
    assert Recipe.from_toml(shown).replace(size=512, seed=0).color_map == "pca"
    values = json.loads(run(capfd, "recipe", "show", "first.png", "--json"))
    assert (values["name"], values["kind"], values["recipe"]["color"]) == ("first.png", "picture", "match")
    assert Recipe.from_dict(values["recipe"]) == Recipe.from_toml(shown)

    assert run(capfd, "recipe", "save", "first.png", "-o", "mine.toml").startswith("mine.toml: ")
    again = ("-o", "again.png", "--recipe", "mine.toml", "--quiet", "--threads", "1")
    run(capfd, "stylize", "photo.png", "painting.png", *again)
    assert Path("again.png").read_bytes() == Path("first.png").read_bytes()
    assert run(capfd, "recipe", "diff", "mine.toml", "again.png") == "The recipes are the same.\n"

    answer = json.loads(run(capfd, "recipe", "diff", "standard", "again.png", "--json"))
    assert (answer["a"], answer["b"]) == ("standard", "again.png")
    assert answer["fields"]["color"] == {"a": "style", "b": "match"}
    assert set(answer["fields"]) == {"weights", "size", "steps", "first_scale", "color", "color_map", "seed"}
    table = [line.split() for line in run(capfd, "recipe", "diff", "standard", "again.png").splitlines()]
    assert table[0] == ["field", "standard", "again.png"] and ["seed", "0", "5"] in table
    saved = json.loads(run(capfd, "recipe", "save", "paper", "-o", "mine.toml", "--json"))
    assert saved == {"output": "mine.toml", "kind": "preset", "recipe": Recipe.preset("paper").to_dict()}


def test_control_characters_inside_a_picture_do_not_reach_the_terminal(capfd: Capture) -> None:
    recipe = Recipe().to_dict() | {"weights": "\x1b[31mred\x07"}
    write_image(read_image("photo.png"), "odd.png", metadata={"recipe": recipe})
    for words in (("show", "odd.png"), ("diff", "odd.png", "standard")):
        assert not {"\x1b", "\x07"} & set(run(capfd, "recipe", *words))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["show"], "missing argument"),
        ([], "missing command"),
        (["shwo", "paper"], "Did you mean"),
        (["show", "papr"], "Did you mean 'paper'?"),
        (["show", "photo.png"], "no recipe inside"),
        (["save", "paper"], "missing option"),
        (["save", "paper", "-o", "out.png"], "Did you mean 'out.toml'?"),
        (["save", "paper", "-o", "photo.png"], "expected .toml"),
        (["diff", "paper", "nothing.toml"], "'nothing.toml' is neither"),
        (["diff", "paper"], "missing argument"),
    ],
)
def test_bad_input_is_one_line(words: list[str], expected: str, capfd: Capture) -> None:
    assert main(["recipe", *words]) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert expected in err
    assert main(["recipe", *words, "--json"]) == 2
    assert set(json.loads(capfd.readouterr().out)) == {"error", "hint"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["stylize", "photo.png", "painting.png", "--color", "content-lumo"], "Did you mean 'content-luma'?"),
        (["stylize", "photo.png", "painting.png", "--color-map", "pac"], "Did you mean 'pca'?"),
        (["texture", "painting.png", "--color", "match"], "expected style or oklab"),
        (["reconstruct", "photo.png", "--content-layers", "conv1_1", "--color", "oklab"], "needs a style image"),
    ],
)
def test_colors_that_cannot_be_had_are_refused_in_one_line(words: list[str], expected: str, capfd: Capture) -> None:
    assert main([*words, "-o", "out.png", "--weights", "tiny", "--size", "64", "--steps", "1"]) == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1 and expected in err
    assert not Path("out.png").exists()

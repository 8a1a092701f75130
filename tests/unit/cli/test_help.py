"""Help that fits a screen, with every option in --help-all."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from impasto.cli.app import app, main

MANY = ("stylize", "texture", "reconstruct", "sweep", "batch", "rerun", "backbone compare")


def list_commands(group: Any = None, path: str = "") -> Iterator[str]:
    yield path
    group = typer.main.get_group(app) if group is None else group
    for name, command in getattr(group, "commands", {}).items():
        yield from list_commands(command, f"{path} {name}".strip())


def read_help(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words.split()) == 0
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize("command", [*list_commands()])
def test_help_fits_a_screen(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = read_help(f"{command} --help", capsys).splitlines()
    assert 10 < len(lines) <= 45
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("command", MANY)
def test_help_all_has_every_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    few, every = read_help(f"{command} --help", capsys), read_help(f"{command} --help-all", capsys)
    found = re.search(rf"impasto {command} --help-all shows all (\d+) options", few)
    assert found is not None
    names = set(re.findall(r"│[ *]*(--[a-z-]+)", every)) - {"--help-all", "--help"}
    assert len(names) == int(found[1])
    assert set(re.findall(r"--[a-z-]+", few)) - {"--help-all", "--dpi"} <= names
    assert "--tv-weight" in every and "--tv-weight" not in few


def test_help_of_stylize_has_what_a_newcomer_needs(capsys: pytest.CaptureFixture[str]) -> None:
    text = read_help("stylize --help", capsys)
    assert re.findall(r"│ (?:-o )?(--[a-z-]+)", text) == [
        *("--output", "--preset", "--size", "--strength", "--style-scale", "--color", "--only", "--protect"),
        *("--device", "--dry-run"),
    ]
    assert len(re.findall(r"^ impasto stylize \S+ \S+", text, re.MULTILINE)) >= 2  # examples


@pytest.mark.parametrize("command", MANY)
def test_examples_of_the_help_have_known_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    few, every = read_help(f"{command} --help", capsys), read_help(f"{command} --help-all", capsys)
    examples = re.findall(rf"^ impasto {command} (?!--help-all)(\S.*)$", few, re.MULTILINE)
    assert examples
    assert set(re.findall(r"--[a-z-]+", " ".join(examples))) <= set(re.findall(r"--[a-z-]+", every))


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("stylize", "[OPTIONS] CONTENT STYLE..."),
        ("batch", "[OPTIONS] CONTENTS STYLES -o DIR"),
        ("resume", "[OPTIONS] [RUN]"),
        ("weights", "[OPTIONS] [FILE...]"),
    ],
)
def test_usage_has_what_is_needed(command: str, usage: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"Usage: impasto {command} {usage} " in " ".join(read_help(f"{command} --help", capsys).split()) + " "


def test_what_is_missing_is_shown_in_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "photos", "paintings"]) == 2
    assert "Example: impasto batch photos paintings -o out. See `impasto batch --help`." in capsys.readouterr().err
    assert main(["stylize", "photo.jpg"]) == 2
    assert "Example: impasto stylize photo.jpg starry_night.jpg." in capsys.readouterr().err


def test_commands_that_make_pictures_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    names = re.findall(r"^│ ([a-z]+)  ", read_help("--help", capsys), re.MULTILINE)
    assert names[:5] == ["stylize", "instant", "apply", "styles", "video"]
    assert {*names} == {*typer.main.get_group(app).commands} and len(names) == len({*names})

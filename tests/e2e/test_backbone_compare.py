"""`impasto backbone compare`: several networks on one sheet."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impasto import Recipe, read_image, write_image
from impasto.cli.app import main
from impasto.runs.recipes import find_entry

FAST = ("--size", "48", "--steps", "2", "--threads", "1", "--quiet")

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, picture: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with photo.png, painting.png and another tiny network, mine.pth."""
    write_image(picture(48, 64, 1), tmp_path / "photo.png")
    write_image(picture(50, 40, 2), tmp_path / "painting.png")
    monkeypatch.chdir(tmp_path)
    assert main(["backbone", "convert", "tiny", "-o", "mine.pth", "--scale", "2"]) == 0
    return tmp_path


def compare(capfd: Capture, *words: str) -> dict[str, object]:
    capfd.readouterr()
    assert main(["backbone", "compare", *words, "-o", "sheet.png", *FAST, "--json"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    values = json.loads(out)
    assert isinstance(values, dict)
    return values


def test_every_network_paints_one_panel_of_the_sheet(capfd: Capture) -> None:
    values = compare(capfd, "tiny", "mine.pth", "photo.png", "painting.png")
    assert values["steps"] == 4
    rows = values["backbones"]
    assert [(row["name"], row["architecture"], row["width"]) for row in rows] == [  # type: ignore[attr-defined]
        ("tiny", "vgg19", 1 / 16),
        ("mine.pth", "vgg19", 1 / 16),
    ]
    panels = [Path("sheet_panels/1_tiny.png"), Path("sheet_panels/2_mine.pth.png")]
    assert not torch.equal(*(read_image(panel) for panel in panels))
    sheet = read_image("sheet.png")
    assert values["size"] == {"width": sheet.shape[-1], "height": sheet.shape[-2]}
    assert sheet.shape[-1] > 4 * 48  # photograph, painting, two panels
    assert json.loads(Path("sheet.json").read_text("utf-8")) == values
    assert values["recipe"]["rescaled_network"] is True  # type: ignore[index]


def test_networks_are_rescaled_and_the_recipe_is_in_the_panel(capfd: Capture) -> None:
    compare(capfd, "mine.pth", "photo.png", "painting.png", "--strength", "0.7")
    recipe = Recipe.from_dict(find_entry("sheet_panels/1_mine.pth.png").values)
    assert recipe == Recipe(weights="mine.pth", rescaled_network=True, strength=0.7, size=48, steps=2)


def test_a_second_call_paints_nothing_again(capfd: Capture) -> None:
    first = compare(capfd, "tiny", "photo.png", "painting.png")
    assert compare(capfd, "tiny", "photo.png", "painting.png") == first
    assert compare(capfd, "tiny", "mine.pth", "photo.png", "painting.png")["seconds"] != first["seconds"]


def test_the_files_are_reported(capfd: Capture) -> None:
    capfd.readouterr()
    assert main(["backbone", "compare", "tiny", "photo.png", "painting.png", "-o", "sheet.png", *FAST]) == 0
    assert capfd.readouterr().out == "sheet.png: 1 networks, each a file in sheet_panels; losses in sheet.json\n"


BAD = {
    "no network": (["photo.png", "painting.png"], "expected networks, a photograph and a painting"),
    "unknown network": (["tyni", "photo.png", "painting.png"], "weights 'tyni' are neither"),
    "pictures first": (["photo.png", "painting.png", "tiny"], "'tiny' does not exist"),
    "twice": (["tiny", "tiny", "photo.png", "painting.png"], "given 2 times"),
    "over a network": (["mine.pth", "photo.png", "painting.png", "-o", "mine.pth"], "suffix"),
    "over an input": (["tiny", "photo.png", "painting.png", "-o", "painting.png"], "is the input"),
    "no such option": (["tiny", "photo.png", "painting.png", "--weights", "oxford"], "--weights"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_before_slow_work(capfd: Capture, name: str) -> None:
    words, expected = BAD[name]
    capfd.readouterr()
    output = [] if "-o" in words else ["-o", "sheet.png"]
    assert main(["backbone", "compare", *words, *output, *FAST]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and expected in err
    assert not Path("sheet.png").exists() and not list(Path().glob("*_panels/*"))

"""`impasto apply` as a person meets it: one photograph, or many, some of them broken."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impasto import read_image, write_image
from impasto.cli.app import main
from impasto.fast.model import Model, to_icon
from impasto.fast.network import Architecture, Network
from impasto.recipe.recipe import Recipe


@pytest.fixture
def model(folder: Path, picture: Callable[..., Tensor]) -> Path:
    """The working folder, with two.safetensors and its styles "calm" and "rough"."""
    network = Network(Architecture(width=4, blocks=1), 2)
    network.initialize(torch.Generator().manual_seed(0))
    icons = (to_icon(picture(50, 40, 20)),) * 2
    made = Model(network=network, names=("calm", "rough"), icons=icons, look=Recipe())
    made.write(folder / "two.safetensors")
    return folder


def test_one_photograph(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["apply", "two.safetensors", "photo.png"]) == 0
    assert capsys.readouterr().out.startswith("photo-calm.png: 64x48 in ")
    assert main(["apply", "two.safetensors", "photo.png", "--style", "rough", "-o", "out.png", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["output"], report["size"]) == ("out.png", {"width": 64, "height": 48})
    assert report["network"]["styles"] == {"rough": 1.0} and "steps" not in report
    assert main(["apply", "two.safetensors", "photo.png", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("photo-calm-2.png: ")
    assert main(["rerun", "out.png", "-o", "again.png"]) == 2
    assert "Paint it again: impasto apply two.safetensors photo.png --style rough\n" in capsys.readouterr().err


def test_many_photographs(model: Path, capsys: pytest.CaptureFixture[str], picture: Callable[..., Tensor]) -> None:
    Path("photos").mkdir()
    for name in ("a.png", "a.jpg", "b.png"):
        write_image(picture(30, 20), Path("photos") / name)
    Path("photos/broken.png").write_bytes(b"x")
    assert main(["apply", "two.safetensors", "photos", "photo.png", "-o", "out", "--json"]) == 3
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    names = ["a-calm.png", "a-calm-2.png", "b-calm.png", "photo-calm.png"]
    assert [Path(entry["output"]) for entry in report["outputs"]] == [Path("out", name) for name in names]
    assert "broken.png" in printed.err and "1 of 5 photographs were not painted" in printed.err
    assert read_image("out/b-calm.png").shape == (1, 3, 30, 20)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.safetensors", "photo.png"), "model 'nowhere.safetensors' does not exist"),
        (("photo.png", "photo.png"), "is no safetensors file"),
        (("two.safetensors", "photo.png", "--style", "clam"), "expected one of calm, rough"),
        (("two.safetensors", "nowhere.png"), "nowhere.png"),
        (("two.safetensors", "photo.png", "painting.png", "-o", "out.png"), "is one file for 2 photographs"),
        (("two.safetensors", "photo.png", "-o", "photo.png"), "is the input"),
        (("two.safetensors", "photo.png", "-o", "nowhere/out.png"), "does not exist"),
        (("two.safetensors", "photo.png", "--size", "100x50"), "size"),
    ],
)
def test_mistakes_end_with_2_and_one_line(
    arguments: tuple[str, ...], message: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    assert main(["apply", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err and len(err.splitlines()) == 1
    assert before == {path.name: path.read_bytes() for path in model.iterdir()}


def test_shipped_styles_are_listed_and_painted_by_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["styles", "--json"]) == 0
    (name, *_), *_ = [(each["name"], each["title"]) for each in json.loads(capsys.readouterr().out)["styles"]]
    assert name == "starry-night"
    assert main(["styles"]) == 0
    assert "Vincent van Gogh, The Starry Night (1889)\n" in capsys.readouterr().out
    assert main(["apply", name, "photo.png"]) == 0
    assert capsys.readouterr().out.startswith("photo-starry-night.png: 64x48 in ")
    assert main(["rerun", "photo-starry-night.png", "-o", "again.png"]) == 2
    assert "Paint it again: impasto apply starry-night photo.png --style starry-night\n" in capsys.readouterr().err
    assert main(["apply", "stary-night", "photo.png"]) == 2
    assert "does not exist" in (error := capsys.readouterr().err) and "Did you mean 'starry-night'?" in error

"""`impasto backbone convert`, and its files as --weights of every command."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from impasto import read_image, write_image
from impasto.cli.app import main
from impasto.features.architecture import layers_of
from impasto.features.weights import load_weights

FILES = ("tiny.safetensors", "tiny.pth")
FAST = ("--size", "32", "--steps", "2", "--threads", "1", "--quiet")

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, picture: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with photo.png and painting.png."""
    write_image(picture(48, 64, 1), tmp_path / "photo.png")
    write_image(picture(50, 40, 2), tmp_path / "painting.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capfd: Capture, *words: str) -> str:
    assert main(words) == 0
    out, err = capfd.readouterr()
    assert err == ""
    return out


def convert(capfd: Capture, *words: str) -> dict[str, object]:
    values = json.loads(run(capfd, "backbone", "convert", *words, "--json"))
    assert isinstance(values, dict)
    return values


def test_a_converted_network_paints_the_same(capfd: Capture) -> None:
    source = "tiny"
    for name in FILES:
        values = convert(capfd, source, "-o", name)
        assert (values["output"], values["architecture"], values["width"]) == (name, "vgg19", 1 / 16)
        source = name
    pictures = []
    for name in ("tiny", *FILES):
        run(capfd, "stylize", "photo.png", "painting.png", "-o", "out.png", "--weights", name, *FAST)
        pictures.append(read_image("out.png"))
    assert all(torch.equal(picture, pictures[0]) for picture in pictures)


@pytest.mark.parametrize(
    "words",
    [
        ["texture", "painting.png", "-o", "out.png"],
        ["reconstruct", "photo.png", "--content-layers", "conv2_1", "-o", "out.png"],
        ["sweep", "photo.png", "painting.png", "-o", "out.png", "--rows", "seed=0", "--columns", "content_weight=1,2"],
        ["stylize", "photo.png", "painting.png", "-o", "out.png", "--preset", "paper"],
        ["stylize", "photo.png", "painting.png", "-o", "out.png", "--dry-run"],
    ],
    ids=lambda words: words[0],
)
def test_such_a_file_serves_everywhere(capfd: Capture, words: list[str]) -> None:
    """sweep and the preset paper rescale the network, for which nothing is shipped."""
    convert(capfd, "tiny", "-o", "tiny.pth")
    run(capfd, *words, "--weights", "tiny.pth", *FAST)


def test_the_input_and_the_license_are_given_where_a_file_does_not_tell_them(capfd: Capture) -> None:
    convert(capfd, "tiny", "-o", "tiny.pth")
    torch.save(dict(torch.load("tiny.pth", weights_only=True)), "bare.pth")  # without our note
    assert main(["backbone", "convert", "bare.pth", "-o", "mine.safetensors"]) == 2
    assert "--channel-order, --scale, --mean and --std" in capfd.readouterr().err
    given = ("--channel-order", "bgr", "--scale", "255", "--mean", "1,2,3", "--license", "CC0")
    values = convert(capfd, "bare.pth", "-o", "mine.safetensors", *given)
    assert (values["input"], values["license"]) == ("BGR, 0..255, minus (1, 2, 3)", "CC0")
    values = convert(capfd, "mine.safetensors", "-o", "mine.pth", "--std", "4,5,6")
    assert values["input"] == "BGR, 0..255, minus (1, 2, 3), divided by (4, 5, 6)"
    record = load_weights("mine.pth").record
    assert record.preprocessing.describe() == values["input"]
    rows = json.loads(run(capfd, "weights", "mine.pth", "--json"))["weights"]
    assert (rows[0]["sha256"], rows[0]["license"], rows[0]["intact"]) == (record.sha256, "CC0", True)
    assert "BGR, 0..255" in run(capfd, "weights", "mine.pth")


def test_the_written_file_is_reported(capfd: Capture) -> None:
    out = run(capfd, "backbone", "convert", "tiny", "-o", "old.bin", "--to", "torchvision", "--drop-classifier")
    assert out.startswith("old.bin: vgg19 of width 0.0625, no classifier, as torchvision\n")
    assert "RGB" in out and "sha256" in out


def test_a_file_that_stands_is_replaced_whole(capfd: Capture) -> None:
    Path("tiny.pth").write_bytes(b"something else")
    convert(capfd, "tiny", "-o", "tiny.pth")
    assert load_weights("tiny.pth").record.architecture == "vgg19"
    assert sorted(path.name for path in Path().iterdir()) == ["painting.png", "photo.png", "tiny.pth"]


def test_layers_that_the_network_lacks_are_refused_before_slow_work(capfd: Capture) -> None:
    layers = load_weights("tiny").layers
    state = {
        f"{name}.{part}": tensor
        for name in layers_of("vgg16")
        for part, tensor in zip(("weight", "bias"), layers[name], strict=True)
    }
    torch.save(state, "vgg16.pth")
    words = ["stylize", "photo.png", "painting.png", "-o", "out.png", "--weights", "vgg16.pth", *FAST]
    words += ["--weights-preprocessing", "torchvision"]
    assert main([*words, "--content-layers", "conv4_4"]) == 2
    error = capfd.readouterr().err
    assert "layer 'conv4_4' is not in vgg16; expected one of conv1_1" in error and "conv4_3" in error
    run(capfd, *words, "--content-layers", "conv4_3")


BAD = {
    "no such file": (["nothing.pth", "-o", "a.pth"], "neither a known name nor a file"),
    "no such folder": (["tiny", "-o", "no/a.pth"], "does not exist"),
    "unknown suffix": (["tiny", "-o", "a.bin"], "--to"),
    "unknown container": (["tiny", "-o", "a.pth", "--to", "tensorflow"], "torchvision"),
    "only read": (["tiny", "-o", "a.mat"], "only read; written are safetensors (.safetensors) or torchvision"),
    "over itself": (["tiny.pth", "-o", "tiny.pth"], "is the input"),
    "a folder": (["tiny", "-o", ".", "--to", "torchvision"], "is a folder"),
    "mean of two": (["tiny.pth", "-o", "a.pth", "--mean", "1,2"], "three numbers"),
    "order": (["tiny.pth", "-o", "a.pth", "--channel-order", "gbr"], "RGB or BGR"),
    "std of 0": (["tiny.pth", "-o", "a.pth", "--std", "0,1,1"], "above 0"),
    "scale of nothing": (["tiny.pth", "-o", "a.pth", "--scale", "nan"], "finite"),
    "a picture": (["photo.png", "-o", "a.pth"], "photo.png"),
    "missing layers": (["lacking.safetensors", "-o", "a.pth"], "lacks conv2_1, conv5_4"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_with_a_hint(capfd: Capture, name: str) -> None:
    words, expected = BAD[name]
    convert(capfd, "tiny", "-o", "tiny.pth")
    convert(capfd, "tiny", "-o", "tiny.safetensors")
    _without_layers("tiny.safetensors", "lacking.safetensors", ("conv2_1", "conv5_4"))
    before = {path.name for path in Path().iterdir()}
    assert main(["backbone", "convert", *words]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and expected in err
    assert {path.name for path in Path().iterdir()} == before


def _without_layers(source: str, path: str, names: tuple[str, ...]) -> None:
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(source, framework="np") as file:
        kept: dict[str, np.ndarray] = {k: file.get_tensor(k) for k in file.keys() if k.split(".")[0] not in names}  # noqa: SIM118
        save_file(kept, path, metadata=file.metadata())

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

FILES = ("tiny.safetensors", "tiny.pth", "tiny.mat", "tiny.h5", "tiny.caffemodel")
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


def test_a_network_goes_through_every_container_and_paints_the_same(capfd: Capture) -> None:
    source, pictures = "tiny", []
    for name in FILES:
        values = convert(capfd, source, "-o", name)
        assert (values["output"], values["architecture"], values["width"]) == (name, "vgg19", 1 / 16)
        source = name
    run(capfd, "stylize", "photo.png", "painting.png", "-o", "named.png", "--weights", "tiny", *FAST)
    for name in FILES:
        run(capfd, "stylize", "photo.png", "painting.png", "-o", "filed.png", "--weights", name, *FAST)
        pictures.append(read_image("filed.png"))
    assert all(torch.equal(picture, read_image("named.png")) for picture in pictures)


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
    convert(capfd, "tiny", "-o", "tiny.caffemodel")
    run(capfd, *words, "--weights", "tiny.caffemodel", *FAST)


def test_the_input_and_the_license_are_given_where_a_file_does_not_tell_them(capfd: Capture) -> None:
    convert(capfd, "tiny", "-o", "tiny.pth")
    torch.save(dict(torch.load("tiny.pth", weights_only=True)), "bare.pth")  # without our note
    assert main(["backbone", "convert", "bare.pth", "-o", "mine.h5"]) == 2
    assert "--channel-order, --scale, --mean and --std" in capfd.readouterr().err
    given = ("--channel-order", "bgr", "--scale", "255", "--mean", "1,2,3", "--license", "CC0")
    values = convert(capfd, "bare.pth", "-o", "mine.h5", *given)
    assert (values["input"], values["license"]) == ("BGR, 0..255, minus (1, 2, 3)", "CC0")
    values = convert(capfd, "mine.h5", "-o", "mine.mat", "--std", "4,5,6")
    assert values["input"] == "RGB, 0..255, minus (3, 2, 1), divided by (6, 5, 4)"  # MatConvNet's order
    record = load_weights("mine.mat").record
    assert record.preprocessing.describe() == "BGR, 0..255, minus (1, 2, 3), divided by (4, 5, 6)"
    rows = json.loads(run(capfd, "weights", "mine.mat", "--json"))["weights"]
    assert (rows[0]["sha256"], rows[0]["license"], rows[0]["intact"]) == (record.sha256, "CC0", True)
    assert "RGB" not in run(capfd, "weights", "mine.mat")


def test_people_are_told_what_was_written(capfd: Capture) -> None:
    out = run(capfd, "backbone", "convert", "tiny", "-o", "old.bin", "--to", "caffe-v1", "--drop-classifier")
    assert out.startswith("old.bin: vgg19 of width 0.0625, no classifier, as caffe-v1\n")
    assert "RGB" not in out and "sha256" in out  # Caffe takes BGR


def test_a_file_that_stands_is_replaced_whole(capfd: Capture) -> None:
    Path("tiny.h5").write_bytes(b"something else")
    convert(capfd, "tiny", "-o", "tiny.h5")
    assert load_weights("tiny.h5").record.architecture == "vgg19"
    assert sorted(path.name for path in Path().iterdir()) == ["painting.png", "photo.png", "tiny.h5"]


def test_layers_that_the_network_lacks_are_told_before_slow_work(capfd: Capture) -> None:
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
    "no such file": (["nothing.pth", "-o", "a.mat"], "neither a known name nor a file"),
    "no such folder": (["tiny", "-o", "no/a.mat"], "does not exist"),
    "unknown suffix": (["tiny", "-o", "a.bin"], "--to"),
    "unknown container": (["tiny", "-o", "a.h5", "--to", "tensorflow"], "torchvision"),
    "over itself": (["tiny.pth", "-o", "tiny.pth"], "is the input"),
    "a folder": (["tiny", "-o", ".", "--to", "keras"], "is a folder"),
    "mean of two": (["tiny.pth", "-o", "a.mat", "--mean", "1,2"], "three numbers"),
    "order": (["tiny.pth", "-o", "a.mat", "--channel-order", "gbr"], "RGB or BGR"),
    "std of 0": (["tiny.pth", "-o", "a.mat", "--std", "0,1,1"], "above 0"),
    "scale of nothing": (["tiny.pth", "-o", "a.mat", "--scale", "nan"], "finite"),
    "a picture": (["photo.png", "-o", "a.mat"], "photo.png"),
    "missing layers": (["lacking.safetensors", "-o", "a.mat"], "lacks conv2_1, conv5_4"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_with_its_mend(capfd: Capture, name: str) -> None:
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

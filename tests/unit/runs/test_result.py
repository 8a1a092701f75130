"""A result on its way to the disk, with what its photograph carried."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import impasto
from impasto.images.formats.tiff import encode_tiff
from impasto.images.io import read_picture

FAST = impasto.Recipe(weights="tiny", size=40, steps=2, style_layers=("conv1_1",), content_layers=("conv2_1",))


@pytest.fixture
def photograph(tmp_path):
    """A 16-bit RGBA TIFF on its side (orientation 6), with a copyright and a transparent corner."""
    levels = np.full((40, 30, 4), 40_000, np.uint16)
    levels[..., 0] = np.linspace(10_000, 12_000, 40)[:, None]
    levels[..., 3] = 65_535
    levels[:9, :9, 3] = np.arange(81).reshape(9, 9) * 700
    exif = Image.Exif()
    exif[33432] = "(c) Ann"
    tags = {274: 6}
    path = tmp_path / "photograph.tif"
    path.write_bytes(encode_tiff(levels, profile=b"", exif=exif.tobytes(), tags=tags).getvalue())
    return path


def test_a_whole_picture_goes_in_and_comes_out(tmp_path, photograph, picture):
    pytest.importorskip("imagecodecs")
    result = impasto.stylize(photograph, picture(32, 32), FAST)
    result.save(tmp_path / "out.tif")
    before = read_picture(photograph).carried
    read = read_picture(tmp_path / "out.tif")
    color, after = read.image, read.carried
    assert before.alpha.shape == (1, 1, 30, 40) and before.alpha[0, 0, :9, -9:].min() == 0
    assert torch.equal(after.alpha, before.alpha) and after.depth == 16
    assert after.exif == before.exif and b"(c) Ann" in after.exif
    seen = after.alpha == 1
    assert (color - result.pastiche)[seen.expand_as(color)].abs().max() <= 1 / 65535


def test_hidden_pixels_do_not_reach_the_pastiche(picture):
    pixels = np.round(picture(40, 40)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    alpha = np.full((40, 40, 1), 255, np.uint8)
    alpha[:10, :10] = 0
    noisy = pixels.copy()
    noisy[:10, :10] = np.random.default_rng(0).integers(0, 256, (10, 10, 3))
    results = [impasto.stylize(np.dstack([p, alpha]), picture(32, 32), FAST) for p in (pixels, noisy)]
    assert torch.equal(results[0].pastiche, results[1].pastiche)


def test_strip_and_depth_are_handed_on(tmp_path, photograph, picture):
    result = impasto.stylize(photograph, picture(32, 32), FAST)
    result.save(tmp_path / "out.png", depth=8, strip=True)
    carried = read_picture(tmp_path / "out.png").carried
    assert carried.exif is None and carried.depth == 8 and impasto.read_metadata(tmp_path / "out.png")["seed"] == 0


def test_a_finished_picture_is_saved_though_a_file_of_its_recipe_is_gone(tmp_path, picture):
    start = tmp_path / "start.png"
    impasto.write_image(picture(40, 40), start)
    result = impasto.stylize(picture(40, 40), picture(32, 32), FAST.replace(init=str(start)))
    start.unlink()
    result.save(tmp_path / "out.png", strip=True)
    assert impasto.read_metadata(tmp_path / "out.png")["recipe"]["strip"] is True


def test_how_the_file_is_written_is_in_its_recipe(tmp_path, photograph, other_profile, picture):
    """Read from the recipe, and what `save` is given instead is what the file tells."""
    result = impasto.stylize(photograph, picture(32, 32), FAST.replace(depth=8, strip=True))
    result = replace(result, carried=replace(result.carried, profile=other_profile))
    for name, given, told in (
        ("said.png", {}, {"depth": 8, "keep_profile": False, "strip": True}),
        ("given.png", {"keep_profile": True, "strip": False}, {"depth": 8, "keep_profile": True, "strip": False}),
    ):
        result.save(tmp_path / name, **given)
        carried = read_picture(tmp_path / name).carried
        inside = impasto.read_metadata(tmp_path / name)["recipe"]
        assert {field: inside[field] for field in told} == told
        assert (carried.exif is None, carried.depth) == (told["strip"], 8)
        with Image.open(tmp_path / name) as written:
            assert (written.info["icc_profile"] == other_profile) == told["keep_profile"]

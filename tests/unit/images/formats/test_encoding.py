"""What a photograph carries, from its file into the file of a pastiche."""

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.errors import OutputError
from impasto.images.formats.profiles import is_srgb
from impasto.images.io import check_output, read_metadata, read_picture, write_image

FILES = [(".png", 8), (".tif", 8), (".webp", 8), (".jpg", 8), (".png", 16), (".tif", 16)]


def photograph(path, mode="RGB", **options):
    """A file with copyright, orientation 6 and, in RGBA, every alpha; returns its upright pixels."""
    pixels = np.random.default_rng(0).integers(60, 200, (16, 16, len(mode)), dtype=np.uint8)
    if mode == "RGBA":
        pixels[..., 3] = np.arange(256).reshape(16, 16)
    exif = Image.Exif()
    exif[33432], exif[0x0112] = "(c) Ann", 6
    exif[0x8825] = {1: "N", 2: (1.0, 2.0, 3.0)}
    Image.fromarray(pixels).save(path, exif=exif, **options)
    return np.rot90(pixels, -1)


def opened(path):
    picture = Image.open(path)
    picture.load()
    return picture


@pytest.mark.parametrize(("suffix", "depth"), FILES)
def test_srgb_profile_exif_and_metadata_are_in_every_file(tmp_path, suffix, depth):
    photograph(tmp_path / "in.png")
    read = read_picture(tmp_path / "in.png")
    image, carried = read.image, read.carried
    out = tmp_path / f"out{suffix}"
    write_image(image, out, carried=carried, depth=depth, metadata={"seed": 3})
    picture = opened(out)
    assert is_srgb(picture.info["icc_profile"]) and read_metadata(out) == {"seed": 3}
    exif = picture.getexif()
    assert exif[33432] == "(c) Ann" and 0x0112 not in exif and exif.get_ifd(0x8825)[1] == "N"
    write_image(image, out, carried=carried, depth=depth, metadata={"seed": 3}, strip=True)
    assert 33432 not in opened(out).getexif() and read_metadata(out) == {"seed": 3}


@pytest.mark.parametrize("strip", [False, True])
@pytest.mark.parametrize(("suffix", "depth"), FILES)
def test_resolution_is_in_every_file(tmp_path, suffix, depth, strip):
    photograph(tmp_path / "in.png", dpi=(72, 72))
    read = read_picture(tmp_path / "in.png")
    out = tmp_path / f"out{suffix}"
    write_image(read.image, out, carried=read.carried, depth=depth, dpi=300, strip=strip)
    picture = opened(out)
    exif = picture.getexif()
    if suffix != ".webp":  # Pillow reads it from EXIF there
        assert [float(each) for each in picture.info["dpi"]] == pytest.approx([300, 300], abs=0.01)
    if 282 in exif or suffix == ".webp":
        assert (float(exif[282]), float(exif[283]), exif[296]) == (300, 300, 2)
    assert (33432 in exif) is not strip
    assert strip or exif.get_ifd(0x8825)[1] == "N"


@pytest.mark.parametrize(("suffix", "depth"), [file for file in FILES if file[0] != ".jpg"])
def test_alpha_comes_back_exactly(tmp_path, caplog, suffix, depth):
    upright = photograph(tmp_path / "in.png", "RGBA")
    read = read_picture(tmp_path / "in.png")
    image, carried = read.image, read.carried
    write_image(image, tmp_path / f"out{suffix}", carried=carried, depth=depth)
    assert (np.asarray(opened(tmp_path / f"out{suffix}"))[..., 3] == upright[..., 3]).all()
    assert not caplog.records


def test_alpha_follows_the_size_of_the_picture(tmp_path):
    photograph(tmp_path / "in.png", "RGBA")
    carried = read_picture(tmp_path / "in.png").carried
    write_image(torch.zeros(1, 3, 8, 8), tmp_path / "out.png", carried=carried)
    assert opened(tmp_path / "out.png").mode == "RGBA"


def test_jpeg_has_no_alpha(tmp_path, caplog):
    photograph(tmp_path / "in.png", "RGBA")
    carried = read_picture(tmp_path / "in.png").carried
    write_image(torch.zeros(1, 3, 16, 16), tmp_path / "out.jpg", carried=carried)
    grey = np.asarray(opened(tmp_path / "out.jpg")).astype(int)[..., 0]
    assert np.abs(grey - np.rot90(255 - np.arange(256).reshape(16, 16), -1)).max() <= 6
    assert len(caplog.records) == 1 and "white" in caplog.text and "out.jpg" in caplog.text


@pytest.mark.parametrize("depth", [8, 16])
def test_the_photographs_profile_is_kept_on_demand(tmp_path, caplog, other_profile, depth):
    if depth == 16:
        pytest.importorskip("imagecodecs")
    upright = photograph(tmp_path / "in.png", icc_profile=other_profile)
    read = read_picture(tmp_path / "in.png")
    image, carried = read.image, read.carried
    assert (image[0, 0] - torch.from_numpy(upright[..., 1] / 255)).abs().max() < 0.02  # red has green's place
    write_image(image, tmp_path / "out.png", carried=carried, keep_profile=True, depth=depth)
    picture = opened(tmp_path / "out.png")
    assert picture.info["icc_profile"] == other_profile and not caplog.records
    assert np.abs(np.asarray(picture).astype(int) - upright).max() <= 2
    again = read_picture(tmp_path / "out.png").image
    assert (again - image).abs().max() <= 2 / 255


def test_a_profile_that_cannot_be_kept_is_told(tmp_path, caplog):
    photograph(tmp_path / "in.png", icc_profile=b"no profile")
    read = read_picture(tmp_path / "in.png")
    image, carried = read.image, read.carried
    caplog.clear()
    write_image(image, tmp_path / "out.png", carried=carried, keep_profile=True)
    assert is_srgb(opened(tmp_path / "out.png").info["icc_profile"])
    assert len(caplog.records) == 1 and "sRGB" in caplog.text


def test_our_own_profile_is_not_converted_again(tmp_path):
    image = torch.arange(256).reshape(1, 1, 16, 16).repeat(1, 3, 1, 1) / 255
    write_image(image, tmp_path / "a.png")
    read = read_picture(tmp_path / "a.png")
    again, carried = read.image, read.carried
    assert torch.equal(again, image) and carried.depth == 8


def test_depth_16_is_for_formats_that_hold_it(tmp_path):
    for name in ("a.jpg", "a.webp"):
        with pytest.raises(OutputError, match="--depth 16; only PNG and TIFF"):
            check_output(tmp_path / name, inputs=(), depth=16)
    with pytest.raises(OutputError, match="depth is 12; expected 8 or 16"):
        check_output(tmp_path / "a.png", inputs=(), depth=12)
    check_output(tmp_path / "a.png", inputs=(), depth=16)


def test_exif_beyond_a_jpeg_is_left_out(tmp_path, caplog):
    exif = Image.Exif()
    exif[270] = "x" * 70_000
    Image.new("RGB", (16, 16)).save(tmp_path / "in.png", exif=exif)
    read = read_picture(tmp_path / "in.png")
    image, carried = read.image, read.carried
    write_image(image, tmp_path / "out.jpg", carried=carried)
    assert "EXIF" in caplog.text and not opened(tmp_path / "out.jpg").getexif()


@pytest.mark.parametrize("strip", [False, True])
@pytest.mark.parametrize("source", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize(("suffix", "depth"), FILES)
def test_the_photographs_resolution_is_in_every_file(tmp_path, suffix, depth, source, strip):
    exif = Image.Exif()
    exif.update({33432: "(c) Ann", 282: 300.0, 283: 150.0, 296: 2})
    options = {"exif": exif} if source == ".webp" else {"dpi": (300, 150)}
    Image.new("RGB", (8, 8)).save(tmp_path / f"in{source}", **options)
    carried = read_picture(tmp_path / f"in{source}").carried
    write_image(torch.zeros(1, 3, 8, 8), tmp_path / f"out{suffix}", carried=carried, depth=depth, strip=strip)
    assert read_picture(tmp_path / f"out{suffix}").carried.dpi == (300, 150)
    if suffix != ".webp":  # which states it in EXIF alone
        assert opened(tmp_path / f"out{suffix}").info["dpi"] == pytest.approx((300, 150), abs=0.02)

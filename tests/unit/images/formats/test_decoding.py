"""Formats that come with plugins, and pictures of several frames."""

import importlib.util
import sys
import types

import numpy as np
import pytest
from PIL import Image, features

from impasto.errors import ImageReadError, ImageSizeError
from impasto.images.formats import decoding
from impasto.images.formats.profiles import srgb_profile
from impasto.images.io import read_image, read_picture

RED, BLUE = (255, 0, 0), (0, 0, 255)
needs_heif = pytest.mark.skipif(importlib.util.find_spec("pillow_heif") is None, reason="no pillow-heif")
needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")


@pytest.fixture(autouse=True)
def _fresh_registration():
    decoding._register_heif.cache_clear()
    yield
    decoding._register_heif.cache_clear()


@pytest.mark.parametrize("suffix", [pytest.param(".avif", marks=needs_avif), ".webp", ".gif", ".png"])
def test_of_an_animation_the_first_frame_is_taken_with_a_warning(tmp_path, caplog, suffix):
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (16, 16), RED).save(path, save_all=True, append_images=[Image.new("RGB", (16, 16), BLUE)])
    image = read_image(path)
    assert image[0, 0].mean() > 0.9 and image[0, 2].mean() < 0.1
    assert len(caplog.records) == 1 and "2 frames; we take number 1" in caplog.text


def test_heic_without_its_plugin_names_the_install_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    with pytest.raises(ImageReadError, match="HEIC") as caught:
        read_image(tmp_path / "a.heic")
    assert 'pip install "impasto[heif]"' in caught.value.hint


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif"])
def test_a_damaged_header_is_named_with_its_format(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (16, 16), RED).save(path)
    path.write_bytes(path.read_bytes()[:4])
    with pytest.raises(ImageReadError, match="with a damaged header") as caught:
        read_image(path)
    assert caught.value.hint == "Copy or download it again."


@pytest.mark.parametrize("brands", [b"avif\0\0\0\0avifmif1", b"avis\0\0\0\0avisavif", b"mif1\0\0\0\0mif1avif"])
def test_avif_that_pillow_cannot_read_names_the_upgrade(brands):
    kind = decoding._sniff_kind(b"\0\0\0\x1cftyp" + brands)
    assert "AVIF" in kind and "--upgrade pillow" in decoding._HINTS[kind]


@pytest.mark.parametrize("suffix", [pytest.param(".heic", marks=needs_heif), pytest.param(".avif", marks=needs_avif)])
def test_what_phones_write_is_read_upright_with_exif_and_profile(tmp_path, suffix):
    pixels = np.full((32, 48, 3), (200, 40, 40), np.uint8)
    pixels[:16] = (40, 40, 200)  # above, blue
    exif = Image.Exif()
    exif[33432], exif[0x0112] = "(c) Ann", 6  # to be turned clockwise
    path = tmp_path / f"a{suffix}"
    decoding._register_heif()
    Image.fromarray(pixels).save(path, exif=exif.tobytes(), icc_profile=srgb_profile(), quality=100)
    read = read_picture(path)
    assert read.size == (48, 32)
    left, right = read.image[..., :14].mean((0, 2, 3)), read.image[..., 18:].mean((0, 2, 3))
    assert right[2] > 0.6 > 0.4 > right[0]  # blue is at the right
    assert left[0] > 0.6 > 0.4 > left[2]
    carried = Image.Exif()
    carried.load(read.carried.exif)
    assert carried[33432] == "(c) Ann" and 0x0112 not in carried
    assert read.carried.profile == srgb_profile()


@pytest.mark.parametrize("suffix", [pytest.param(".heic", marks=needs_heif), pytest.param(".avif", marks=needs_avif)])
def test_half_of_a_phone_picture_is_refused_in_one_line(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    decoding._register_heif()
    Image.effect_noise((64, 64), 50).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImageReadError, match="damaged|not a picture"):
        read_image(path)


@pytest.mark.parametrize("suffix", [pytest.param(".heic", marks=needs_heif), pytest.param(".avif", marks=needs_avif)])
def test_pixels_of_a_phone_picture_are_counted_before_they_are_decoded(tmp_path, suffix):
    decoding._register_heif()
    Image.new("RGB", (64, 64)).save(tmp_path / f"a{suffix}")
    with pytest.raises(ImageSizeError, match="4,096 pixels"):
        read_image(tmp_path / f"a{suffix}", max_pixels=4095)


def test_the_plugin_is_registered_once_where_it_is_installed(tmp_path, monkeypatch):
    calls = []
    fake = types.SimpleNamespace(register_heif_opener=lambda: calls.append(1))
    monkeypatch.setitem(sys.modules, "pillow_heif", fake)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    read_image(tmp_path / "a.png")
    read_image(tmp_path / "a.png")
    assert calls == [1]

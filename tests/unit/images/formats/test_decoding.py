"""Formats that come with plugins, and pictures of several frames."""

import sys
import types

import pytest
from PIL import Image, features

from impasto.errors import ImageReadError
from impasto.images.formats import decoding
from impasto.images.io import read_image

RED, BLUE = (255, 0, 0), (0, 0, 255)
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
    assert "pip install pillow-heif" in caught.value.hint


def test_the_plugin_is_registered_once_where_it_is_installed(tmp_path, monkeypatch):
    calls = []
    fake = types.SimpleNamespace(register_heif_opener=lambda: calls.append(1))
    monkeypatch.setitem(sys.modules, "pillow_heif", fake)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    read_image(tmp_path / "a.png")
    read_image(tmp_path / "a.png")
    assert calls == [1]

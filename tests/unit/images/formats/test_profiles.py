"""ICC profiles of 8 and 16 bits, against the formulas of the color spaces."""

import struct

import numpy as np
import pytest
from PIL import Image

from impasto.images.formats import profiles
from impasto.images.formats.profiles import is_rgb, is_srgb, picture_to_srgb, srgb_profile, srgb_to_unit, unit_to_srgb

GAMMA = 563 / 256  # of Adobe RGB


def gamma_profile():
    """The primaries of sRGB with the gamma of Adobe RGB: the conversion is a formula of each channel alone."""
    profile = bytearray(srgb_profile())
    for i in range(struct.unpack_from(">I", profile, 128)[0]):
        kind, start, _ = struct.unpack_from(">4sII", profile, 132 + 12 * i)
        if kind in (b"rTRC", b"gTRC", b"bTRC"):
            # A parametric curve of type 0 is the power alone.
            profile[start : start + 16] = b"para" + bytes(4) + struct.pack(">HHi", 0, 0, round(GAMMA * 65536))
    return bytes(profile)


def to_srgb(value):
    linear = value**GAMMA
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def ramp(count=4000):
    return np.repeat(np.linspace(0, 1, count, dtype=np.float32)[None, :, None], 3, axis=2)


def test_our_profile_is_sound_and_without_the_clock():
    assert is_rgb(srgb_profile()) and is_srgb(srgb_profile()) and not is_srgb(gamma_profile())
    assert srgb_profile()[24:36] == struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    assert not is_rgb(b"junk") and not is_rgb(None)
    odd = srgb_profile()
    assert not is_rgb(odd[:16] + b"R\xffB " + odd[20:])  # a color space that is no text


def test_8_bit_pictures_follow_the_formula():
    grey = np.arange(256, dtype=np.uint8)
    picture = Image.fromarray(np.repeat(grey[None, :, None], 3, axis=2))
    converted = np.asarray(picture_to_srgb(picture, gamma_profile(), "a"))[0, :, 1]
    assert np.abs(converted - to_srgb(grey / 255) * 255).max() <= 1


def test_16_bit_colors_follow_the_formula_without_banding():
    pytest.importorskip("imagecodecs")
    converted = unit_to_srgb(ramp(), gamma_profile(), "a")
    assert np.abs(converted - to_srgb(ramp().astype(np.float64))).max() * 65535 <= 1  # measured 0.5
    assert len(np.unique(np.round(converted * 65535))) > 3900


def test_cmyk_without_a_profile_is_reported(caplog):
    picture = Image.new("CMYK", (2, 2), (255, 0, 0, 0))
    assert picture_to_srgb(picture, None, "a").getpixel((0, 0)) == (0, 255, 255)
    assert caplog.messages == ["a: it is CMYK without a usable ICC profile; its press colors are only approximated."]
    picture_to_srgb(picture, b"no profile", "a")
    assert len(caplog.messages) == 3


def test_there_and_back():
    pytest.importorskip("imagecodecs")
    back = srgb_to_unit(unit_to_srgb(ramp(), gamma_profile(), "a"), gamma_profile())
    assert np.abs(back - ramp()).max() * 65535 <= 1


def test_without_the_extra_the_way_back_is_of_8_bits(caplog, monkeypatch):
    monkeypatch.setattr(profiles, "has_deep", lambda: False)
    back = srgb_to_unit(to_srgb(ramp().astype(np.float64)), gamma_profile())
    assert np.abs(back - ramp()).max() * 255 < 8  # measured 7, in the darkest levels
    assert "impasto[deep]" in caplog.text


@pytest.mark.parametrize("profile", [b"junk", gamma_profile()[:300]], ids=["junk", "cut"])
def test_a_broken_profile_is_left_aside(caplog, profile):
    assert np.array_equal(unit_to_srgb(ramp(), profile, "a.png"), ramp())
    assert len(caplog.records) == 1 and "ICC" in caplog.text and "a.png" in caplog.text


def test_a_profile_of_other_pixels_is_left_aside(caplog):
    grey = ramp()[:, :, :1]
    assert np.array_equal(unit_to_srgb(grey, gamma_profile(), "a"), ramp())
    assert "no GRAY profile" in caplog.text

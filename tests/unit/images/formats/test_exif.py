"""What of a photograph's EXIF is taken over."""

import struct
from io import BytesIO

import pytest
from PIL import ExifTags, Image

from impasto.images.formats.exif import carry_exif

EXIF, GPS = 0x8769, 0x8825


def loaded(suffix, exif):
    file = BytesIO()
    Image.new("RGB", (8, 4)).save(file, suffix, exif=exif)
    picture = Image.open(file)
    picture.load()
    return picture


def full():
    exif = Image.Exif()
    exif[33432], exif[315], exif[0x0112] = "(c) Ann", "Ann", 6
    exif[EXIF] = {0x9003: "2020:01:01 00:00:00", 0xA002: 8, 0xA003: 4, 0xA001: 65535, 0x927C: b"previews" * 9}
    exif[GPS] = {1: "N", 2: (1.0, 2.0, 3.5)}
    return exif


@pytest.mark.parametrize("suffix", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_what_describes_is_carried_and_what_stores_is_not(suffix):
    carried = Image.Exif()
    carried.load(carry_exif(loaded(suffix, full().tobytes()), "a"))
    assert {tag: carried[tag] for tag in carried if tag not in (EXIF, GPS)} == {33432: "(c) Ann", 315: "Ann"}
    assert carried.get_ifd(EXIF) == {0x9003: "2020:01:01 00:00:00"}
    assert carried.get_ifd(GPS) == {1: "N", 2: (1.0, 2.0, 3.5)}


def test_a_thumbnail_is_dropped():
    exif = full().tobytes()
    thumbnail = b"\xff\xd8 the unstylized photograph \xff\xd9"
    # A second directory behind the first: its place stands after the entries of the first.
    count = int.from_bytes(exif[14:16], "big")
    link, place = 16 + 12 * count, len(exif) - 6
    entries = [(0x0201, place + 2 + 24 + 4), (0x0202, len(thumbnail))]
    second = struct.pack(">H", 2) + b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in entries)
    exif = exif[:link] + struct.pack(">I", place) + exif[link + 4 :] + second + bytes(4) + thumbnail
    picture = loaded("JPEG", exif)
    assert picture.getexif().get_ifd(ExifTags.IFD.IFD1)[0x0202] == len(thumbnail)
    carried = carry_exif(picture, "a")
    assert b"(c) Ann" in carried and b"unstylized" not in carried


@pytest.mark.parametrize(("description", "is_kept"), [("A field", True), ('{"shape": [6, 9, 3]}', False)])
def test_a_description_of_the_old_pixels_is_dropped(description, is_kept):
    exif = full()
    exif[270] = description
    assert (description.encode() in carry_exif(loaded("TIFF", exif.tobytes()), "a")) == is_kept


def test_nothing_and_damage(caplog):
    assert carry_exif(loaded("PNG", b""), "a") is None and not caplog.records
    assert carry_exif(loaded("PNG", b"Exif\0\0nonsense, no TIFF header"), "a") is None
    assert "EXIF" in caplog.text

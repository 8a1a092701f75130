"""What of a photograph's EXIF is taken over."""

import struct
from io import BytesIO

import pytest
from PIL import ExifTags, Image

from impasto.images.formats.exif import carry_exif, read_resolution, set_resolution

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


@pytest.mark.parametrize("suffix", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_letters_beyond_ascii_stay(suffix):
    exif = Image.Exif()
    exif[33432] = "© Müller".encode()
    carried = carry_exif(loaded(suffix, exif), "a")
    assert "© Müller".encode() in carried and "© Müller".encode() in set_resolution(carried, (300.0, 300.0))


def stated(format, orientation=1, **options):
    """A loaded picture of 8 x 4 that states its resolution."""
    file = BytesIO()
    Image.new("RGB", (8, 4)).save(file, format, **options)
    picture = Image.open(file)
    picture.load()
    return read_resolution(picture, orientation)


def exif_with(across, down, unit):
    exif = Image.Exif()
    exif.update({282: across, 283: down, 296: unit})
    return exif


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "BMP"])
def test_the_resolution_that_a_format_states(format):
    assert stated(format, dpi=(300, 150)) == (300, 150) and stated(format, 6, dpi=(300, 150)) == (150, 300)


def test_no_resolution_is_none():
    assert [stated(format) for format in ("JPEG", "PNG", "TIFF", "WEBP")] == [None] * 4


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_the_resolution_in_exif(format):
    assert stated(format, exif=exif_with(300.0, 150.0, 2)) == (300, 150)
    assert stated(format, exif=exif_with(100.0, 50.0, 3)) == (254, 127)
    assert stated(format, exif=exif_with(300.0, 150.0, 1)) is None  # of no unit
    assert stated(format, exif=full()) is None


@pytest.mark.parametrize("value", [0.0, 1.0, 1e6])
def test_a_resolution_beyond_reason_is_none(value):
    assert stated("WEBP", exif=exif_with(value, value, 2)) is None

"""Our TIFF files, read by others."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from impasto.images.formats import tiff
from impasto.images.formats.tiff import encode_tiff

tifffile = pytest.importorskip("tifffile")
pytest.importorskip("imagecodecs")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("strip_bytes", [1, 1000, 1 << 20])
def test_tifffile_reads_the_same_levels(monkeypatch, dtype, channels, strip_bytes):
    monkeypatch.setattr(tiff, "STRIP_BYTES", strip_bytes)
    levels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (50, 13, channels), dtype=dtype)
    written = encode_tiff(levels, profile=b"abc", exif=None, tags={700: b"<x/>"})
    with tifffile.TiffFile(BytesIO(written.getvalue())) as file:
        page = file.pages[0]
        assert (page.asarray() == levels).all()
        assert page.tags[34675].value == b"abc" and page.tags[700].value == b"<x/>"
        assert [int(kind) for kind in page.extrasamples] == ([2] if channels == 4 else [])
    with Image.open(BytesIO(written.getvalue())) as picture:
        assert (np.asarray(picture) == (levels if dtype == np.uint8 else levels >> 8)).all()


def test_exif_and_gps_are_in_it():
    exif = Image.Exif()
    exif[33432], exif[282] = "(c) Ann", 72.0
    exif[0x8769], exif[0x8825] = {0x9003: "2020:01:01 00:00:00"}, {1: "N", 2: (1.0, 2.0, 3.5)}
    written = encode_tiff(np.zeros((2, 2, 3), np.uint8), profile=b"abc", exif=exif.tobytes(), tags={})
    with Image.open(BytesIO(written.getvalue())) as picture:
        found = picture.getexif()
        assert found[33432] == "(c) Ann" and found[282] == 72
        assert found.get_ifd(0x8769) == {0x9003: "2020:01:01 00:00:00"}
        assert found.get_ifd(0x8825) == {1: "N", 2: (1.0, 2.0, 3.5)}

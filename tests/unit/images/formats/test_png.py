"""Our 16-bit PNG files, read by others."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from impasto.images.formats.png import encode_png

imagecodecs = pytest.importorskip("imagecodecs")


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (130, 3)])
def test_libpng_reads_the_same_levels(channels, size):
    levels = np.random.default_rng(0).integers(0, 65536, (*size, channels), dtype=np.uint16)
    levels[: size[0] // 2] //= 300  # smooth and rough rows take different filters
    written = encode_png(levels, profile=b"profile", exif=None, chunks=[]).getvalue()
    assert (imagecodecs.png_decode(written) == levels).all()


def test_smooth_pictures_pack_well():
    rows, columns = np.mgrid[0:200, 0:200]
    levels = np.stack([rows * 300, columns * 300, rows * 150 + columns * 150], axis=2).astype(np.uint16)
    written = encode_png(levels, profile=b"", exif=None, chunks=[]).getvalue()
    assert len(written) < levels.nbytes / 20


def test_chunks_are_in_it():
    levels = np.zeros((2, 2, 3), np.uint16)
    exif = Image.Exif()
    exif[315] = "Ann"
    written = encode_png(levels, profile=b"abc", exif=exif.tobytes(), chunks=[(b"tEXt", b"k\0v")])
    with Image.open(BytesIO(written.getvalue())) as picture:
        picture.load()
        assert picture.info["icc_profile"] == b"abc" and picture.info["k"] == "v" and picture.getexif()[315] == "Ann"

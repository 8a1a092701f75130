"""PNG files beyond Pillow: damage beside the pixels, and our 16-bit files read by others."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from impasto.images.formats.png import MAX_TEXT_BYTES, drop_damaged_chunks, encode_png
from impasto.images.io import read_image, read_metadata, read_picture

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


def _with_texts(*texts: tuple[str, str]) -> bytes:
    chunks = PngImagePlugin.PngInfo()
    for key, text in texts:
        chunks.add_itxt(key, text, zip=len(text) > 1000)
    exif = Image.Exif()
    exif[315] = "Ann"
    file = BytesIO()
    picture = Image.linear_gradient("L").convert("RGB")
    picture.save(file, "PNG", pnginfo=chunks, dpi=(300, 300), exif=exif, icc_profile=bytes(200))
    return file.getvalue()


def _spoil(kind: bytes) -> Callable[[bytes], bytes]:
    """Flip a bit of the checksum of the first chunk of that kind."""

    def spoil(data: bytes) -> bytes:
        begin = data.index(kind)
        end = begin + 4 + int.from_bytes(data[begin - 4 : begin], "big")
        return data[:end] + bytes([data[end] ^ 1]) + data[end + 1 :]

    return spoil


@pytest.mark.parametrize("kind", ["pHYs", "iCCP", "eXIf"])
def test_a_wrong_checksum_beside_the_pixels_costs_that_chunk_only(kind, tmp_path, caplog):
    whole = _with_texts()
    (tmp_path / "a.png").write_bytes(_spoil(kind.encode())(whole))
    picture = read_picture(tmp_path / "a.png")
    assert torch.equal(picture.image, read_image(Image.open(BytesIO(whole))))
    assert (picture.carried.exif is None) == (kind == "eXIf")
    assert f"its PNG chunk {kind} is damaged or too large and left aside" in caplog.text


def test_a_long_text_costs_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.png").write_bytes(_with_texts(("workflow", "x" * 2**21), ("impasto", '{"seed": 4}')))
    read_image(tmp_path / "a.png")
    assert "PNG chunk" not in caplog.text
    (tmp_path / "a.png").write_bytes(_with_texts(("workflow", "x" * (MAX_TEXT_BYTES + 1)), ("impasto", '{"seed": 4}')))
    read_image(tmp_path / "a.png")
    assert "its PNG chunk iTXt is damaged or too large and left aside" in caplog.text
    assert read_metadata(tmp_path / "a.png") == {"seed": 4}


def test_a_sound_file_and_no_png_stay_as_they_are() -> None:
    for data in (_with_texts(("a", "b")), b"\xff\xd8\xff", _with_texts()[:50]):
        assert drop_damaged_chunks(data, "picture") is data

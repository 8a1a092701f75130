"""PNG files beyond Pillow: damage beside the pixels, and our 16-bit files read by others."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from impasto.images.formats.png import MAX_TEXT_BYTES, apply_gamma, drop_damaged_chunks, encode_png
from impasto.images.formats.profiles import srgb_profile
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


@pytest.mark.parametrize("kind", ["gAMA", "cHRM", "sRGB", "pHYs", "acTL"])
def test_too_few_bytes_beside_the_pixels_cost_that_chunk_only(kind, caplog):
    data = b"" if kind == "sRGB" else b"123"
    chunk = struct.pack(">I", len(data)) + kind.encode() + data + struct.pack(">I", zlib.crc32(kind.encode() + data))
    whole = _with_texts()
    assert torch.equal(read_image(whole[:33] + chunk * 2 + whole[33:]), read_image(whole))
    assert caplog.text.count(f"its PNG chunk {kind} is damaged") == 1  # of both


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


def _with_gamma(gamma: int, mode: str = "RGB", **options: object) -> Image.Image:
    """A ramp of 256 levels in a PNG whose gAMA is gamma / 100000; alpha is 128."""
    info = PngImagePlugin.PngInfo()
    info.add(b"gAMA", gamma.to_bytes(4, "big"))
    if options.pop("srgb", False):
        info.add(b"sRGB", b"\0")
    ramp = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (2, 1))).convert(mode)
    if mode.endswith("A"):
        ramp.putalpha(128)
    file = BytesIO()
    ramp.save(file, "PNG", pnginfo=info, **options)
    return Image.open(file)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P"])
def test_a_linear_png_is_read_as_browsers_show_it(mode: str) -> None:
    read = read_picture(_with_gamma(100_000, mode))
    color = read.carried.color if read.carried.color is not None else read.image
    assert color[0, :, 0, 55] * 255 == pytest.approx(128, abs=0.1)
    assert color[0, :, 0, 0].max() == 0 and color[0, :, 0, 255].min() > 0.99999
    assert read.alpha is None or bool((read.alpha == 128 / 255).all())


def test_a_linear_png_of_16_bits(tmp_path: Path) -> None:
    for channels in (1, 3):
        levels = np.repeat((np.arange(256) * 257)[None, :, None], channels, axis=2).astype(np.uint16)
        deep = imagecodecs.png_encode(np.ascontiguousarray(levels if channels == 3 else levels[..., 0]))
        data = _with_gamma(100_000)
        data.fp.seek(0)
        chunk = data.fp.read().split(b"gAMA")[1][:8]
        (tmp_path / "a.png").write_bytes(deep[:33] + b"\0\0\0\4gAMA" + chunk + deep[33:])
        assert read_image(tmp_path / "a.png")[0, :, 0, 55] * 255 == pytest.approx(128, abs=0.1)


@pytest.mark.parametrize(
    ("gamma", "options"),
    [(45455, {}), (45454, {}), (100_000, {"icc_profile": srgb_profile()}), (100_000, {"srgb": True}), (0, {})],
)
def test_a_gamma_that_changes_nothing(gamma: int, options: dict[str, object]) -> None:
    image = read_image(_with_gamma(gamma, **options))
    assert torch.equal((image[0, 0, 0] * 255).round(), torch.arange(256.0))


def test_a_gamma_of_old_macs_and_one_beyond_reason(caplog: pytest.LogCaptureFixture) -> None:
    half = torch.full((1, 3, 1, 1), 0.5)
    linear = 0.5**1.8
    assert apply_gamma(half, {"gamma": 1 / 1.8}, "a") == pytest.approx(1.055 * linear ** (1 / 2.4) - 0.055, abs=1e-6)
    assert apply_gamma(half, {"gamma": 1e-5}, "a") is half and "gamma" in caplog.text

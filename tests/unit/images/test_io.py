"""Pictures made here, byte by byte where Pillow cannot, read and written."""

import contextlib
import errno
import io
import itertools
import json
import logging
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms

from impasto.errors import DiskError, ImageRangeError, ImageReadError, ImageSizeError, OutputError
from impasto.images import io as images_io
from impasto.images.io import FORMATS, check_output, read_image, read_metadata, write_image
from impasto.system import disk

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def gradient(height=12, width=20):
    """(1, 3, H, W), smooth, every channel different, all values of the form k/255."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    levels = torch.stack([rows * 9, columns * 7, rows * 4 + columns * 5])[None]
    return levels.clamp(0, 255) / 255


def levels(image):
    """(H, W, 3) integers 0..255, for comparison with literal colors."""
    return (image[0].permute(1, 2, 0) * 255).round().to(torch.int64).numpy()


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bytes(width, height, *, depth, color, rows, extra=b""):
    """A PNG by hand. color: 0 grey, 2 RGB. rows: the raw bytes after the filter byte, row by row."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def swapped_profile():
    """sRGB with its red and green primaries exchanged: a conversion that nobody can overlook."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    places = {bytes(profile[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def tell(caught):
    """The message of an error, checked for its form: one line, and a hint."""
    message = str(caught.value)
    assert "\n" not in message and caught.value.error and caught.value.hint
    return message


# Reading: modes


def test_an_rgb_file_reads_exactly(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(levels(gradient()).astype(np.uint8)).save(path)
    image = read_image(path)
    assert image.shape == (1, 3, 12, 20) and image.dtype == torch.float32 and image.is_contiguous()
    assert torch.equal(image, gradient())
    assert torch.equal(read_image(str(path)), image)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "PA", "RGBA", "RGBX", "RGBa", "La", "CMYK", "YCbCr", "HSV"])
def test_every_8_bit_mode_reads_as_rgb(mode):
    white = Image.new("RGB", (3, 2), WHITE)
    by_way = {"PA": "P", "La": "LA", "RGBa": "RGBA"}
    picture = white.convert(by_way.get(mode, mode)).convert(mode)
    image = read_image(picture)
    assert image.shape == (1, 3, 2, 3)
    assert image.min() > 0.99


def test_colors_of_palette_and_cmyk(tmp_path):
    palette = Image.new("RGB", (2, 1), RED)
    palette.putpixel((1, 0), BLUE)
    palette.quantize(4).save(tmp_path / "palette.gif")
    assert levels(read_image(tmp_path / "palette.gif")).tolist() == [[list(RED), list(BLUE)]]
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=100)
    assert np.abs(levels(read_image(tmp_path / "cmyk.jpg")) - RED).max() <= 3  # JPEG's rounding
    Image.new("CMYK", (2, 2), (0, 255, 255, 0)).save(tmp_path / "cmyk.tif")
    assert (levels(read_image(tmp_path / "cmyk.tif")) == RED).all()


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L"])
def test_16_bit_grey_is_scaled_not_clipped(mode):
    order = ">u2" if mode == "I;16B" else "<u2"
    data = np.array([[0, 300, 32768, 65535]], dtype=order).tobytes()
    image = read_image(Image.frombytes(mode, (4, 1), data))
    expected = torch.tensor([0.0, 300 / 65535, 32768 / 65535, 1.0])
    assert torch.allclose(image[0, :, 0], expected.expand(3, 4), atol=1e-7, rtol=0)  # one float32 rounding


def test_16_bit_grey_files(tmp_path):
    grey = np.array([[0, 256, 65535]], dtype=np.uint16)
    (tmp_path / "a.png").write_bytes(png_bytes(3, 1, depth=16, color=0, rows=[grey.astype(">u2").tobytes()]))
    Image.fromarray(grey).save(tmp_path / "a.tif")
    (tmp_path / "a.pgm").write_bytes(b"P5 3 1 65535\n" + grey.astype(">u2").tobytes())
    for name in ("a.png", "a.tif", "a.pgm"):
        image = read_image(tmp_path / name)
        assert torch.allclose(image[0, 1, 0], torch.tensor([0.0, 256 / 65535, 1.0]), atol=1e-7, rtol=0), name


def test_32_bit_grey_must_fit_16_bits():
    picture = Image.fromarray(np.array([[0, 65535]], dtype=np.int32))
    assert picture.mode == "I" and read_image(picture).max() == 1
    for value in (65536, -1):
        with pytest.raises(ImageRangeError, match=str(value)):
            read_image(Image.fromarray(np.array([[0, value]], dtype=np.int32)))


def test_float_files_must_range_over_0_to_1(tmp_path):
    Image.fromarray(np.array([[0.0, 0.25, 1.0]], dtype=np.float32)).save(tmp_path / "f.tif")
    assert read_image(tmp_path / "f.tif")[0, 2, 0].tolist() == [0.0, 0.25, 1.0]
    Image.fromarray(np.array([[0.0, 200.0]], dtype=np.float32)).save(tmp_path / "bytes.tif")
    with pytest.raises(ImageRangeError, match="200"):
        read_image(tmp_path / "bytes.tif")


# Reading: transparency


def check_transparent_half(path, caplog):
    """Left pixel opaque red, right pixel transparent green: the red must go on, and nothing need be said."""
    caplog.clear()
    assert levels(read_image(path, name="style_image")).tolist() == [[list(RED), list(RED)]]
    assert [record for record in caplog.records if record.levelno == logging.WARNING] == []


def test_what_is_seen_goes_on_behind_transparency(tmp_path, caplog):
    picture = Image.new("RGBA", (2, 1), (*RED, 255))
    picture.putpixel((1, 0), (*GREEN, 0))
    for name in ("a.png", "a.tif"):
        picture.save(tmp_path / name)
        check_transparent_half(tmp_path / name, caplog)


def test_it_goes_on_behind_transparent_palette_entries(tmp_path, caplog):
    picture = Image.frombytes("P", (2, 1), b"\x00\x01")
    picture.putpalette([*RED, *GREEN])
    picture.save(tmp_path / "index.gif", transparency=1)
    picture.save(tmp_path / "index.png", transparency=1)
    picture.save(tmp_path / "bytes.png", transparency=b"\xff\x00")
    for name in ("index.gif", "index.png", "bytes.png"):
        check_transparent_half(tmp_path / name, caplog)


def test_png_may_name_one_color_as_transparent(tmp_path, caplog):
    key = png_chunk(b"tRNS", struct.pack(">HHH", *GREEN))
    rows = [bytes([*RED, *GREEN])]
    (tmp_path / "a.png").write_bytes(png_bytes(2, 1, depth=8, color=2, rows=rows, extra=key))
    check_transparent_half(tmp_path / "a.png", caplog)


def test_16_bit_grey_may_have_a_transparent_level(tmp_path, caplog):
    rows = [struct.pack(">HH", 1000, 2000)]
    key = png_chunk(b"tRNS", struct.pack(">H", 2000))
    (tmp_path / "a.png").write_bytes(png_bytes(2, 1, depth=16, color=0, rows=rows, extra=key))
    image = read_image(tmp_path / "a.png")
    assert torch.allclose(image[0, 0, 0], torch.tensor(1000 / 65535), atol=1e-7, rtol=0)
    assert not caplog.records


def test_half_transparent_pixels_are_mixed_with_what_is_seen_around_them():
    picture = Image.new("LA", (2, 1), (255, 255))
    picture.putpixel((0, 0), (0, 51))  # black at alpha 1/5; behind it is the mean of both, weighed by alpha
    assert torch.allclose(read_image(picture)[0, 0, 0], torch.tensor([4 / 5 * 5 / 6, 1.0]), atol=1e-6)


def test_an_opaque_alpha_channel_is_no_reason_to_warn(caplog):
    assert levels(read_image(Image.new("RGBA", (1, 1), (*BLUE, 255)))).tolist() == [[list(BLUE)]]
    assert not caplog.records


# Reading: orientation, profiles, frames


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(tmp_path, suffix, orientation):
    upright = np.zeros((16, 32, 3), dtype=np.uint8)
    upright[:8, :16] = 255  # the top left quarter is white
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    image = read_image(path)
    assert image.shape == (1, 3, 16, 32)
    assert np.abs(levels(image) - upright).max() <= 8  # JPEG and WebP lose a little
    with Image.open(path) as picture:
        assert torch.equal(read_image(picture), image)


def test_damaged_exif_leaves_the_pixels(tmp_path, caplog):
    Image.new("RGB", (8, 8), WHITE).save(tmp_path / "a.png", exif=b"Exif\0\0nonsense, no TIFF header")
    assert read_image(tmp_path / "a.png").min() == 1
    assert "EXIF" in caplog.text


def test_an_embedded_profile_is_converted_to_srgb(tmp_path, caplog):
    for name in ("a.png", "a.tif"):
        Image.new("RGB", (2, 2), RED).save(tmp_path / name, icc_profile=swapped_profile())
        assert np.abs(levels(read_image(tmp_path / name)) - GREEN).max() <= 2  # the profile's own rounding
    assert not caplog.records


def test_a_profile_leaves_alpha_alone(tmp_path, caplog):
    picture = Image.new("RGBA", (2, 1), (*RED, 255))
    picture.putpixel((1, 0), (*RED, 0))
    picture.save(tmp_path / "a.png", icc_profile=swapped_profile())
    assert np.abs(levels(read_image(tmp_path / "a.png")) - [[GREEN, GREEN]]).max() <= 2
    assert not caplog.records


@pytest.mark.parametrize("profile", [b"no profile at all", swapped_profile()[:300]], ids=["junk", "cut"])
def test_a_broken_profile_is_left_aside_with_a_warning(tmp_path, caplog, profile):
    Image.new("RGB", (2, 2), RED).save(tmp_path / "a.png", icc_profile=profile)
    assert (levels(read_image(tmp_path / "a.png")) == RED).all()
    assert "ICC" in caplog.text and "a.png" in caplog.text


@pytest.mark.parametrize("mode", ["L", "CMYK", "I;16", "LA"])
def test_a_profile_that_does_not_fit_the_mode_is_left_aside(tmp_path, caplog, mode):
    Image.new("L", (2, 2), 255).convert("RGB" if mode == "CMYK" else "L").convert(mode).save(
        tmp_path / "a.tif", icc_profile=swapped_profile()
    )
    read_image(tmp_path / "a.tif")
    assert "ICC" in caplog.text


def test_of_several_frames_the_first_is_taken(tmp_path, caplog):
    frames = [Image.new("RGB", (4, 4), color) for color in (RED, GREEN, BLUE)]
    for name in ("a.gif", "a.tif", "a.png"):
        caplog.clear()
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        assert (levels(read_image(tmp_path / name)) == RED).all()
        assert "3 frames" in caplog.text


# Reading: arrays and tensors


def test_arrays_of_every_accepted_kind():
    grey = np.array([[0, 51, 255]], dtype=np.uint8)
    expected = torch.tensor([0.0, 0.2, 1.0]).expand(1, 3, 1, 3)
    rgb = np.repeat(grey[:, :, None], 3, axis=2)
    unit = (grey / 255).astype(np.float64)
    for array in (
        grey,
        grey[:, :, None],
        rgb,
        grey.astype(np.uint16) * 257,
        unit,
        unit.astype(np.float32),
        rgb[:, ::1],
    ):
        image = read_image(array)
        assert image.dtype == torch.float32 and torch.allclose(image, expected, atol=1e-7, rtol=0)
    opaque = np.dstack([rgb, np.full((1, 3), 255, dtype=np.uint8)])
    assert torch.allclose(read_image(opaque), expected, atol=1e-7, rtol=0)


def test_an_array_with_alpha_has_what_is_seen_everywhere():
    array = np.full((2, 2, 4), 255, dtype=np.uint8)
    array[0, 0] = (*GREEN, 0)
    assert read_image(array).min() == 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_tensor_becomes_a_copy_in_float32(dtype):
    tensor = torch.full((3, 2, 4), 0.5, dtype=dtype, requires_grad=True)
    for source in (tensor, tensor[None]):
        image = read_image(source)
        assert image.shape == (1, 3, 2, 4) and image.dtype == torch.float32 and not image.requires_grad
        image.zero_()
    assert (tensor == 0.5).all()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (torch.zeros(3, 2, 2, dtype=torch.int64), "int64"),
        (torch.zeros(2, 3, 2, 2), "(2, 3, 2, 2)"),
        (torch.zeros(2, 2, 2), "(2, 2, 2)"),
        (torch.zeros(1, 3, 0, 4), "(1, 3, 0, 4)"),
        (torch.full((3, 2, 2), 254.0), "254"),
        (torch.full((3, 2, 2), -0.1), "-0.1"),
        (torch.full((3, 2, 2), float("nan")), "NaN"),
        (torch.tensor([0.5, float("nan"), 2.0]).expand(3, 1, 3), "NaN"),
        (np.zeros((5, 5, 5), dtype=np.uint8), "(5, 5, 5)"),
        (np.zeros((5, 5), dtype=complex), "complex"),
        (np.array([["a"]]), "<U1"),
        (np.zeros((5, 5), dtype=object), "object"),
        (np.zeros((2, 2, 2, 3), dtype=np.uint8), "(2, 2, 2, 3)"),
        (np.zeros(5, dtype=np.uint8), "(5,)"),
        (np.zeros((0, 4, 3), dtype=np.uint8), "(0, 4, 3)"),
        (np.zeros((2, 2, 3), dtype=np.int64), "int64"),
        (np.zeros((2, 2), dtype=np.int8), "int8"),
        (np.full((2, 2), 1e300), "inf"),
        (np.full((2, 2), np.nan), "NaN"),
        (np.full((2, 2, 4), -1.0), "alpha"),
        ([1, 2, 3], "list"),
        (None, "NoneType"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_image_is_refused(source, says):
    with pytest.raises(ImageRangeError) as caught:
        read_image(source, name="style_image")
    message = tell(caught)
    assert says in message and "style_image" in message and "expected" in message


# Reading: files that are no pictures


def test_a_missing_file_names_its_nearest_neighbor(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(ImageReadError) as caught:
        read_image(tmp_path / "photo.jgp", name="content_image")
    message = tell(caught)
    assert "content_image" in message and "photo.jgp" in message and "does not exist" in message
    assert "photo.jpg" in caught.value.hint
    with pytest.raises(ImageReadError) as caught:
        read_image(tmp_path / "zzz.png")
    assert "photo.jpg" not in tell(caught)
    with pytest.raises(ImageReadError) as caught:
        read_image(tmp_path / "nowhere" / "photo.jpg")
    assert "nowhere" in caught.value.hint


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "a\0b.png"], ids=["long", "nul"])
def test_an_impossible_file_name_is_an_error_of_ours(tmp_path, name):
    with pytest.raises(ImageReadError) as caught:
        read_image(tmp_path / name)
    tell(caught)


def test_a_folder_an_empty_file_a_pipe_and_broken_links(tmp_path):
    with pytest.raises(ImageReadError, match="is a folder"):
        read_image(tmp_path)
    (tmp_path / "a.png").touch()
    with pytest.raises(ImageReadError, match="0 bytes"):
        read_image(tmp_path / "a.png")
    os.mkfifo(tmp_path / "fifo.png")
    with pytest.raises(ImageReadError, match="is a device or a pipe"):
        read_image(tmp_path / "fifo.png")
    for name, target in (("loop.png", "loop.png"), ("gone.png", "nowhere.png")):
        (tmp_path / name).symlink_to(target)
        with pytest.raises(ImageReadError, match=f"is a link to '{target}', where no file is"):
            read_image(tmp_path / name)


def test_an_unreadable_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    write_image(gradient(), path)

    def refuse(*_args, **_kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may read everything
    with pytest.raises(ImageReadError, match="Permission denied"):
        read_image(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<!DOCTYPE html>\n<html>", "text that begins '<!DOCTYPE html>"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (bytes(range(128, 228)), "no format we know"),
    ],
    ids=["text", "heic", "noise"],
)
def test_a_file_that_only_looks_like_a_picture(tmp_path, content, says):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ImageReadError) as caught:
        read_image(tmp_path / "a.jpg")
    assert says in tell(caught)


def test_a_postscript_file_is_not_run(tmp_path):
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EndComments\nshowpage\n")
    with pytest.raises(ImageReadError, match="EPS drawing"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_file(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(ImageReadError) as caught:
        read_image(path)
    assert str(path) in tell(caught)


def test_a_damaged_file(tmp_path):
    content = bytearray(png_bytes(4, 4, depth=8, color=2, rows=[bytes(12)] * 4))
    place = content.index(b"IDAT") + 6
    content[place : place + 6] = b"\xff" * 6
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageReadError, match="damaged"):
        read_image(tmp_path / "a.png")


def test_every_cut_and_many_damages_give_our_errors_only(tmp_path):
    whole = {suffix: io.BytesIO() for suffix in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")}
    for kind, stream in whole.items():
        Image.new("RGB", (5, 4), RED).save(stream, kind)
    random = np.random.default_rng(0)
    path = tmp_path / "a.bin"
    for kind, _ in itertools.product(whole, range(8)):
        content = bytearray(whole[kind].getvalue())
        content[random.integers(len(content))] ^= int(random.integers(1, 256))
        path.write_bytes(content[: random.integers(1, len(content) + 1)])
        with contextlib.suppress(ImageReadError, ImageSizeError):
            assert read_image(path, max_pixels=10_000).shape[:2] == (1, 3)


# Reading: size


def test_a_bomb_is_refused_by_its_header(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_bytes(40_000, 40_000, depth=8, color=2, rows=[b""]))
    assert path.stat().st_size < 100
    with pytest.raises(ImageSizeError) as caught:
        read_image(path, name="content_image")
    message = tell(caught)
    assert "1,600,000,000 pixels" in message and "200,000,000" in message
    assert "--max-pixels" in caught.value.hint and "max_pixels=1600000000" in caught.value.hint
    with pytest.raises(ImageReadError, match="cut short"):  # allowed: then it is what it is, a stump
        read_image(png_stump(tmp_path), max_pixels=10**6)


def png_stump(folder):
    path = folder / "stump.png"
    path.write_bytes(png_bytes(100, 100, depth=8, color=2, rows=[b""]))
    return path


def test_max_pixels_is_met_exactly_by_every_source(tmp_path):
    path = tmp_path / "a.png"
    write_image(gradient(10, 20), path)
    for source in (path, Image.new("RGB", (20, 10)), np.zeros((10, 20)), torch.zeros(3, 10, 20)):
        assert read_image(source, max_pixels=200).shape == (1, 3, 10, 20)
        with pytest.raises(ImageSizeError, match="has 200 pixels; expected at most 199"):
            read_image(source, max_pixels=199)


def test_pillows_own_limit_is_suspended_and_put_back(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    write_image(gradient(10, 20), path)
    for limit in (150, 50):  # Pillow would warn, Pillow would fail
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert read_image(path).shape == (1, 3, 10, 20)
        assert limit == Image.MAX_IMAGE_PIXELS
    with pytest.raises(ImageReadError):
        read_image(png_stump(tmp_path))
    assert Image.MAX_IMAGE_PIXELS == 50


def test_a_large_picture_within_a_small_one_is_refused(tmp_path):
    inner = io.BytesIO()
    Image.new("L", (200, 200)).save(inner, "PNG")
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(inner.getvalue()), 22)
    (tmp_path / "a.ico").write_bytes(struct.pack("<HHH", 0, 1, 1) + entry + inner.getvalue())
    with pytest.raises(ImageSizeError, match="40,000 pixels; expected at most 300"):
        read_image(tmp_path / "a.ico", max_pixels=300)


def test_what_pillow_warns_of_is_logged_not_raised(tmp_path, caplog):
    path = tmp_path / "a.tif"
    Image.new("RGB", (4, 4), RED).save(path, tiffinfo={270: "x" * 400})
    content = path.read_bytes()
    place = content.index(struct.pack("<HH", 270, 2))
    path.write_bytes(content[: place + 4] + struct.pack("<I", 10**6) + content[place + 8 :])  # a tag beyond the file
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (levels(read_image(path)) == RED).all()
    assert "Tag data larger than file" in caplog.text


# Writing


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
def test_lossless_formats_give_back_every_level(tmp_path, suffix):
    image = torch.arange(256).reshape(1, 1, 16, 16).repeat(1, 3, 1, 1) / 255
    write_image(image, tmp_path / f"a{suffix}")
    assert torch.equal(read_image(tmp_path / f"a{suffix}"), image)


@pytest.mark.parametrize(("suffix", "levels_off"), [(".jpg", 6), (".jpeg", 6), (".webp", 12)])
def test_lossy_formats_stay_close(tmp_path, suffix, levels_off):
    write_image(gradient(), tmp_path / f"a{suffix}")
    # Measured 3 and 6; WebP has no 4:4:4.
    assert (read_image(tmp_path / f"a{suffix}") - gradient()).abs().max() * 255 <= levels_off


def test_values_are_rounded_not_cut(tmp_path):
    write_image(torch.full((1, 3, 2, 2), 0.9999), tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").min() == 1


def test_jpeg_keeps_full_color_resolution(tmp_path):
    write_image(gradient(), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as picture:
        assert [layer[1:3] for layer in picture.layer] == [(1, 1)] * 3  # sampling factors: 4:4:4


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_image_gives_the_same_bytes(tmp_path, suffix):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    for path in (first, second):
        write_image(gradient(), path, metadata={"seed": 3})
    assert first.read_bytes() == second.read_bytes()
    assert sorted(tmp_path.iterdir()) == [first, second]


def test_a_written_file_has_the_usual_permissions(tmp_path):
    write_image(gradient(), tmp_path / "a.png")
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_write_does_not_change_the_image_and_takes_one_with_gradient(tmp_path):
    image = gradient().requires_grad_()
    write_image(image, tmp_path / "a.png")
    assert torch.equal(image, gradient())


@pytest.mark.parametrize("image", [torch.full((1, 3, 2, 2), 1.5), torch.zeros(3, 2, 2), torch.zeros(2, 3, 2, 2)])
def test_write_refuses_what_is_no_image(tmp_path, image):
    with pytest.raises(ImageRangeError):
        write_image(image, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(("number", "says"), [(errno.ENOSPC, "Free some space"), (errno.EIO, "disk")])
def test_a_disk_failure_leaves_the_old_picture_and_nothing_else(tmp_path, monkeypatch, step, number, says):
    path = tmp_path / "a.png"
    path.write_bytes(b"the old picture")

    def fail(*_args):
        assert len(list(tmp_path.iterdir())) == 2, "the new picture is there under another name"
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(images_io.os, step, fail)
    with pytest.raises(DiskError) as caught:
        write_image(gradient(), path)
    assert says in caught.value.hint and os.strerror(number) in tell(caught) and caught.value.exit_code == 1
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == b"the old picture"


def test_an_interruption_leaves_no_temporary_file(tmp_path, monkeypatch):
    def interrupt(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(images_io.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_image(gradient(), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_a_failed_encoding_leaves_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"the old picture")

    def fail(*_args, **_kwargs):
        raise OSError("encoder error -2")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OutputError, match="encoder error -2"):
        write_image(gradient(), path)
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == b"the old picture"


# Metadata

RECIPE = {
    "tool": "impasto",
    "seed": 3,
    "weights": [1e-3, 0.2],
    "nested": {"a": None, "b": True},
    "inputs": ["Größe & <weight> ]]> \"'.jpg", "夜.png", "bad\udcff.png", "line\nbreak\0\x0b"],
}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_metadata_survive_every_format(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_image(gradient(), path, metadata=RECIPE)
    assert read_metadata(path) == RECIPE
    assert read_metadata(str(path)) == RECIPE
    write_image(gradient(), path, metadata={})
    assert read_metadata(path) == {}
    write_image(gradient(), path)
    assert read_metadata(path) is None


def test_png_metadata_stand_in_an_itxt_chunk(tmp_path):
    write_image(gradient(), tmp_path / "a.png", metadata={"seed": 3})
    assert b'iTXtimpasto\0\0\0\0\0{"seed": 3}' in (tmp_path / "a.png").read_bytes()


def test_metadata_are_json_for_other_tools_too(tmp_path):
    write_image(gradient(), tmp_path / "a.png", metadata=RECIPE)
    with Image.open(tmp_path / "a.png") as picture:
        assert json.loads(picture.info["impasto"]) == RECIPE


def test_metadata_do_not_change_the_pixels(tmp_path):
    write_image(gradient(), tmp_path / "a.tif", metadata=RECIPE)
    assert torch.equal(read_image(tmp_path / "a.tif"), gradient())


def test_xmp_of_others_is_none_of_ours(tmp_path):
    picture = Image.new("RGB", (4, 4))
    strange = [
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
        b"<not xml",
        b"<!DOCTYPE a [<!ENTITY b '{}'>]><z:metadata xmlns:z='http://ns.impasto/1.0/'>&b;</z:metadata>",
    ]
    for packet in strange:
        picture.save(tmp_path / "a.jpg", xmp=packet)
        assert read_metadata(tmp_path / "a.jpg") is None


def test_metadata_rewritten_as_an_attribute_are_found(tmp_path):
    packet = b"""<a xmlns:z="http://ns.impasto/1.0/" z:metadata='{"seed": 4}'/>"""
    Image.new("RGB", (4, 4)).save(tmp_path / "a.webp", xmp=packet)
    assert read_metadata(tmp_path / "a.webp") == {"seed": 4}


@pytest.mark.parametrize("text", ['{"seed": ', "[1]"])
def test_damaged_metadata_are_an_error(tmp_path, text):
    extra = png_chunk(b"iTXt", b"impasto\0\0\0\0\0" + text.encode())
    (tmp_path / "a.png").write_bytes(png_bytes(1, 1, depth=8, color=2, rows=[bytes(3)], extra=extra))
    with pytest.raises(ImageReadError) as caught:
        read_metadata(tmp_path / "a.png")
    assert "metadata" in tell(caught)


def test_metadata_of_no_picture(tmp_path):
    with pytest.raises(ImageReadError, match="does not exist"):
        read_metadata(tmp_path / "a.png")


@pytest.mark.parametrize("metadata", [{"a": object()}, {"a": float("nan")}])
def test_what_json_cannot_hold_is_refused_before_anything_is_written(tmp_path, metadata):
    with pytest.raises(OutputError, match="metadata cannot be written .*expected what JSON can hold"):
        write_image(gradient(), tmp_path / "a.png", metadata=metadata)
    assert not list(tmp_path.iterdir())


def test_more_metadata_than_jpeg_holds(tmp_path):
    long = {"text": "x" * 70_000}
    with pytest.raises(OutputError, match="JPEG"):
        write_image(gradient(), tmp_path / "a.jpg", metadata=long)
    write_image(gradient(), tmp_path / "a.png", metadata=long)
    assert read_metadata(tmp_path / "a.png") == long


# The check before slow work


def test_a_good_output_is_accepted_and_nothing_remains(tmp_path):
    path = tmp_path / "a.PNG"
    assert check_output(str(path), inputs=[torch.zeros(1), None, tmp_path / "in.png"]) == path
    assert not list(tmp_path.iterdir())
    path.touch()
    assert check_output(path, inputs=()) == path  # an old picture may be replaced


@pytest.mark.parametrize(
    ("name", "says", "hint"),
    [
        ("a", "no suffix", "a.png"),
        ("a.jpgg", "'.jpgg'", "a.jpg"),
        ("a.xyz", "'.xyz'", "a.png"),
        (".png", "no suffix", ".png"),
        ("nowhere/a.png", "does not exist", "mkdir -p"),
        ("file/a.png", "is not a folder", "Choose"),
        ("folder", "is a folder", "pastiche.png"),
        ("x" * 300 + ".png", "File name too long", "Choose"),
    ],
)
def test_a_bad_output_is_refused(tmp_path, name, says, hint):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError) as caught:
        check_output(tmp_path / name, inputs=(), name="pastiche")
    message = tell(caught)
    assert says in message and "pastiche" in message and hint in caught.value.hint
    if "suffix" in caught.value.error:
        assert all(suffix in message for suffix in FORMATS)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


def test_a_folder_that_takes_no_files(tmp_path, monkeypatch):
    def refuse(**_kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(disk.tempfile, "TemporaryFile", refuse)  # root may write everywhere
    with pytest.raises(OutputError, match="Read-only file system"):
        check_output(tmp_path / "a.png", inputs=())


def test_an_input_is_never_overwritten(tmp_path, monkeypatch):
    photo = tmp_path / "photo.png"
    write_image(gradient(), photo)
    (tmp_path / "link.png").symlink_to(photo)
    (tmp_path / "hard.png").hardlink_to(photo)
    monkeypatch.chdir(tmp_path)
    for output in (photo, "photo.png", "./photo.png", "link.png", "hard.png"):
        with pytest.raises(OutputError) as caught:
            check_output(output, inputs=["style.png", photo])
        assert "input" in tell(caught) and "photo.png" in str(caught.value)
    check_output("other.png", inputs=[photo])


def test_a_size_beyond_the_format_is_refused_beforehand(tmp_path):
    check_output(tmp_path / "a.webp", inputs=(), size=(16_383, 10))
    for name, size in (("a.webp", (16_384, 10)), ("a.jpg", (10, 65_501))):
        with pytest.raises(OutputError, match=f"{size[1]} x {size[0]}"):
            check_output(tmp_path / name, inputs=(), size=size)
    check_output(tmp_path / "a.png", inputs=(), size=(70_000, 70_000))


def test_write_checks_its_path_too(tmp_path):
    for name in ("a.xyz", "nowhere/a.png"):
        with pytest.raises(OutputError):
            write_image(gradient(), tmp_path / name)


def test_a_tiff_of_hundreds_of_channels_takes_no_room(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((8, 9), np.uint32), photometric="minisblack")
    data = path.read_bytes()
    for tag, kind, count, damaged in ((277, 3, 1, 512), (257, 4, 8, 2**24)):  # channels and rows: 288 GiB
        entry = struct.pack("<HHII", tag, kind, 1, count)
        assert data.count(entry) == 1
        data = data.replace(entry, struct.pack("<HHII", tag, 4, 1, damaged))
    path.write_bytes(data)
    with pytest.raises(ImageReadError):
        read_image(path)

"""16-bit files: every kind of layout read exactly, and what happens without the extra."""

import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.errors import ImageRangeError, ImageReadError, ImageSizeError
from impasto.images import io as images_io
from impasto.images.formats import decoding, sixteen_bit
from impasto.images.io import read_image, read_picture, write_image

imagecodecs = pytest.importorskip("imagecodecs")
tifffile = pytest.importorskip("tifffile")


def levels(channels, height=5, width=7):
    """(H, W, C) uint16, all bits in use; alpha never 0."""
    made = np.random.default_rng(channels).integers(1, 65536, (height, width, channels), dtype=np.uint16)
    return made if channels > 1 else made[:, :, 0]


def read_back(path):
    """(H, W, 3) and (H, W) or None, as uint16."""
    read = read_picture(path)
    color, carried = read.image, read.carried
    assert carried.depth == 16
    alpha = carried.alpha
    to_levels = (color[0].permute(1, 2, 0).double() * 65535).round().to(torch.int64).numpy()
    return to_levels, None if alpha is None else (alpha[0, 0].double() * 65535).round().to(torch.int64).numpy()


def encode(path, pixels, **options):
    if path.suffix == ".png":
        path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels)))
    else:
        photometric = "rgb" if pixels.ndim == 3 and pixels.shape[2] > 2 else "minisblack"
        tifffile.imwrite(path, pixels, photometric=photometric, **options)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_are_read_exactly(tmp_path, caplog, suffix, channels):
    pixels = levels(channels)
    if channels == 4:
        pixels[..., 3] = 65535  # transparent pixels are filled: see below for alpha
    encode(tmp_path / f"a{suffix}", pixels, **({"extrasamples": ["unassalpha"]} if channels == 4 else {}))
    color, alpha = read_back(tmp_path / f"a{suffix}")
    expected = np.repeat(pixels[:, :, None], 3, axis=2) if channels == 1 else pixels[..., :3]
    assert (color == expected).all() and (alpha is None) == (channels != 4)
    assert not caplog.records


def test_grey_with_alpha_is_read(tmp_path):
    pixels = levels(2)
    encode(tmp_path / "a.png", pixels)
    assert (read_back(tmp_path / "a.png")[1] == pixels[..., 1]).all()


@pytest.mark.parametrize(
    "options",
    [
        {"planarconfig": "separate"},
        {"compression": "lzw", "predictor": True},
        {"compression": "zlib", "tile": (16, 16)},
        {"byteorder": ">"},
        {"bigtiff": True},
    ],
    ids=lambda options: next(iter(options)) + str(next(iter(options.values()))),
)
def test_tiff_layouts(tmp_path, options):
    pixels = levels(3, 40, 30)
    stored = pixels.transpose(2, 0, 1) if "planarconfig" in options else pixels
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", **options)
    assert (read_back(tmp_path / "a.tif")[0] == pixels).all()


def test_white_may_be_zero(tmp_path):
    pixels = levels(1)
    tifffile.imwrite(tmp_path / "a.tif", 65535 - pixels, photometric="miniswhite")
    assert (read_back(tmp_path / "a.tif")[0][..., 0] == pixels).all()


def test_premultiplied_alpha_is_undone(tmp_path):
    pixels = np.zeros((2, 2, 4), np.uint16)
    pixels[...] = 10_000, 20_000, 5_000, 40_000
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=["assocalpha"])
    color, alpha = read_back(tmp_path / "a.tif")
    assert (alpha == 40_000).all()
    assert np.abs(color[0, 0] - [16384, 32768, 8192]).max() <= 1


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(tmp_path, suffix, orientation):
    """The same picture with 8 bits, which Pillow turns, is the oracle."""
    pixels = levels(3)
    small = (pixels >> 8).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(small).save(tmp_path / f"small{suffix}", exif=exif)
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(path, pixels, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    else:
        data = imagecodecs.png_encode(pixels)
        chunk = exif.tobytes()[6:]
        eXIf = struct.pack(">I", len(chunk)) + b"eXIf" + chunk + struct.pack(">I", zlib.crc32(b"eXIf" + chunk))
        path.write_bytes(data[:33] + eXIf + data[33:])
    expected = (read_image(tmp_path / f"small{suffix}")[0] * 255).round().permute(1, 2, 0).numpy()
    assert (read_back(path)[0] >> 8 == expected).all()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_smooth_gradient_keeps_its_levels(tmp_path, suffix):
    ramp = np.linspace(20_000, 24_000, 1500).astype(np.uint16)  # 16 levels of 8 bits
    pixels = np.repeat(np.broadcast_to(ramp, (4, 1500))[:, :, None], 3, axis=2)
    encode(tmp_path / f"in{suffix}", pixels)
    read = read_picture(tmp_path / f"in{suffix}")
    image, carried = read.image, read.carried
    write_image(image, tmp_path / f"out{suffix}", carried=carried)
    color, _ = read_back(tmp_path / f"out{suffix}")
    assert len(np.unique(color)) > 1400 and (color == pixels).all()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_without_the_extra_8_bits_are_read_with_one_warning(tmp_path, caplog, monkeypatch, suffix):
    encode(tmp_path / f"a{suffix}", levels(3))
    monkeypatch.setattr(images_io, "has_deep", lambda: False)
    read = read_picture(tmp_path / f"a{suffix}")
    image, carried = read.image, read.carried
    assert carried.depth == 8 and torch.equal((image * 255).round() / 255, image)
    assert len(caplog.records) == 1 and 'pip install "impasto[deep]"' in caplog.text


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_damaged_files_are_refused(tmp_path, suffix):
    encode(tmp_path / f"a{suffix}", levels(3, 60, 60))
    whole = (tmp_path / f"a{suffix}").read_bytes()
    for size in (len(whole) // 3, len(whole) - 40):
        (tmp_path / f"cut{suffix}").write_bytes(whole[:size])
        with pytest.raises(ImageReadError):
            read_image(tmp_path / f"cut{suffix}")


UNIT = np.random.default_rng(1).random((4, 6, 3))
NEUTRAL = np.linspace(0, 65535, 6).astype(np.uint16)  # L of Lab


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("options", [{}, {"planarconfig": "separate"}, {"compression": "zlib", "predictor": True}])
def test_floats_are_read(tmp_path, dtype, options):
    pixels = UNIT.astype(dtype)
    pixels = np.moveaxis(pixels, 2, 0) if "planarconfig" in options else pixels
    options = options if dtype == "float32" else {name: value for name, value in options.items() if name != "predictor"}
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", **options)
    read = read_picture(tmp_path / "a.tif")
    assert read.image[0].permute(1, 2, 0).numpy() == pytest.approx(UNIT, abs=1e-3) and read.carried.depth == 16


def test_further_kinds_that_pillow_cannot_open(tmp_path):
    """32-bit whole numbers, grey of float16, and float with alpha."""
    alpha = np.dstack([UNIT, np.full((4, 6), 0.5)]).astype(np.float32)
    for pixels, options in (
        ((UNIT * (2**32 - 1)).astype(np.uint32), {"photometric": "rgb"}),
        (UNIT[..., 0].astype(np.float16), {"photometric": "minisblack"}),
        (alpha, {"photometric": "rgb", "planarconfig": "contig", "extrasamples": ["unassalpha"]}),
    ):
        tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
        read = read_picture(tmp_path / "a.tif")
        color = read.image if read.carried.color is None else read.carried.color
        expected = UNIT if pixels.ndim == 3 else UNIT[..., :1].repeat(3, 2)
        assert color[0].permute(1, 2, 0).numpy() == pytest.approx(expected, abs=1e-3)
        assert (read.alpha is not None) == (pixels is alpha)


def test_lab_of_16_bits_follows_the_formula(tmp_path):
    lab = np.zeros((1, 6, 3), np.uint16)
    lab[0, :, 0] = NEUTRAL
    tifffile.imwrite(tmp_path / "grey.tif", lab, photometric="cielab")
    lightness = NEUTRAL / 655.35
    light = np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness / 903.3)
    expected = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert read_image(tmp_path / "grey.tif")[0, :, 0].numpy() == pytest.approx(np.tile(expected, (3, 1)), abs=1e-3)
    red = np.array([[[54.29, 80.81, 69.89]]])  # sRGB's red under D50
    for photometric, offset in (("cielab", 0), ("icclab", 128)):
        stored = np.dstack([red[..., :1] * 655.35, (red[..., 1:] + offset) * 256]).round().astype(np.uint16)
        tifffile.imwrite(tmp_path / "red.tif", stored, photometric=photometric)
        assert read_image(tmp_path / "red.tif").flatten().tolist() == pytest.approx([1, 0, 0], abs=0.02)


def test_a_float_tiff_carries_its_orientation_profile_and_rights(tmp_path, other_profile):
    tags = [(274, "H", 1, 6, True), (33432, "s", 0, "(c) Ann", True)]
    options = {"photometric": "rgb", "resolution": (300, 150), "resolutionunit": 2, "iccprofile": other_profile}
    tifffile.imwrite(tmp_path / "a.tif", UNIT.astype(np.float32), extratags=tags, **options)
    read = read_picture(tmp_path / "a.tif")
    assert read.size == (6, 4) and read.orientation == 6 and read.carried.dpi == (150, 300)
    assert read.carried.profile == other_profile and b"(c) Ann" in read.carried.exif
    upright = np.rot90(UNIT, -1)
    assert (read.image[0, 0].numpy() == pytest.approx(upright[..., 1], abs=0.02))  # red has green's place


CMYK_AND_ALPHA = {"photometric": "separated", "planarconfig": "contig", "extrasamples": ["unassalpha"]}


@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (UNIT.astype(np.float32) * 4, {"photometric": "rgb"}, r"32-bit float RGB over \[.*\]; expected \[0, 1\]"),
        (np.full((4, 6, 3), np.nan, np.float32), {"photometric": "rgb"}, "32-bit float RGB over"),
        (UNIT.astype(np.complex64)[..., 0], {"photometric": "minisblack"}, "a TIFF of 64-bit complex grey"),
        (UNIT.astype(np.float32), {"photometric": "ycbcr"}, "a TIFF of 32-bit float YCbCr"),
        (np.zeros((4, 6, 5), np.uint8), CMYK_AND_ALPHA, "a TIFF of 8-bit CMYK, with channels beside"),
        (np.zeros((4, 6, 3), np.uint8), {"bigtiff": True, "byteorder": ">"}, "it is a big-endian BigTIFF"),
    ],
)
def test_what_is_no_picture_is_refused_by_its_kind(tmp_path, pixels, options, reason):
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    with pytest.raises((ImageReadError, ImageRangeError), match=reason):
        read_image(tmp_path / "a.tif")


def test_without_the_extra_the_kind_and_a_way_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sixteen_bit, "has_deep", lambda: False)
    tifffile.imwrite(tmp_path / "a.tif", UNIT.astype(np.float32), photometric="rgb")
    with pytest.raises(ImageReadError, match=r"a TIFF of 32-bit float RGB;.* Save it as RGB of 16 bits") as caught:
        read_image(tmp_path / "a.tif")
    assert 'pip install "impasto[deep]"' in caught.value.hint


@pytest.mark.parametrize("large", [1, 2**28])
def test_a_float_tiff_is_measured_by_its_header_and_refused_when_cut(tmp_path, monkeypatch, large):
    monkeypatch.setattr(decoding, "LARGE_FILE_BYTES", large)
    for bigtiff in (False, True):
        tifffile.imwrite(tmp_path / "a.tif", UNIT.astype(np.float32), photometric="rgb", bigtiff=bigtiff)
        assert read_image(tmp_path / "a.tif").shape == (1, 3, 4, 6)
        with pytest.raises(ImageSizeError, match="24 pixels"):
            read_image(tmp_path / "a.tif", max_pixels=23)
        whole = (tmp_path / "a.tif").read_bytes()
        for size in (9, 40, len(whole) - 20):
            (tmp_path / "cut.tif").write_bytes(whole[:size])
            with pytest.raises(ImageReadError):
                read_image(tmp_path / "cut.tif")

"""16-bit files: every kind of layout read exactly, and what happens without the extra."""

import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.errors import ImageReadError
from impasto.images import io as images_io
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

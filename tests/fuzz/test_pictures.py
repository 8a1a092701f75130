"""Damaged pictures of every format are read, or refused by an error of ours; what is read can be written again."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
import tifffile
import torch
from fuzzing import fuzz, mutate_bytes, repair_png, survive
from PIL import Image, features

from impasto.images.formats.profiles import srgb_profile
from impasto.images.io import read_metadata, read_picture, write_image

LEVELS = np.random.default_rng(0).random((12, 16, 3))
PICTURE = Image.fromarray((LEVELS * 255).astype(np.uint8))


def build_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x013B], exif[0x8298] = 6, "somebody", "everybody"
    exif[0x8769], exif[0x8825] = {0x9003: "2020:01:01 00:00:00"}, {1: "N", 2: (1.0, 2.0, 3.0)}
    return exif.tobytes()


def by_pillow(kind: str, mode: str = "RGB", **options: object) -> Callable[[Path], None]:
    picture = PICTURE.quantize(16) if mode == "P" else PICTURE.convert(mode)
    return lambda path: picture.save(path, kind, **options)


def by_tifffile(dtype: str, **options: object) -> Callable[[Path], None]:
    levels = LEVELS if dtype.startswith("float") else LEVELS * np.iinfo(dtype).max
    return lambda path: tifffile.imwrite(path, np.kron(levels, np.ones((4, 3, 1))).astype(dtype), **options)


def by_us(suffix: str, depth: int | None = None) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        write_image(torch.rand(1, 3, 12, 16), path.with_suffix(suffix), metadata={"recipe": {}}, depth=depth)
        path.with_suffix(suffix).rename(path)

    return write


CARRIED = {"exif": build_exif(), "icc_profile": srgb_profile()}

KINDS = {
    "png": by_pillow("PNG", **CARRIED, dpi=(300, 300)),
    "png-palette": by_pillow("PNG", "P"),
    "png-alpha": by_pillow("PNG", "LA"),
    "png-16": by_us(".png", 16),
    "png-ours": by_us(".png"),
    "jpeg": by_pillow("JPEG", **CARRIED, dpi=(300, 300)),
    "jpeg-cmyk": by_pillow("JPEG", "CMYK"),
    "jpeg-ours": by_us(".jpg"),
    "webp": by_pillow("WEBP", **CARRIED),
    "webp-lossless": by_pillow("WEBP", "RGBA", lossless=True),
    "tiff": by_pillow("TIFF", **CARRIED, dpi=(300, 300)),
    "tiff-lzw": by_pillow("TIFF", compression="tiff_lzw"),
    "tiff-cmyk": by_pillow("TIFF", "CMYK"),
    "tiff-lab": by_pillow("TIFF", "LAB"),
    "tiff-ours": by_us(".tif", 16),
    "tiff-16": by_tifffile("uint16", photometric="rgb"),
    "tiff-32": by_tifffile("uint32", photometric="rgb"),
    "tiff-float": by_tifffile("float32", photometric="rgb"),
    "tiff-half": by_tifffile("float16", photometric="rgb"),
    "tiff-tiles": by_tifffile("uint16", photometric="rgb", tile=(16, 16), compression="deflate"),
    "bigtiff": by_tifffile("uint16", photometric="rgb", bigtiff=True),
    "gif": by_pillow("GIF"),
    "bmp": by_pillow("BMP"),
    "avif": by_pillow("AVIF", **CARRIED) if features.check("avif") else None,
    "jpeg-2000": by_pillow("JPEG2000"),
    "ppm": by_pillow("PPM"),
    "tga": by_pillow("TGA"),
    "ico": by_pillow("ICO"),
}


@pytest.fixture(scope="module", params=[kind for kind, write in KINDS.items() if write is not None])
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound file."""
    path = tmp_path_factory.mktemp("sound") / "picture"
    KINDS[request.param](path)
    return path


@fuzz(80)
def test_a_damaged_picture(sound: Path, random: Random) -> None:
    data = mutate_bytes(random, sound.read_bytes())
    if data.startswith(b"\x89PNG") and random.random() < 0.7:
        data = repair_png(data)
    path = sound.with_name("damaged")
    path.write_bytes(data)

    def read_and_write() -> None:
        read_metadata(path)
        picture = read_picture(path, max_pixels=10**6)
        assert picture.image.shape[:2] == (1, 3)
        assert bool(((picture.image >= 0) & (picture.image <= 1)).all())
        if picture.image.numel() > 10_000:
            return
        for suffix in (".png", ".jpg", ".tif", ".webp"):
            written = sound.with_name(f"again{suffix}")
            write_image(picture.image, written, carried=picture.carried, keep_profile=True)
            assert read_picture(written).image.shape == picture.image.shape

    survive(read_and_write)


def test_the_files_are_sound(sound: Path) -> None:
    """Otherwise only damage of damage would be tried."""
    assert read_picture(sound).image.shape[:2] == (1, 3)

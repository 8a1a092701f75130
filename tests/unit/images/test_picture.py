"""A picture as it was read: its bytes are read once, and it says where it came from."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.images.io import read_picture
from impasto.images.picture import hash_source


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", "16.png", "16.tif"])
def test_a_file_is_opened_for_its_bytes_once(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("imagecodecs")
    path = tmp_path / f"photo{suffix}"
    exif = Image.Exif()
    exif[0x0112] = 6
    mode = "I;16" if suffix.startswith("16") else "RGB"
    Image.new(mode, (12, 8), 30_000 if mode == "I;16" else "red").save(path, exif=exif)
    data, read = path.read_bytes(), []
    monkeypatch.setattr(Path, "read_bytes", lambda self: read.append(self) or data)
    monkeypatch.setattr(Image, "open", _only_from_memory(Image.open))
    picture = read_picture(path)
    assert read == [path]
    assert picture.size == (12, 8) and picture.orientation == 6 and picture.alpha is None
    assert (picture.name, picture.path) == (path.name, str(path))
    assert picture.sha256 == hashlib.sha256(data).hexdigest()
    assert picture.sha256 == hash_source(path)


def _only_from_memory(opener):  # type: ignore[no-untyped-def]
    def open_bytes(file, *args, **options):  # type: ignore[no-untyped-def]
        assert isinstance(file, io.BytesIO)
        return opener(file, *args, **options)

    return open_bytes


@pytest.mark.parametrize(
    "source",
    [
        torch.rand(3, 4, 5),
        torch.rand(3, 4, 5).to(torch.bfloat16),
        np.random.default_rng(0).integers(0, 256, (4, 5, 4), np.uint8),
        Image.new("LA", (5, 4), (7, 255)),
    ],
    ids=["tensor", "bfloat16", "array", "PIL"],
)
def test_a_picture_without_a_file_is_known_by_its_pixels(source: torch.Tensor) -> None:
    picture = read_picture(source)
    assert (picture.name, picture.path, picture.orientation, picture.size) == ("", "", 1, (4, 5))
    assert picture.sha256 == hash_source(source)
    if source.__class__ is np.ndarray:
        assert picture.sha256 == hashlib.sha256(source.tobytes()).hexdigest()  # type: ignore[attr-defined]

"""Pictures that were sent, encoded anew: upright, in sRGB, with 16 bits and alpha to paint from, shown without EXIF."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from impasto.images.carried import Carried
from impasto.images.formats.profiles import has_deep
from impasto.images.io import read_picture, write_image
from impasto.studio.decode import check_kind
from impasto.studio.decoding import encode_anew
from impasto.studio.folder import PAINTING, SHOWN_JPEG, SHOWN_PNG, THUMBNAIL, UPLOAD
from impasto.studio.limits import Limits
from impasto.studio.refusal import Refusal


def encode(kind: str, **options: Any) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "AVIF", "HEIF"])
def test_seven_kinds_of_files_are_taken(kind: str, tmp_path: Path) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    data = encode(kind)
    check_kind(data[:32], "a")
    (tmp_path / UPLOAD).write_bytes(data)
    found = encode_anew(tmp_path, "a", Limits())
    assert (found["width"], found["height"], found["shown"], found["warnings"]) == (30, 20, SHOWN_JPEG, [])
    assert read_picture(tmp_path / PAINTING).size == read_picture(tmp_path / SHOWN_JPEG).size == (20, 30)


@pytest.mark.parametrize("kind", ["BMP", "PPM", "ICO", "TGA", "JPEG2000", "EPS", "PDF"])
def test_other_kinds_are_refused_by_their_first_bytes(kind: str) -> None:
    with pytest.raises(Refusal, match=r"'a\.png' is no picture") as caught:
        check_kind(encode(kind)[:32], "a.png")
    assert (caught.value.status, caught.value.field) == (415, "file")


def test_a_photograph_is_upright_and_only_the_copy_to_paint_from_has_its_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274], exif[315] = 6, "Ann"  # turned by 90 degrees; the artist
    (tmp_path / UPLOAD).write_bytes(encode("JPEG", exif=exif))
    found = encode_anew(tmp_path, "a", Limits())
    assert (found["width"], found["height"]) == (20, 30)
    for name, artist in ((PAINTING, "Ann"), (SHOWN_JPEG, None), (THUMBNAIL, None)):
        with Image.open(tmp_path / name) as picture:
            assert picture.size == (20, 30) and picture.getexif().get(315) == artist and 274 not in picture.getexif()


@pytest.mark.skipif(not has_deep(), reason="16 bits need the extra deep")
def test_sixteen_bits_and_alpha_are_kept_to_paint_from(tmp_path: Path, picture: Callable[..., Tensor]) -> None:
    alpha = torch.linspace(0, 1, 24).view(1, 1, 1, 24).expand(1, 1, 16, 24)
    write_image(picture(16, 24), tmp_path / "deep.png", carried=Carried(alpha=alpha), depth=16)
    (tmp_path / "deep.png").rename(tmp_path / UPLOAD)
    found = encode_anew(tmp_path, "a", Limits())
    sent, kept = read_picture((tmp_path / UPLOAD).read_bytes()), read_picture(tmp_path / PAINTING)
    assert kept.carried.depth == 16 and kept.alpha is not None and sent.alpha is not None
    assert torch.equal(kept.image, sent.image) and torch.equal(kept.alpha, sent.alpha)
    with Image.open(tmp_path / SHOWN_PNG) as shown:
        assert found["shown"] == SHOWN_PNG and shown.mode == "RGBA"


def test_a_part_is_cropped_with_its_alpha(tmp_path: Path, picture: Callable[..., Tensor]) -> None:
    alpha = torch.linspace(0, 1, 24).view(1, 1, 1, 24).expand(1, 1, 16, 24)
    write_image(picture(16, 24), tmp_path / "whole.png", carried=Carried(alpha=alpha))
    (tmp_path / "whole.png").rename(tmp_path / UPLOAD)
    found = encode_anew(tmp_path, "a", Limits(), (2, 3, 16, 9))
    sent, kept = read_picture((tmp_path / UPLOAD).read_bytes()), read_picture(tmp_path / PAINTING)
    assert (found["width"], found["height"], kept.size) == (16, 9, (9, 16))
    for one, whole in ((kept.alpha, sent.alpha), (kept.carried.color, sent.carried.color)):
        assert one is not None and whole is not None and torch.equal(one, whole[..., 3:12, 2:18])


def test_colors_of_a_profile_become_srgb(tmp_path: Path, other_profile: bytes) -> None:
    (tmp_path / UPLOAD).write_bytes(encode("PNG", icc_profile=other_profile))
    encode_anew(tmp_path, "a", Limits())
    sent, kept = read_picture((tmp_path / UPLOAD).read_bytes()), read_picture(tmp_path / PAINTING)
    assert (kept.image - sent.image).abs().max() < 1e-3
    with Image.open(tmp_path / PAINTING) as plain, Image.open(tmp_path / UPLOAD) as before:
        assert not np.array_equal(np.asarray(plain), np.asarray(before))


def test_a_thumbnail_has_at_most_256_pixels_a_side(tmp_path: Path, picture: Callable[..., Tensor]) -> None:
    write_image(picture(300, 600), tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / UPLOAD)
    encode_anew(tmp_path, "a", Limits())
    with Image.open(tmp_path / THUMBNAIL) as thumbnail:
        assert thumbnail.size == (256, 128)

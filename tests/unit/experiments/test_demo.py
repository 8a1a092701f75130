"""The demo's inputs and its row of pictures."""

import importlib.util
from pathlib import Path

import pytest
import torch

from impasto.errors import MissingExtraError, OutputError, RecipeError
from impasto.experiments.demo import prepare_demo, side_by_side


def test_pictures_stand_in_a_row_at_the_last_ones_height() -> None:
    images = [torch.zeros(1, 3, 20, 40), torch.zeros(1, 3, 30, 15), torch.zeros(1, 3, 10, 12)]
    row = side_by_side(images, gap=2)
    assert row.shape == (1, 3, 10, 20 + 2 + 5 + 2 + 12)
    assert row[0, 0, 0, 20:22].tolist() == [1.0, 1.0]
    assert row[0, 0, 0, 19] == 0


def test_without_scikit_image_the_install_line_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "impasto\[demo\]"'):
        prepare_demo(tmp_path / "shown")


def test_a_wrong_picture_or_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="chelsea, coffee"):
        prepare_demo(tmp_path, "cat")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"):
        prepare_demo(tmp_path / "file")
    with pytest.raises(OutputError, match="mkdir"):
        prepare_demo(tmp_path / "no" / "folder")

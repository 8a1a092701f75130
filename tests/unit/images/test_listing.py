"""What a folder, a pattern and a file mean."""

from pathlib import Path

import pytest

from impasto.errors import BatchError, ImageReadError
from impasto.images import listing
from impasto.images.listing import list_pictures, natural_key


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    (folder / "folder.png").mkdir()
    for name in ("b.jpg", "a.PNG", "c.webp", "notes.txt", ".DS_Store", "more/d.jpg"):
        (folder / name).write_text("x")
    return folder


def names(source: object, out: Path) -> list[str]:
    return [Path(path).name for path in list_pictures(str(source), out, "CONTENTS")]


def test_a_folder_a_pattern_and_a_file(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    assert names(photos, out) == ["a.PNG", "b.jpg", "c.webp"]
    assert names(photos / "*.jpg", out) == ["b.jpg"]
    assert names(photos / "**" / "*.jpg", out) == ["b.jpg", "d.jpg"]
    assert names(photos / "notes.txt", out) == ["notes.txt"]
    monkeypatch.chdir(photos)
    assert list(list_pictures("more", out, "CONTENTS")) == [str(photos / "more" / "d.jpg")]


def test_what_lies_in_the_batchs_own_folder_is_left_out(photos: Path) -> None:
    assert names(photos / "**" / "*.jpg", photos / "more") == ["b.jpg"]
    with pytest.raises(BatchError, match="the folder for the finished pictures"):
        names(photos, photos)


def test_a_huge_folder_is_sorted_piece_by_piece(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "SORTED_AT_ONCE", 2)
    assert sorted(names(photos, tmp_path / "out")) == ["a.PNG", "b.jpg", "c.webp"]


def test_numbers_are_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 2, 1, 12):
        (tmp_path / f"frame{number}.jpg").touch()
    assert names(tmp_path, tmp_path / "out") == ["frame1.jpg", "frame2.jpg", "frame10.jpg", "frame12.jpg"]
    assert sorted(["a10", "a", "a01", "2", "a1"], key=natural_key) == ["2", "a", "a01", "a1", "a10"]


def test_a_folder_without_pictures_is_refused(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", photos / "*.tif"):
        with pytest.raises(BatchError, match=r"CONTENTS .* has no picture; expected files that end in \.png"):
            names(source, tmp_path / "out")
    with pytest.raises(ImageReadError, match="does not exist"):
        names(photos / "b.jpeg", tmp_path / "out")

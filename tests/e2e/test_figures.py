"""The figures of the pages about options: the list names files that are there, and a small one is painted."""

import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS / "site"))

import figures  # noqa: E402 - docs/site is no package
import gallery  # noqa: E402 - docs/site is no package

FIGURES = figures.read_figures()


def test_the_list_is_sound() -> None:
    known = set(gallery.read_list()[1]) | {path.name for path in gallery.FOLDER.glob("*.png")}
    known |= {figures.BEHIND.name, figures.CUT}
    pages = "".join(path.read_text("utf-8") for path in DOCS.rglob("*.md"))
    for figure in FIGURES:
        assert (DOCS / f"{figure.name}.jpg").exists() and f"{figure.name}.jpg" in pages, figure
        assert {*figure.show, *(name for picture in figure.commands for name in picture.inputs)} <= known, figure
        assert all(gallery.expected_recipe(picture) for picture in figure.commands), figure
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("frames", [1, 3])
def test_variants_and_frames_become_a_sheet(frames: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "content").symlink_to(Path.cwd())
    monkeypatch.setattr(figures, "BEHIND", Path.cwd() / "mask.png")
    Image.new("L", (48, 36), "white").save("mask.png")
    command = "stylize photo.png painting.png --weights tiny --size 64 --steps 1 --first-scale 0"
    if frames > 1:
        command = command.replace("painting.png", "painting.png photo.png") + f" --frames {frames}"
    variants = ["--strength 0.3", "--strength 0.9"]
    figure = figures.Figure(name="x", command=command, variants=variants, show=["photo.png"], every=2, cell=64)
    sheet = figures.compose(figure, tmp_path)
    across, down = (2, 2) if frames > 1 else (3, 1)
    assert sheet.width > across * 64 and sheet.height > down * 48


def test_what_is_transparent_is_shown_white(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (8, 4), (255, 0, 0, 255))
    picture.putpixel((7, 0), (0, 0, 0, 0))
    picture.save(tmp_path / "a.png")
    shown = figures.show(tmp_path / "a.png", (0.5, 0, 1, 1))
    assert shown.shape == (1, 3, 4, 4)
    assert torch.equal(shown[0, :, 0, 3], torch.ones(3)) and torch.equal(shown[0, :, 1, 0], torch.tensor([1.0, 0, 0]))

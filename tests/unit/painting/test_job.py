"""A job: the size of its picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from torch import Tensor

import impasto
from impasto.errors import ImageSizeError, RecipeError
from impasto.transfer.rerun import prepare_rerun

Paint = Callable[..., Tensor]

FIELDS: dict[str, Any] = {
    "weights": "tiny", "steps": 2, "first_scale": 0, "content_layers": ("conv2_2",), "style_layers": ("conv1_1",),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, picture: Paint, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with two photographs and a painting."""
    monkeypatch.setenv("IMPASTO_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    impasto.write_image(picture(36, 47), "photo.png")
    impasto.write_image(picture(50, 33, 3), "upright.png")
    impasto.write_image(picture(40, 32, 1), "painting.png")
    return tmp_path


def test_size_content_is_that_of_each_photograph(folder: Path) -> None:
    recipe = impasto.Recipe(size="content", dpi=300, **FIELDS)
    result = impasto.stylize("photo.png", "painting.png", recipe)
    result.save("a.png")
    with Image.open("a.png") as written:
        assert written.size == (47, 36)
        assert written.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    impasto.rerun("a.png").save("b.png")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert prepare_rerun("a.png", content="upright.png").plan.size == (50, 33)


def test_a_photograph_too_small_for_its_own_size_is_refused(folder: Path, picture: Paint) -> None:
    impasto.write_image(picture(1, 40), "line.png")
    with pytest.raises(ImageSizeError, match="content_image is 40x1"):
        impasto.stylize("line.png", "painting.png", impasto.Recipe(size="content", **FIELDS))


def test_a_texture_has_no_size_content(folder: Path) -> None:
    with pytest.raises(RecipeError, match="size is 'content'"):
        impasto.synthesize_texture("photo.png", recipe=impasto.Recipe.preset("texture", size="content", weights="tiny"))


def test_reconstructions_may_have_the_size_of_their_picture(folder: Path) -> None:
    recipe = impasto.Recipe.preset("reconstruct", size="content", weights="tiny", steps=1)
    for layers in ("content_layers", "style_layers"):
        assert impasto.reconstruct("photo.png", recipe=recipe, **{layers: ("conv2_1",)}).pastiche.shape[-2:] == (36, 47)

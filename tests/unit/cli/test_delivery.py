"""Names of pictures for which nobody gave one."""

import os
from pathlib import Path

import pytest

from impasto.cli.delivery import NAME_BYTES, Delivery, default_name, free_path
from impasto.cli.options import Evolution
from impasto.recipe.recipe import Recipe


def test_a_default_name_is_that_of_the_inputs() -> None:
    assert default_name([Path("a/My photo.jpg"), Path("/b/night.tar.png"), "texture"]) == Path(
        "My photo-night.tar-texture.png"
    )
    assert default_name(["photo.jpg", "a.png", "b.png"], ".webp") == Path("photo-a-b.webp")


@pytest.mark.parametrize("letter", ["a", "é", "漢", "\udcff"])
def test_a_default_name_fits_the_disk(letter: str, tmp_path: Path) -> None:
    name = default_name([letter * 150, letter * 150])
    assert len(os.fsencode(name.stem)) <= NAME_BYTES
    (tmp_path / name).touch()


def test_a_free_path_does_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "photo-painting.png"
    assert free_path(path) == path
    path.touch()
    assert free_path(path) == tmp_path / "photo-painting-2.png"
    (tmp_path / "photo-painting-2.png").symlink_to("nowhere")  # a dangling link is in the way too
    assert free_path(path) == tmp_path / "photo-painting-3.png"


def test_a_delivery_without_a_name_records_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a-b.png").touch()
    chosen = Delivery(None, [], Recipe(), Evolution(), default=Path("a-b.png"))
    assert (Path(chosen.record["output"]).name, chosen.record["is_default"]) == ("a-b-2.png", True)
    given = Delivery(Path("a-b.png"), [], Recipe(), Evolution(), default=Path("c.png"))
    assert (Path(given.record["output"]).name, given.record["is_default"]) == ("a-b.png", False)

"""The gallery: its list names files that captions know, a picture's age is read from inside it, small pictures."""

import dataclasses
import sys
from pathlib import Path

import pytest
from PIL import Image

from impasto.cli.app import main
from impasto.images.formats.metadata import find_metadata
from impasto.recipe.recipe import Recipe

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS / "site"))

import gallery  # noqa: E402 - docs/site is no package

MASKS = {path.name for path in gallery.FOLDER.glob("*.png")}
PICTURES = gallery.list_pictures()


def test_the_list_is_sound() -> None:
    _, names, groups = gallery.read_list()
    assert len({picture.name for picture in PICTURES}) == len(PICTURES) >= 40
    for picture in PICTURES:
        assert picture.inputs and set(picture.inputs) <= set(names) | MASKS, picture
        assert gallery.expected_recipe(picture), picture
    named = {name for picture in PICTURES for name in picture.inputs}
    assert set(names) | MASKS == named
    assert all(len(titles) == 2 and pictures for titles, pictures in groups)


def test_the_first_of_each_group_is_painted_first() -> None:
    groups = [pictures for _, pictures in gallery.read_list()[2]]
    assert PICTURES[: len(groups)] == [pictures[0] for pictures in groups]


def test_an_input_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"^x: nowhere\.jpg in none of "):
        gallery.find_inputs(gallery.Picture(name="x", command="stylize nowhere.jpg"), tmp_path)


@pytest.mark.usefixtures("folder")
def test_the_age_of_a_picture_is_read_from_inside_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gallery, "FOLDER", tmp_path)
    command = "stylize photo.png painting.png --weights tiny --size 64 --steps 1 --first-scale 0"
    picture = gallery.Picture(name="small", command=command)
    assert not gallery.is_current(picture)
    assert main([*picture.words, "-o", "painted.png", "--quiet"]) == 0
    metadata = find_metadata(tmp_path / "painted.png", "painted")
    assert metadata is not None
    with Image.open("painted.png") as painted:
        gallery.write_jpeg([painted, painted], picture.path, metadata)
    with Image.open(picture.path) as row:
        assert row.size == (2 * 64 + 4, 48)
    assert gallery.is_current(picture)
    assert not gallery.is_current(dataclasses.replace(picture, command=f"{command} --strength 0.7"))
    assert gallery.is_current(gallery.Picture(name="small", command="apply starry-night photo.png --size 64"))
    monkeypatch.setattr(gallery, "__version__", "another")
    assert not gallery.is_current(picture)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_pictures_are_small_and_have_their_recipe_inside_and_beside(picture: gallery.Picture) -> None:
    assert picture.path.stat().st_size < 90_000
    inside = (find_metadata(picture.path, picture.name) or {})["recipe"]
    if picture.has_recipe:
        assert Recipe.read(picture.path.with_suffix(".toml")) == Recipe.from_dict(inside)


def test_the_pages_are_written_from_the_list() -> None:
    for language, name in enumerate(("gallery.md", "gallery.zh.md")):
        assert (DOCS / name).read_text("utf-8") == gallery.page(language), f"{name}: run make gallery DATA=FOLDER"


def test_nothing_else_lies_in_the_gallery() -> None:
    recipes = {f"{picture.name}.toml" for picture in PICTURES if picture.has_recipe}
    there = {path.name for path in gallery.FOLDER.iterdir()}
    assert there == MASKS | recipes | {f"{picture.name}.jpg" for picture in PICTURES} | {"made.json"}

"""A batch is checked before it begins: pairs, names of their own, and no input in danger."""

import dataclasses
import sys
from pathlib import Path

import pytest

from impasto.batch.jobs import Job
from impasto.batch.naming import NameTemplate
from impasto.batch.pairs import Pairs
from impasto.batch.plan import check_jobs
from impasto.errors import BatchError, OutputError, RecipeError
from impasto.recipe.recipe import Recipe


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for name in ("photos/a.png", "photos/b.png", "photos/a.jpg", "styles/x.png", "styles/y.png", "styles/z.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


def pairs(folder: Path, kind: str = "all", template: str = "{content}_{style}.png", **changes: str) -> Pairs:
    contents, styles = changes.get("contents", "photos/*.png"), changes.get("styles", "styles")
    out = folder / changes.get("out", "out")
    recipe = Recipe()
    return Pairs([str(folder / contents)], [str(folder / styles)], kind, NameTemplate(template), recipe, out)


def test_every_pair_style_by_style_or_one_beside_the_other(folders: Path) -> None:
    every = pairs(folders)
    assert check_jobs(every, folders / "out") == 6
    assert [job.output for job in every] == ["a_x.png", "b_x.png", "a_y.png", "b_y.png", "a_z.png", "b_z.png"]
    beside = pairs(folders, "zip", contents="photos")
    assert [job.output for job in beside] == ["a_x.png", "a_y.png", "b_z.png"]
    with pytest.raises(BatchError, match="2 photographs and 3 paintings"):
        check_jobs(pairs(folders, "zip"), folders / "out")
    with pytest.raises(BatchError, match="pairs is 'some'"):
        pairs(folders, "some")


def test_two_pictures_of_one_name_are_refused(folders: Path) -> None:
    with pytest.raises(BatchError, match=r"two pictures would be named 'a_x.png': .*a\.jpg.* and .*a\.png") as caught:
        check_jobs(pairs(folders, contents="photos"), folders / "out")
    assert caught.value.hint.startswith("Rename one of the inputs, so that finished pictures keep their names")


def test_names_that_differ_in_case_alone_are_one_file_on_some_systems(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (folders / name).mkdir()
    (folders / "one" / "IMG.png").write_text("x")
    (folders / "two" / "img.png").write_text("x")
    paths = [folders / "one" / "IMG.png", folders / "two" / "img.png"]
    jobs = [Job(str(path), ("styles/x.png",), path.name, Recipe()) for path in paths]
    assert check_jobs(jobs, folders / "out") == 2
    for system in ("darwin", "win32"):
        monkeypatch.setattr(sys, "platform", system)
        with pytest.raises(BatchError, match=r"two pictures would be named 'img\.png': .*IMG\.png.* and .*img\.png"):
            check_jobs(jobs, folders / "out")
        with pytest.raises(OutputError, match=r"output 'Img\.png' .* is the input"):
            check_jobs([dataclasses.replace(jobs[0], output="Img.png")], folders / "one")


def test_no_input_is_replaced(folders: Path) -> None:
    (folders / "link").symlink_to(folders / "photos")
    jobs = [Job(str(folders / "photos" / "a.png"), (str(folders / "styles" / "x.png"),), "a.png", Recipe())]
    for place in ("photos", "link"):
        with pytest.raises(OutputError, match="is the input"):
            check_jobs(jobs, folders / place)
    (folders / "out" / "a.png").mkdir(parents=True)
    with pytest.raises(OutputError, match="is a folder"):
        check_jobs(jobs, folders / "out")


def test_a_recipe_that_fits_no_job_is_refused(folders: Path) -> None:
    cases = (
        (Recipe(size=(90, 90)), "keeps the photograph's aspect"),
        (Recipe(style_blend=(1, 2)), "2 weights"),
        (Recipe(region_weights=(1, 2)), "region_weights is 1,2, and a batch has no masks.*stylize --content-mask"),
        (Recipe(frames=3), "frames is 3; expected 1 in a batch.*stylize --frames"),
    )
    for recipe, told in cases:
        with pytest.raises(RecipeError, match=told):
            check_jobs([Job("a.png", ("b.png",), "c.png", recipe)], folders)

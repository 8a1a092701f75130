"""`stylize_batch`: pictures of lists and folders, painted in the calling process, with what came of each."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

import impasto
from impasto.errors import BatchError, KeywordError, RecipeError

TINY: Any = {"weights": "tiny", "size": 32, "steps": 1, "first_scale": 0, "threads": 1}


@pytest.fixture
def photos(tmp_path: Path, picture: Callable[..., Tensor]) -> Path:
    (tmp_path / "photos").mkdir()
    for number in (1, 2):
        impasto.write_image(picture(32, 32, number), tmp_path / "photos" / f"photo{number}.png")
    impasto.write_image(picture(32, 32, 3), tmp_path / "style.png")
    return tmp_path / "photos"


def test_pictures_of_a_folder_are_painted_once_and_found_again(photos: Path, tmp_path: Path) -> None:
    events: list[impasto.BatchEvent] = []
    recipe: Any = {**TINY, "recolor": 0.5}
    made = impasto.stylize_batch(photos, tmp_path / "style.png", tmp_path / "out", **recipe, on_event=events.append)
    assert [path.name for path in made.pictures] == ["photo1_style.png", "photo2_style.png"]
    assert all(path.is_file() for path in made.pictures) and made.failures == ()
    alone = impasto.stylize(photos / "photo1.png", tmp_path / "style.png", **recipe)
    alone.save(tmp_path / "alone.png")
    assert made.pictures[0].read_bytes() == (tmp_path / "alone.png").read_bytes()
    assert [event.kind for event in events] == ["begun", "done"] * 2
    lines = [json.loads(line) for line in made.manifest.read_text().splitlines()]
    (first, _) = (line["losses"]["total"] for line in lines if line.get("event") == "done")
    assert first == alone.losses["total"]
    again = impasto.stylize_batch(photos, tmp_path / "style.png", tmp_path / "out", **recipe)
    assert again.pictures == made.pictures and (again.tally.kept, again.tally.done) == (2, 0)


def test_lists_are_taken_and_a_bad_picture_is_a_failure(photos: Path, tmp_path: Path) -> None:
    (photos / "bad.png").write_text("no picture")
    contents = [photos / "photo2.png", str(photos / "bad.png")]
    made = impasto.stylize_batch(contents, [tmp_path / "style.png"], tmp_path / "out", **TINY)
    assert [path.name for path in made.pictures] == ["photo2_style.png"]
    assert [failure["output"] for failure in made.failures] == ["bad_style.png"]


def test_ctrl_c_ends_the_batch_without_the_picture_that_it_stopped(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*step: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("impasto.batch.painter.Step", interrupt)
    with pytest.raises(KeyboardInterrupt):
        impasto.stylize_batch(photos, tmp_path / "style.png", tmp_path / "out", **TINY)
    assert list((tmp_path / "out").glob("*.png")) == []


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"contents": []}, RecipeError, "no photograph is given"),
        ({"styles": []}, RecipeError, "no style image is given"),
        ({"styles": None}, RecipeError, "no style image is given"),
        ({"styles": [3]}, BatchError, r"a style image of a batch is \[3\]; expected a folder"),
        ({"jobs": 0}, BatchError, "jobs is 0"),
        ({"pairs": "each"}, BatchError, "pairs is 'each'"),
        ({"strenth": 0.5}, KeywordError, "stylize_batch.* Did you mean 'strength'"),
        ({"run_dir": "x"}, KeywordError, "no keyword 'run_dir'"),
        ({"size": (32, 32)}, RecipeError, "keeps the photograph's aspect"),
    ],
)
def test_what_cannot_be_painted_is_refused(
    changes: dict[str, Any], error: type[Exception], words: str, photos: Path, tmp_path: Path
) -> None:
    given = {"contents": photos, "styles": tmp_path / "style.png", "folder": tmp_path / "out", **TINY, **changes}
    with pytest.raises(error, match=words):
        impasto.stylize_batch(**given)
    assert not (tmp_path / "out").exists()

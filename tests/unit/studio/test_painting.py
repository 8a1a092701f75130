"""What a painter's child does with a job: painted, paused and resumed to the same bytes, stopped, failed."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.errors import DiskError, RecipeError
from impasto.images.io import read_image, write_image
from impasto.recipe.recipe import Recipe
from impasto.runs.record import Record
from impasto.studio.painting import Control, describe_failure, limit_data, paint_order

OPTIONS = {"device": "cpu", "threads": 1}


@pytest.fixture
def order_of(tmp_path: Path, picture: Callable[..., Tensor]) -> Callable[..., dict[str, Any]]:
    """order_of(name, **fields): the order of a small job in a folder of that name."""
    for number, name in enumerate(("photo.png", "painting.png")):
        write_image(picture(32, 40, number), tmp_path / name)

    def order(name: str, **fields: Any) -> dict[str, Any]:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        recipe = Recipe(weights="tiny", size=48, steps=6, first_scale=0)
        pictures = {"content": str(tmp_path / "photo.png"), "styles": [str(tmp_path / "painting.png")]}
        nothing = {"only": None, "protect": None, "fine_style": None, "init": None}
        masks: dict[str, Any] = {"content_masks": [], "style_masks": []}
        values = {"kind": "stylize", "recipe": recipe.to_dict(), **pictures, **nothing, **masks}
        return {"folder": str(folder), "wish": "", **values, **fields}

    return order


def paint(order: dict[str, Any], wish: str = "", at: int = 3) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the end of an order, and its steps; `wish` comes after step `at`."""
    control, steps = Control(), list[dict[str, Any]]()
    control.take(("paint", 1, order))
    assert control.next_order() is order

    def send(kind: str, values: Any) -> None:
        steps.append(values)
        if values["step"] == at and wish:
            control.take(("wish", 1, wish))

    return paint_order(order, OPTIONS, control, send), steps


def test_a_job_is_painted_with_previews_and_evolution(order_of: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    end, steps = paint(order_of("job"))
    assert end["state"] == "done" and (end["outcome"]["width"], end["outcome"]["height"]) == (48, 38)
    assert [step["step"] for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [step["previews"] for step in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[-1]["share"] == 1 and steps[0]["losses"]["total"] > steps[-1]["losses"]["total"]
    names = {path.relative_to(tmp_path / "job").as_posix() for path in (tmp_path / "job").rglob("*") if path.is_file()}
    assert {"preview.jpg", "thumbnail.jpg", "evolution.webp", "run/result.png", "run/run.json"} <= names
    assert paint(order_of("job"))[0] == end  # the server was killed before it had heard of the end


def test_a_paused_job_ends_with_the_same_bytes(order_of: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    paint(order_of("whole"))
    assert paint(order_of("parts"), "pause")[0] == {"state": "paused"}
    assert not (tmp_path / "parts" / "run" / "result.png").exists()
    assert read_image(tmp_path / "parts" / "kept.png").shape == (1, 3, 38, 48)
    assert paint(order_of("closed"), "close")[0] == {"state": "paused"}
    assert not (tmp_path / "closed" / "kept.png").exists()
    end, steps = paint(order_of("parts"))
    assert end["state"] == "done" and [step["step"] for step in steps] == [4, 5, 6]
    assert not (tmp_path / "parts" / "kept.png").exists()
    results = [(tmp_path / name / "run" / "result.png").read_bytes() for name in ("whole", "parts")]
    assert results[0] == results[1]


def test_a_stopped_job_keeps_its_picture(order_of: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    end, steps = paint(order_of("job"), "stop", at=2)
    assert end["state"] == "stopped" and end["outcome"]["step"] == 2 and len(steps) == 2
    assert (tmp_path / "job" / "run" / "result.png").is_file() and (tmp_path / "job" / "thumbnail.jpg").is_file()
    record = Record.read(tmp_path / "job" / "run")
    assert record.finished is not None and record.finished["end"] == "stopped"


def test_a_texture_is_painted(order_of: Callable[..., dict[str, Any]]) -> None:
    recipe = Recipe.preset("texture", weights="tiny", size=48, steps=2, first_scale=0)
    end, _ = paint(order_of("texture", kind="texture", content=None, recipe=recipe.to_dict()))
    assert end["state"] == "done" and max(end["outcome"]["width"], end["outcome"]["height"]) == 48


def test_a_job_goes_on_where_the_studio_was_moved(order_of: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    folder = tmp_path / "studio"
    folder.mkdir()
    for name in ("photo.png", "painting.png"):
        (tmp_path / name).rename(folder / name)
    pictures = {"content": str(folder / "photo.png"), "styles": [str(folder / "painting.png")]}
    assert paint(order_of("studio/job", **pictures), "pause")[0]["state"] == "paused"
    moved = folder.rename(tmp_path / "moved")
    assert paint({**order_of("job", **pictures), "folder": str(moved / "job")})[0]["state"] == "done"
    paths = {Path(source.path) for source in Record.read(moved / "job" / "run").sources}
    assert paths == {moved / "photo.png", moved / "painting.png"}


def test_a_part_of_one_painting_and_all_of_another(order_of: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    part = torch.zeros(1, 3, 32, 40)
    part[..., :20] = 1
    write_image(part, tmp_path / "part.png")
    painting = str(tmp_path / "painting.png")
    order = order_of("parts", styles=[painting, painting], style_masks=[str(tmp_path / "part.png"), None])
    assert paint(order)[0]["state"] == "done"
    masks = [source for source in Record.read(tmp_path / "parts" / "run").sources if source.role == "style_mask"]
    assert [mask.name for mask in masks] == ["part.png", ""]


def test_a_run_that_had_only_begun_is_begun_anew(order_of: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    order = order_of("job")
    (tmp_path / "job" / "run").mkdir()
    (tmp_path / "job" / "run" / "recipe.toml").write_text("")
    assert paint(order)[0]["state"] == "done"


def test_a_wish_that_comes_first_holds_for_its_own_turn() -> None:
    control = Control()
    control.take(("wish", 2, "pause"))
    for turn in (1, 2, 3):
        control.take(("paint", turn, {"wish": "stop" if turn == 3 else ""}))
    wishes = []
    for _ in range(3):
        control.next_order()
        wishes.append(control.wish)
    assert wishes == ["", "pause", "stop"]


def test_failures_are_told_in_words() -> None:
    failed = describe_failure(RecipeError("size is 0; expected more.", "Give 512."))
    assert failed["state"] == "failed"
    assert failed["message"]["text"] == "size is 0; expected more." and failed["message"]["hint"] == "Give 512."
    assert describe_failure(DiskError("the disk is full.", "Free some space."))["state"] == "paused"
    fault = describe_failure(ZeroDivisionError("division by zero"))
    assert fault["state"] == "failed" and "ZeroDivisionError" in fault["message"]["text"]


def test_a_painter_has_no_more_memory_than_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource", reason="memory of a process is limited on Linux")
    if sys.platform != "linux":
        pytest.skip("memory of a process is limited on Linux")
    limits: list[Any] = []
    monkeypatch.setattr(resource, "setrlimit", lambda *limit: limits.append(limit))
    monkeypatch.setattr("impasto.system.memory.total_bytes", lambda: 1000)
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    for max_memory in (None, 900, 1100):  # more, where the user says so: it may be swapped
        limit_data(max_memory)
    assert limits == [(resource.RLIMIT_DATA, (most, hard)) for most in (1000, 1000, 1100)]

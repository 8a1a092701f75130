"""Which steps are kept, at which size, and what happens when the disk says no."""

import itertools
import logging
from pathlib import Path

import pytest
import torch
from PIL import Image

from impasto.errors import OutputError
from impasto.optimize.events import StepEvent
from impasto.runs.evolution import MAX_FRAMES, Evolution, check_snapshot_dir


def event(step: int, steps: int = 240, size: tuple[int, int] = (12, 16)) -> StepEvent:
    image = torch.full((1, 3, 6, 8), step / steps)
    return StepEvent(scale=8, size=size, step=step, steps=steps, losses={"total": 1.0}, elapsed_s=0.0, image=image)


def frames_in(path: Path) -> int:
    with Image.open(path) as animation:
        return int(getattr(animation, "n_frames", 1))


def test_snapshots_have_the_final_size_and_names_that_sort(tmp_path: Path) -> None:
    folder = tmp_path / "steps"
    evolution = Evolution(snapshot_dir=folder, snapshot_every=20)
    assert not folder.exists()
    for step in range(1, 61):
        evolution.on_step(event(step))
    assert [path.name for path in evolution.snapshots] == ["step_0020.png", "step_0040.png", "step_0060.png"]
    with Image.open(evolution.snapshots[0]) as written:
        assert written.size == (16, 12)


def test_a_disk_that_fails_ends_the_snapshots_not_the_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "steps"
    folder.write_text("in the way", "ascii")
    evolution = Evolution(snapshot_dir=folder, snapshot_every=1)
    with caplog.at_level(logging.WARNING):
        for step in (1, 2, 3):
            evolution.on_step(event(step))
    assert evolution.snapshots == []
    assert len(caplog.records) == 1
    assert "snapshots end at step 1" in caplog.text


def test_an_animation_alone_takes_some_sixty_frames_more_of_them_early(tmp_path: Path) -> None:
    taken = []
    evolution = Evolution(animate=True)
    for step in range(1, 501):
        before = len(evolution._frames)
        evolution.on_step(event(step, 500))
        taken += [step] if len(evolution._frames) > before else []
    assert 45 <= len(taken) <= 60
    assert taken[0] == 1
    assert taken[len(taken) // 2] <= 500 / 3
    evolution.write_animation(tmp_path / "a.webp", torch.ones(1, 3, 12, 16))
    with Image.open(tmp_path / "a.webp") as written:
        assert written.size == (16, 12)


def test_an_animation_of_snapshots_has_one_frame_each_and_the_result(tmp_path: Path) -> None:
    evolution = Evolution(snapshot_dir=tmp_path / "steps", snapshot_every=3, animate=True)
    for step in range(1, 13):
        evolution.on_step(event(step, 12))
    evolution.write_animation(tmp_path / "a.gif", torch.zeros(1, 3, 12, 16))
    assert (len(evolution.snapshots), frames_in(tmp_path / "a.gif")) == (4, 5)


def test_frames_are_thinned_evenly_and_never_pile_up() -> None:
    evolution = Evolution(snapshot_every=1, animate=True)
    for step in range(1, 1001):
        evolution.on_step(event(step, 1000))
        assert len(evolution._frames) <= MAX_FRAMES
    levels = [int(frame[0, 0, 0]) for frame in evolution._frames]
    gaps = {later - earlier for earlier, later in itertools.pairwise(levels)}
    assert len(levels) > MAX_FRAMES // 2 - 1
    assert max(gaps) - min(gaps) <= 1


def test_a_snapshot_folder_is_checked_beforehand(tmp_path: Path) -> None:
    assert check_snapshot_dir(tmp_path / "steps") == tmp_path / "steps"
    assert not (tmp_path / "steps").exists()
    with pytest.raises(OutputError, match="mkdir"):
        check_snapshot_dir(tmp_path / "no" / "steps")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="not a folder"):
        check_snapshot_dir(tmp_path / "file")

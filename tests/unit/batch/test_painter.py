"""A worker's painter paints as `stylize` does, and checks what all pictures share before the first."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from torch import Tensor

import impasto
from impasto.batch.jobs import Job, Setup, Step
from impasto.batch.painter import Painter
from impasto.batch.run import build_painter
from impasto.errors import DeviceError, ImageReadError, OutputError
from impasto.images.io import write_image
from impasto.workers.pool import Share

RECIPE = impasto.Recipe(weights="tiny", size=32, steps=2, first_scale=0)
SETUP = Setup(threads=1)


@pytest.fixture
def job(tmp_path: Path, picture: Callable[..., Tensor]) -> Job:
    for number, name in enumerate(("photo.png", "style.png")):
        write_image(picture(24, 32, number), tmp_path / name)
    return Job(str(tmp_path / "photo.png"), (str(tmp_path / "style.png"),), "out.png", RECIPE)


def test_pictures_are_those_of_stylize(job: Job, tmp_path: Path) -> None:
    paint = build_painter(SETUP, job, Share())
    steps: list[Step] = []
    first, again = paint(job, steps.append), paint(job, steps.append)
    impasto.stylize(job.content, [*job.styles], RECIPE, threads=1).save(tmp_path / "alone.png")
    assert first.picture == again.picture == (tmp_path / "alone.png").read_bytes()
    assert first.facts["steps"] == 2 and first.facts["size"] == {"width": 32, "height": 24}
    assert steps[0] == Step(32, 1, 2)
    (tmp_path / "empty.png").touch()
    with pytest.raises(ImageReadError, match="is empty, 0 bytes"):
        paint(replace(job, content=str(tmp_path / "empty.png")), steps.append)


def test_what_no_picture_could_be_painted_with_is_refused(job: Job) -> None:
    with pytest.raises(DeviceError, match="cuda:7"):
        build_painter(Setup(device="cuda:7"), job, Share())
    with pytest.raises(OutputError, match=r"^output 'out.pgn' has the unknown suffix"):
        build_painter(SETUP, replace(job, output="a/out.pgn"), Share())


def test_the_estimate_is_of_the_first_picture_that_can_be_painted(job: Job) -> None:
    painter = Painter(SETUP, Share())
    missing = replace(job, content="missing.png")
    assert painter.estimate([missing]) is None
    estimate = painter.estimate([missing, job])
    assert estimate is not None and estimate.seconds > 0 and estimate.peak_bytes > 0


def test_a_memory_limit_is_shared(job: Job) -> None:
    assert Painter(Setup(device="cpu", max_memory=900), Share(memory=1 / 3))._options["max_memory"] == 300
    assert Painter(Setup(device="cpu"), Share())._options["max_memory"] is None

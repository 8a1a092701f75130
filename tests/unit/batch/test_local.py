"""Workers as processes: they paint as one process does, and are replaced when they die."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from torch import Tensor

import impasto
from impasto.batch.jobs import Job, Setup
from impasto.batch.local import LocalCrew, describe_end
from impasto.batch.reports import Failed, Lost, Painted, Report, Stepped
from impasto.errors import DeviceError
from impasto.images.io import write_image

RECIPE = impasto.Recipe(weights="tiny", size=32, steps=2, first_scale=0)
ENDLESS = RECIPE.replace(steps=1_000_000)


@pytest.fixture
def job(tmp_path: Path, picture: Callable[..., Tensor]) -> Job:
    for number, name in enumerate(("photo.png", "style.png")):
        write_image(picture(24, 32, number), tmp_path / name)
    return Job(str(tmp_path / "photo.png"), (str(tmp_path / "style.png"),), "out.png", RECIPE)


Hire = Callable[..., LocalCrew]


@pytest.fixture
def hire(job: Job) -> Iterator[Hire]:
    crews: list[LocalCrew] = []

    def start(workers: int = 1, setup: Setup | None = None) -> LocalCrew:
        crews.append(LocalCrew(setup or Setup(threads=1), workers, job))
        return crews[-1]

    yield start
    for crew in crews:
        crew.close()


def until(crew: LocalCrew, condition: Callable[[], object]) -> list[Report]:
    reports: list[Report] = []
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        reports += crew.wait(0.1)
    return reports


def test_pictures_are_those_of_one_process_and_bad_files_are_told(job: Job, hire: Hire, tmp_path: Path) -> None:
    crew = hire()
    until(crew, lambda: crew.idle)
    (tmp_path / "empty.png").touch()
    reports: list[Report] = []
    for each in (job, replace(job, content=str(tmp_path / "empty.png")), job):
        crew.begin(each)
        assert crew.idle == 0
        reports += [report for report in until(crew, lambda: crew.idle) if not isinstance(report, Stepped)]
    first, bad, again = reports
    impasto.stylize(job.content, [*job.styles], RECIPE, threads=1).save(tmp_path / "alone.png")
    assert isinstance(first, Painted) and isinstance(again, Painted)
    assert first.picture == again.picture == (tmp_path / "alone.png").read_bytes()
    assert first.facts["steps"] == 2 and first.facts["size"] == {"width": 32, "height": 24}
    assert isinstance(bad, Failed) and "is empty, 0 bytes" in bad.error


def test_a_worker_that_is_killed_is_replaced(job: Job, hire: Hire) -> None:
    crew = hire()
    until(crew, lambda: crew.idle)
    crew.begin(replace(job, recipe=ENDLESS))
    steps: list[Report] = []
    while not steps:
        steps += crew.wait(0.1)
    assert isinstance(steps[0], Stepped) and steps[0].steps == 1_000_000
    killed = crew._workers[0].process.pid
    os.kill(killed, signal.SIGKILL)
    (lost,) = [report for report in until(crew, lambda: crew.idle) if isinstance(report, Lost)]
    assert "SIGKILL" in lost.reason and lost.job.output == "out.png"
    assert crew._workers[0].process.pid != killed and len(crew._workers) == 1


def test_what_no_picture_could_be_painted_with_is_raised(hire: Hire) -> None:
    crew = hire(setup=Setup(device="cuda:7"))
    with pytest.raises(DeviceError, match="cuda:7"):
        until(crew, lambda: crew.idle)


@pytest.mark.parametrize(
    ("code", "told"), [(3, "exit code 3"), (-9, "SIGKILL, perhaps for want of memory"), (-11, "SIGSEGV")]
)
def test_ends_in_words(code: int, told: str) -> None:
    assert told in describe_end(code)

"""Jobs to workers and events into the manifest, with a crew that only pretends to paint."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from impasto.batch.jobs import Job, Setup
from impasto.batch.manifest import NAME
from impasto.batch.reports import Failed, Lost, Painted, Report
from impasto.batch.run import BatchEvent, Tally, paint_batch
from impasto.errors import BatchError, DiskError
from impasto.recipe.recipe import Recipe

FACTS = {"steps": 2, "peak_bytes": 7, "losses": {"total": 1.0}}

Answer = Callable[[Job], Report]


class FakeCrew:
    """Paints at once whatever `answer` says, one job a worker, the one that was begun last first."""

    def __init__(self, workers: int, answer: Answer) -> None:
        self.size, self.answer = workers, answer
        self.busy: list[Job] = []
        self.begun: list[str] = []
        self.most = 0
        self.is_closed = False

    @property
    def idle(self) -> int:
        return self.size - len(self.busy)

    def begin(self, job: Job) -> None:
        self.busy.append(job)
        self.begun.append(job.output)
        self.most = max(self.most, len(self.busy))

    def wait(self, timeout_s: float) -> Sequence[Report]:
        return [self.answer(self.busy.pop())]

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    for name in [f"photo{number}.png" for number in range(8)] + ["style.png"]:
        (tmp_path / name).write_text(name)
    return tmp_path


def jobs(folder: Path, count: int = 8, **changes: Any) -> list[Job]:
    recipe = Recipe(**changes)
    style = (str(folder / "style.png"),)
    return [Job(str(folder / f"photo{number}.png"), style, f"{number}.png", recipe) for number in range(count)]


def painted(job: Job) -> Report:
    return Painted(job, f"picture {job.output}".encode(), FACTS)


def run(folder: Path, wanted: Sequence[Job], crew: FakeCrew, **more: Any) -> Tally:
    return paint_batch(wanted, len(wanted), folder / "out", Setup(), lambda trial: crew, **more)


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = (folder / "out" / NAME).read_text().splitlines()
    return [event for event in map(json.loads, lines) if event.get("event") == kind]


def test_every_job_is_painted_and_a_second_call_does_nothing(inputs: Path) -> None:
    crew = FakeCrew(3, painted)
    seen: list[BatchEvent] = []
    tally = run(inputs, jobs(inputs), crew, on_event=seen.append)
    assert (tally.jobs, tally.done, tally.failed, tally.kept, tally.left) == (8, 8, 0, 0, 0)
    assert (tally.steps, tally.peak_bytes) == (16, 7)
    assert crew.is_closed and crew.most == 3
    assert [event.kind for event in seen].count("begun") == [event.kind for event in seen].count("done") == 8
    assert (inputs / "out" / "3.png").read_bytes() == b"picture 3.png"
    assert len(events(inputs, "done")) == 8 and events(inputs, "done")[0]["losses"] == {"total": 1.0}

    def never(trial: Job) -> FakeCrew:
        raise AssertionError("hired for nothing")

    again = paint_batch(jobs(inputs), 8, inputs / "out", Setup(), never)
    assert (again.done, again.kept, again.left) == (0, 8, 0)


def test_what_is_missing_changed_or_failed_is_painted_again(inputs: Path) -> None:
    def answer(job: Job) -> Report:
        return Failed(job, "it is odd.", "Mend it.") if job.output == "2.png" else painted(job)

    tally = run(inputs, jobs(inputs), FakeCrew(2, answer))
    assert (tally.done, tally.failed) == (7, 1)
    assert tally.failures[0]["error"] == "it is odd." and tally.failures[0]["content"].endswith("photo2.png")
    assert not (inputs / "out" / "2.png").exists()
    (inputs / "out" / "4.png").unlink()
    os.utime(inputs / "photo5.png", ns=(1, 1))
    crew = FakeCrew(2, painted)
    assert run(inputs, jobs(inputs), crew).kept == 5
    assert sorted(crew.begun) == ["2.png", "4.png", "5.png"]
    crew = FakeCrew(2, painted)
    run(inputs, jobs(inputs, seed=1), crew)
    assert len(crew.begun) == 8


def test_jobs_are_taken_as_workers_become_free(inputs: Path) -> None:
    taken: list[str] = []

    def stream() -> Iterator[Job]:
        for job in jobs(inputs):
            taken.append(job.output)
            yield job

    class Stream:
        __iter__ = staticmethod(stream)

    def answer(job: Job) -> Report:
        assert len(taken) <= len(crew.begun) + 1
        return painted(job)

    crew = FakeCrew(2, answer)
    paint_batch(Stream(), 8, inputs / "out", Setup(), lambda trial: crew)  # type: ignore[arg-type]
    assert len(taken) == 8


def test_a_job_whose_worker_dies_is_painted_by_another_and_given_up_at_last(
    inputs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deaths = {"1.png": 2, "3.png": 3}

    def answer(job: Job) -> Report:
        if deaths.get(job.output, 0):
            deaths[job.output] -= 1
            return Lost(job, "killed by SIGKILL")
        return painted(job)

    crew = FakeCrew(2, answer)
    tally = run(inputs, jobs(inputs), crew)
    assert (tally.done, tally.failed, tally.left) == (7, 1, 0)
    assert (crew.begun.count("1.png"), crew.begun.count("3.png")) == (3, 3)
    assert tally.failures[0]["output"] == "3.png"
    assert "3 workers ended while they painted it, the last killed by SIGKILL" in tally.failures[0]["error"]
    assert "1.png: its worker ended (killed by SIGKILL); another paints it." in caplog.text
    assert len(events(inputs, "done")) == 7


def test_an_input_that_changes_meanwhile_is_painted_again_the_next_time(inputs: Path) -> None:
    def answer(job: Job) -> Report:
        os.utime(job.content, ns=(5, 5))
        return painted(job)

    run(inputs, jobs(inputs, 1), FakeCrew(1, answer))
    crew = FakeCrew(1, painted)
    run(inputs, jobs(inputs, 1), crew)
    assert crew.begun == ["0.png"]


def test_a_disk_that_is_full_stops_the_batch_and_loses_nothing(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.batch import run as module

    written: list[str] = []

    def replace(path: Path, encoded: Any) -> None:
        if len(written) == 3:
            raise DiskError("the disk is full.", "Free some space.")
        written.append(path.name)
        path.write_bytes(encoded.getvalue())

    monkeypatch.setattr(module, "replace_file", replace)
    crew = FakeCrew(2, painted)
    with pytest.raises(DiskError):
        run(inputs, jobs(inputs), crew)
    assert crew.is_closed and len(events(inputs, "done")) == 3
    monkeypatch.undo()
    crew = FakeCrew(2, painted)
    assert run(inputs, jobs(inputs), crew).kept == 3
    assert not set(crew.begun) & set(written)


def test_a_folder_that_cannot_be_made_is_told(inputs: Path) -> None:
    (inputs / "out").write_text("a file")
    with pytest.raises(OSError, match="cannot be made"):
        run(inputs, jobs(inputs), FakeCrew(1, painted))
    (inputs / "out").unlink()
    (inputs / "out").mkdir()
    (inputs / "out" / NAME).mkdir()
    with pytest.raises(BatchError, match="cannot be opened"):
        run(inputs, jobs(inputs), FakeCrew(1, painted))

"""Jobs to workers and events into the manifest, with a pool that does not paint."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from impasto.batch.jobs import Job, Painted
from impasto.batch.manifest import NAME
from impasto.batch.run import BatchEvent, Tally, paint_batch
from impasto.errors import BatchError, DiskError
from impasto.recipe.recipe import Recipe
from impasto.workers.pool import Failed, Finished, Lost, Outcome, Report

FACTS = {"steps": 2, "peak_bytes": 7, "losses": {"total": 1.0}, "enlarged": True}

Answer = Callable[[Job], Outcome]


class FakePool:
    """Performs at once, by `answer`; of several jobs the one that was begun last first."""

    def __init__(self, workers: int, answer: Answer) -> None:
        self.size, self.answer = workers, answer
        self.busy: list[Job] = []
        self.begun: list[str] = []
        self.most_busy = 0
        self.is_stopped = False

    @property
    def idle(self) -> int:
        return self.size - len(self.busy)

    def submit(self, job: Job) -> None:
        self.busy.append(job)
        self.begun.append(job.output)
        self.most_busy = max(self.most_busy, len(self.busy))

    def wait(self, timeout_s: float) -> Sequence[Report]:
        job = self.busy.pop()
        return [Report(job, self.answer(job))]

    def stop(self) -> None:
        self.is_stopped = True


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    for name in [f"photo{number}.png" for number in range(8)] + ["style.png"]:
        (tmp_path / name).write_text(name)
    return tmp_path


def jobs(folder: Path, count: int = 8, **changes: Any) -> list[Job]:
    recipe = Recipe(**changes)
    style = (str(folder / "style.png"),)
    return [Job(str(folder / f"photo{number}.png"), style, f"{number}.png", recipe) for number in range(count)]


def painted(job: Job) -> Outcome:
    return Finished(Painted(f"picture {job.output}".encode(), FACTS), ())


def run(folder: Path, wanted: Sequence[Job], pool: FakePool, **more: Any) -> Tally:
    return paint_batch(wanted, len(wanted), folder / "out", lambda first: pool, **more)


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = (folder / "out" / NAME).read_text().splitlines()
    return [event for event in map(json.loads, lines) if event.get("event") == kind]


def test_every_job_is_painted_and_a_second_call_does_nothing(inputs: Path) -> None:
    pool = FakePool(3, painted)
    seen: list[BatchEvent] = []
    tally = run(inputs, jobs(inputs), pool, on_event=seen.append)
    assert (tally.jobs, tally.done, tally.failed, tally.kept, tally.left) == (8, 8, 0, 0, 0)
    assert (tally.steps, tally.peak_bytes) == (16, 7)
    assert pool.is_stopped and pool.most_busy == 3
    assert [event.kind for event in seen].count("begun") == [event.kind for event in seen].count("done") == 8
    assert (inputs / "out" / "3.png").read_bytes() == b"picture 3.png"
    assert len(events(inputs, "done")) == 8 and events(inputs, "done")[0]["losses"] == {"total": 1.0}

    def never(first: Job) -> FakePool:
        raise AssertionError("started for nothing")

    again = paint_batch(jobs(inputs), 8, inputs / "out", never)
    assert (again.done, again.kept, again.left) == (0, 8, 0)


def test_what_is_missing_changed_or_failed_is_painted_again(inputs: Path) -> None:
    def answer(job: Job) -> Outcome:
        return Failed("it is odd.", "Fix it.") if job.output == "2.png" else painted(job)

    tally = run(inputs, jobs(inputs), FakePool(2, answer))
    assert (tally.done, tally.failed) == (7, 1)
    assert tally.failures[0]["error"] == "it is odd." and tally.failures[0]["content"].endswith("photo2.png")
    assert not (inputs / "out" / "2.png").exists()
    (inputs / "out" / "4.png").unlink()
    os.utime(inputs / "photo5.png", ns=(1, 1))
    pool = FakePool(2, painted)
    assert run(inputs, jobs(inputs), pool).kept == 5
    assert sorted(pool.begun) == ["2.png", "4.png", "5.png"]
    pool = FakePool(2, painted)
    run(inputs, jobs(inputs, seed=1), pool)
    assert len(pool.begun) == 8


def test_jobs_are_taken_as_workers_become_free(inputs: Path) -> None:
    taken: list[str] = []

    def stream() -> Iterator[Job]:
        for job in jobs(inputs):
            taken.append(job.output)
            yield job

    class Stream:
        __iter__ = staticmethod(stream)

    def answer(job: Job) -> Outcome:
        assert len(taken) <= len(pool.begun) + 1
        return painted(job)

    pool = FakePool(2, answer)
    paint_batch(Stream(), 8, inputs / "out", lambda first: pool)  # type: ignore[arg-type]
    assert len(taken) == 8


def test_a_job_whose_worker_dies_is_painted_by_another_and_given_up_at_last(
    inputs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deaths = {"1.png": 2, "3.png": 3}

    def answer(job: Job) -> Outcome:
        if deaths.get(job.output, 0):
            deaths[job.output] -= 1
            return Lost("killed by SIGKILL")
        return painted(job)

    pool = FakePool(2, answer)
    tally = run(inputs, jobs(inputs), pool)
    assert (tally.done, tally.failed, tally.left) == (7, 1, 0)
    assert (pool.begun.count("1.png"), pool.begun.count("3.png")) == (3, 3)
    assert tally.failures[0]["output"] == "3.png"
    assert "3 workers ended while they painted it, the last killed by SIGKILL" in tally.failures[0]["error"]
    assert "1.png: its worker ended (killed by SIGKILL); another paints it." in caplog.text
    assert len(events(inputs, "done")) == 7


def test_an_input_that_changes_meanwhile_is_painted_again_the_next_time(inputs: Path) -> None:
    def answer(job: Job) -> Outcome:
        os.utime(job.content, ns=(5, 5))
        return painted(job)

    run(inputs, jobs(inputs, 1), FakePool(1, answer))
    pool = FakePool(1, painted)
    run(inputs, jobs(inputs, 1), pool)
    assert pool.begun == ["0.png"]


def test_a_disk_that_is_full_stops_the_batch_and_loses_nothing(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.batch import run as module

    written: list[str] = []

    def replace(path: Path, encoded: bytes) -> None:
        if len(written) == 3:
            raise DiskError("the disk is full.", "Free some space.")
        written.append(path.name)
        path.write_bytes(encoded)

    monkeypatch.setattr(module, "replace_file", replace)
    pool = FakePool(2, painted)
    with pytest.raises(DiskError):
        run(inputs, jobs(inputs), pool)
    assert pool.is_stopped and len(events(inputs, "done")) == 3
    monkeypatch.undo()
    pool = FakePool(2, painted)
    assert run(inputs, jobs(inputs), pool).kept == 3
    assert not set(pool.begun) & set(written)


def test_a_folder_that_cannot_be_made_is_reported(inputs: Path) -> None:
    (inputs / "out").write_text("a file")
    with pytest.raises(OSError, match="cannot be made"):
        run(inputs, jobs(inputs), FakePool(1, painted))
    (inputs / "out").unlink()
    (inputs / "out").mkdir()
    (inputs / "out" / NAME).mkdir()
    with pytest.raises(BatchError, match="cannot be opened"):
        run(inputs, jobs(inputs), FakePool(1, painted))

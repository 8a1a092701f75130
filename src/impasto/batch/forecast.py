"""Forecast what a batch has left to do, and about how long that takes; nothing is painted."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.batch.jobs import Job, Setup, is_painted, job_key
from impasto.batch.manifest import NAME, Done
from impasto.workers.pool import Share
from impasto.workers.processes import count_cores

if TYPE_CHECKING:
    from impasto.cost.estimate import Estimate

MOST_NAMED = 20
"""The most pictures that a forecast names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The work left. done: jobs that were done before. next_outputs: the first pictures to paint.

    replaced: how many pictures exist, but were painted otherwise or elsewhere.

    estimate: of the first picture that can be painted; None where none of these can.
    """

    jobs: int
    done: int
    next_outputs: tuple[str, ...]
    replaced: int = 0
    estimate: "Estimate | None" = None

    @property
    def left(self) -> int:
        """Jobs that are not done."""
        return self.jobs - self.done

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values; seconds: of one picture."""
        return {
            "jobs": self.jobs,
            "kept": self.done,
            "left": self.left,
            "next": list(self.next_outputs),
            "replaced": self.replaced,
            "seconds": None if self.estimate is None else float(f"{self.estimate.seconds:.3g}"),
            "peak_bytes": None if self.estimate is None else self.estimate.peak_bytes,
        }


def forecast(jobs: Iterable[Job], count: int, folder: Path, setup: Setup, workers: int) -> Forecast:
    """Return the forecast of `count` jobs. The manifest is only read.

    Raises the ImpastoError by which no job like the first can be painted.
    """
    recorded, done, replaced, first_left = Done(folder / NAME), 0, 0, list[Job]()
    for job in jobs:
        picture, known = folder / job.output, recorded.find_key(job.output)
        is_there = picture.is_file()
        if is_there and (known == job_key(job) if known is not None else is_painted(job, picture)):
            done += 1
            continue
        replaced += is_there
        if len(first_left) < MOST_NAMED:
            first_left.append(job)
    names = tuple(job.output for job in first_left)
    found = Forecast(jobs=count, done=done, next_outputs=names, replaced=replaced)
    if not first_left:
        return found
    from impasto.batch.painter import Painter  # it imports torch

    share = Share(workers=workers, threads=max(1, count_cores() // workers), memory=1 / workers)
    painter = Painter(setup, share)
    painter.check(first_left[0])
    return replace(found, estimate=painter.estimate(first_left))

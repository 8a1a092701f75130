"""Forecast what a batch has left to do, and about how long that takes; nothing is painted."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.batch.jobs import Job, Setup, job_key
from impasto.batch.manifest import NAME, Done
from impasto.workers.pool import Share
from impasto.workers.processes import count_cores

MOST_NAMED = 20
"""Pictures that are listed by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The work left. kept: jobs done before; next_outputs: the first pictures to paint.

    picture_s, peak_bytes: of the first picture that can be painted; None where none of these can.
    """

    jobs: int
    kept: int
    left: int
    next_outputs: tuple[str, ...]
    picture_s: float | None = None
    peak_bytes: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values; seconds: of one picture."""
        return {
            "jobs": self.jobs,
            "kept": self.kept,
            "left": self.left,
            "next": list(self.next_outputs),
            "seconds": self.picture_s,
            "peak_bytes": self.peak_bytes,
        }


def forecast(jobs: Iterable[Job], count: int, folder: Path, setup: Setup, workers: int) -> Forecast:
    """Return what is left of `count` jobs. The manifest is only read.

    Raises the ImpastoError by which no job like the first can be painted.
    """
    done = Done(folder / NAME)
    kept, left = 0, list[Job]()
    for job in jobs:
        if done.find_key(job.output) == job_key(job) and (folder / job.output).is_file():
            kept += 1
        elif len(left) < MOST_NAMED:
            left.append(job)
    outputs = tuple(job.output for job in left)
    if not left:
        return Forecast(jobs=count, kept=kept, left=count - kept, next_outputs=outputs)
    from impasto.batch.painter import Painter  # it imports torch

    share = Share(workers=workers, threads=max(1, count_cores() // workers), memory=1 / workers)
    painter = Painter(setup, share)
    painter.check(left[0])
    estimate = painter.estimate(left)
    return Forecast(
        jobs=count,
        kept=kept,
        left=count - kept,
        next_outputs=outputs,
        picture_s=None if estimate is None else float(f"{estimate.seconds:.3g}"),
        peak_bytes=None if estimate is None else estimate.peak_bytes,
    )

"""What a batch has left to do, and about how long that takes; nothing is painted."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impasto.batch.jobs import Job, Setup, job_key
from impasto.batch.local import count_cores
from impasto.batch.manifest import NAME, Done
from impasto.errors import ImpastoError

TOLD = 20
"""Pictures that are told by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """jobs: all; kept: done before; left: still to do, next_outputs the first of them. picture_s, peak_bytes: of the
    first that can be painted; None where none of those can."""

    jobs: int
    kept: int
    left: int
    next_outputs: tuple[str, ...]
    picture_s: float | None
    peak_bytes: int | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; seconds: of one picture."""
        return {
            "jobs": self.jobs,
            "kept": self.kept,
            "left": self.left,
            "next": list(self.next_outputs),
            "seconds": self.picture_s,
            "peak_bytes": self.peak_bytes,
        }


def forecast(jobs: Iterable[Job], count: int, folder: Path, setup: Setup, workers: int) -> Forecast:
    """What is left of so many jobs. Raises what no job could be painted for; the manifest is only read."""
    done = Done(folder / NAME)
    kept, left = 0, list[Job]()
    for job in jobs:
        if done.find_key(job.output) == job_key(job) and (folder / job.output).is_file():
            kept += 1
        elif len(left) < TOLD:
            left.append(job)
    estimate = _estimate(left, setup, workers)
    return Forecast(
        jobs=count,
        kept=kept,
        left=count - kept,
        next_outputs=tuple(job.output for job in left),
        picture_s=None if estimate is None else float(f"{estimate[0]:.3g}"),
        peak_bytes=None if estimate is None else estimate[1],
    )


def _estimate(left: list[Job], setup: Setup, workers: int) -> tuple[float, int] | None:
    if not left:
        return None
    from impasto.batch.painter import Painter
    from impasto.system.device import share_devices
    from impasto.transfer.pastiche import prepare_pastiche

    threads = setup.threads if setup.threads is not None else max(1, count_cores() // workers)
    device = share_devices(setup.device, 0, workers)
    painter = Painter(replace(setup, device=device, threads=threads), share=1 / workers)
    painter.check(left[0])
    for job in left:
        try:
            estimate = prepare_pastiche(job.content, [*job.styles], job.recipe, **painter.how).estimate()
        except ImpastoError:  # a bad file, which is told when it is its turn
            continue
        return estimate.seconds, estimate.peak_bytes
    return None

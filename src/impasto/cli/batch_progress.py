"""Progress of a batch on stderr: all pictures, and those that are being painted."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from impasto.cli.progress import Lines, Progress
from impasto.cost.pace import describe_seconds

if TYPE_CHECKING:
    from impasto.batch.run import BatchEvent


class BatchProgress:
    """Shows the events of a batch: the count of pictures, time left, each failure, and the steps of pictures.

    The time left follows from the pictures finished since the first one was begun.
    """

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress, self._clock = progress, clock
        self._begun_s: float | None = None

    def on_event(self, event: "BatchEvent") -> None:
        """Show an event."""
        name, tally, step, notes = event.job.output, event.tally, event.step, list[str]()
        if event.kind == "begun" and self._begun_s is None:
            self._begun_s = self._clock()
        if event.kind == "failed":
            self._progress.print(f"{name} failed")
        if tally.failed:
            notes.append(f"{tally.failed} failed")
        finished = tally.done + tally.failed
        if finished and tally.left and self._begun_s is not None:
            notes.append(f"about {describe_seconds((self._clock() - self._begun_s) / finished * tally.left)} left")
        if step is not None and isinstance(self._progress, Lines):
            notes.append(f"{name} at step {step.step} of {step.steps}")
        self._progress.update("all pictures", tally.jobs - tally.left, tally.jobs, ", ".join(notes))
        if step is not None:
            self._progress.update(name, step.step, step.steps, f"{step.scale} px", detail=True)
        elif event.kind in ("done", "failed", "lost"):
            self._progress.remove(name)

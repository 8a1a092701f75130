"""Progress of a batch on stderr: a bar for the whole and one for each part; a plain line now and then elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from impasto.cli.progress import LINE_EVERY_S, describe_seconds
from impasto.cli.report import print_line

if TYPE_CHECKING:
    from impasto.batch.run import BatchEvent, Tally

BARS = 8
"""Parts that are shown at a time."""


class BatchProgress(Protocol):
    """A reader of a batch's events that shows them."""

    def on_event(self, event: "BatchEvent") -> None: ...


@contextmanager
def showing_batch(count: int, *, quiet: bool) -> Iterator[BatchProgress]:
    """A display of so many jobs that ends with the block."""
    if quiet:
        yield Silence()
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _showing_bars(count) as bars:
            yield bars
    else:
        yield Lines(sys.stderr)


class Silence:
    """Shows nothing."""

    def on_event(self, event: "BatchEvent") -> None:
        """Does nothing."""


class TimeLeft:
    """The seconds left, as pictures have come to an end so far; those that were done before do not count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started_s: float | None = None

    def describe(self, tally: "Tally") -> str:
        """In words: `about 21 min left`; empty before the first picture's end."""
        if self._started_s is None:
            self._started_s = self._clock()
        ended = tally.done + tally.failed
        left = (self._clock() - self._started_s) / ended * tally.left if ended else None
        return "" if left is None else f"about {describe_seconds(left)} left"


class Lines:
    """A plain line for the first picture's end, for each failure, and else at most every ten seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._left = TimeLeft(clock)
        self._shown_s: float | None = None

    def on_event(self, event: "BatchEvent") -> None:
        """Prints a line if it is time for one."""
        tally, now = event.tally, self._clock()
        left = self._left.describe(tally)
        is_due = self._shown_s is None or now - self._shown_s >= LINE_EVERY_S
        if event.kind == "failed":
            print_line(f"{event.job.output} failed", file=self._stream)
        if not is_due or event.kind not in ("done", "failed", "step"):
            return
        self._shown_s = now
        ended = tally.jobs - tally.left
        facts = [f"{ended}/{tally.jobs} pictures", f"{tally.failed} failed" if tally.failed else "", left]
        if event.step is not None:
            facts.append(f"{event.job.output} at step {event.step.step}/{event.step.steps}")
        print_line(", ".join(filter(None, facts)), file=self._stream)


@contextmanager
def _showing_bars(count: int) -> Iterator[BatchProgress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
    from rich.table import Column

    columns = (
        TextColumn(
            "{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
        ),
        BarColumn(bar_width=24, table_column=Column(min_width=16)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[note]}", markup=False, table_column=Column(no_wrap=True)),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as display:
        whole = display.add_task("all pictures", total=count, note="")

        class Bars:
            def __init__(self) -> None:
                self._parts: dict[str, TaskID] = {}
                self._left = TimeLeft()

            def on_event(self, event: "BatchEvent") -> None:
                name, tally = event.job.output, event.tally
                if event.kind == "begun" and len(self._parts) < BARS:
                    self._parts[name] = display.add_task(name, total=None, note="")
                elif event.kind == "step" and event.step is not None and name in self._parts:
                    step = event.step
                    display.update(
                        self._parts[name], completed=step.step, total=step.steps, note=f"{step.scale} px"
                    )
                elif event.kind in ("done", "failed", "lost") and name in self._parts:
                    display.remove_task(self._parts.pop(name))
                if event.kind == "failed":
                    display.console.print(f"{name} failed", markup=False, highlight=False)
                failed = f"{tally.failed} failed, " if tally.failed else ""
                note = f"{failed}{self._left.describe(tally)}".removesuffix(", ")
                display.update(whole, completed=tally.jobs - tally.left, note=note)

        yield Bars()

"""Progress on stderr: bars in a terminal, elsewhere a plain line now and then."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from impasto.cli.report import print_line
from impasto.cost.pace import Pace

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from impasto.cost.estimate import Estimate
    from impasto.optimize.events import StepEvent

LINE_EVERY_S = 10.0
LINES = 8
"""Lines of a long run beside those that begin a part."""

MOST_BARS = 9
STAGE = "stage"
"""The part that has no count: what is being done before, between and after the counted ones."""


class Progress:
    """Shows how far the parts of a command are. This one, for --quiet, shows nothing."""

    def update(
        self,
        part: str,
        done: int,
        total: int | None,
        note: str = "",
        *,
        detail: bool = False,
        pace: Pace | None = None,
    ) -> None:
        """Show that a part is `done` of `total`. detail: shown only where there are bars. pace: of steps."""

    def begin(self, stage: str) -> None:
        """Show what is being done, such as "loading the network", until something else is shown."""

    def remove(self, part: str) -> None:
        """Stop showing a part."""

    def print(self, text: str) -> None:
        """Print a line at once, above the bars."""


class Lines(Progress):
    """Prints a line when a part begins, when it is complete, and between these at most every ten seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._printed_s: dict[str, float] = {}
        self._last_s = clock()

    def update(
        self,
        part: str,
        done: int,
        total: int | None,
        note: str = "",
        *,
        detail: bool = False,
        pace: Pace | None = None,
    ) -> None:
        """Print the part, its count and the note, if a line is due."""
        now = self._clock()
        every_s = LINE_EVERY_S if pace is None else max(LINE_EVERY_S, pace.total_s / LINES)
        is_due = done == total or part not in self._printed_s or now - self._printed_s[part] >= every_s
        if is_due and not detail:
            self._printed_s[part] = now
            count = f"{'' if pace is None else 'step '}{done} of {total}"
            self.print(", ".join(filter(None, [part, count, note])))

    def begin(self, stage: str) -> None:
        """Print the stage, if nothing was printed for ten seconds: what is quick needs no line."""
        if self._clock() - self._last_s >= LINE_EVERY_S:
            self.print(stage)

    def remove(self, part: str) -> None:
        """Forget a part; another of the same name begins with a line."""
        self._printed_s.pop(part, None)

    def print(self, text: str) -> None:
        """Print a line at once."""
        self._last_s = self._clock()
        print_line(text, file=self._stream)


class Bars(Progress):
    """Draws a bar for each part, the first `MOST_BARS` of them."""

    def __init__(self, display: "RichProgress") -> None:
        self._display = display
        self._tasks: dict[str, TaskID] = {}

    def update(
        self,
        part: str,
        done: int,
        total: int | None,
        note: str = "",
        *,
        detail: bool = False,
        pace: Pace | None = None,
    ) -> None:
        """Draw the part's bar, a new one if there is room; that of steps is as long as the share of the work done."""
        self.remove(STAGE)
        if part not in self._tasks:
            if len(self._tasks) >= MOST_BARS:
                return
            self._tasks[part] = self._display.add_task(part, total=total, note="", count="")
        length = done if pace is None or total is None else pace.share * total
        count = f"{'' if pace is None else 'step '}{done} of {total or '?'}"
        self._display.update(self._tasks[part], completed=length, total=total, note=note, count=count)

    def begin(self, stage: str) -> None:
        """Draw a bar without an end."""
        self.remove(STAGE)
        self._tasks[STAGE] = self._display.add_task(stage, total=None, note="", count="")

    def remove(self, part: str) -> None:
        """Erase the part's bar."""
        if part in self._tasks:
            self._display.remove_task(self._tasks.pop(part))

    def print(self, text: str) -> None:
        """Print a line at once, above the bars."""
        self._display.console.print(text, markup=False, highlight=False)


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Progress]:
    """Yield a progress display on stderr; bars are erased when the block ends."""
    if quiet:
        yield Progress()
    elif not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield Lines(sys.stderr)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress
        from rich.table import Column

        # Where the terminal is narrow, long names and notes are cut.
        columns = (
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, max_width=44)),
            BarColumn(bar_width=16, table_column=Column(min_width=16)),
            TextColumn("{task.fields[count]}", justify="right", table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[note]}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
        )
        with RichProgress(*columns, console=Console(stderr=True), transient=True, expand=True) as display:
            yield Bars(display)


@contextmanager
def show_steps(*, quiet: bool, estimate: "Estimate | None" = None) -> Iterator["StepProgress"]:
    """Yield a reader of step events that shows them on stderr, and in between what is being done.

    estimate: of the run, which is corrected where it was wrong.
    """
    with show_progress(quiet=quiet) as progress, show_stages(StepProgress(progress, estimate)) as steps:
        yield steps


@contextmanager
def show_stages(steps: "StepProgress") -> Iterator["StepProgress"]:
    """Show what the package logs as `INFO`, such as "loading the network", within the block."""
    logger = logging.getLogger("impasto")
    level, handler = logger.level, _Stages(steps)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield steps
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _Stages(logging.Handler):
    def __init__(self, steps: "StepProgress") -> None:
        super().__init__(logging.INFO)
        self._steps = steps

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.INFO:
            self._steps.begin(record.getMessage())


class StepProgress:
    """Shows the steps of one picture, or of several in turn: scale, step, share of the work done, time left.

    estimate: of a single picture; where it was wrong by more than a third, one line says so.
    """

    def __init__(self, progress: Progress, estimate: "Estimate | None" = None) -> None:
        self._progress, self._pace = progress, Pace(estimate)
        self._picture, self._shown = "", ""

    def on_part(self, name: str) -> None:
        """Begin another picture, of this name."""
        self._pace, self._picture = Pace(), f"{name}, "

    def begin(self, stage: str) -> None:
        """Show what is being done between the steps."""
        self._progress.remove(self._shown)
        self._shown = ""
        self._progress.begin(f"{self._picture}{stage}")

    def on_step(self, event: "StepEvent") -> None:
        """Show a step."""
        self._pace.on_step(event)
        scales = [*dict.fromkeys(scale for scale, _ in event.plan)]
        place = f" ({scales.index(event.scale) + 1} of {len(scales)})" if len(scales) > 1 else ""
        part = f"{self._picture}painting at {event.scale} px{place}"
        if part != self._shown:
            self._progress.remove(self._shown)
            self._shown = part
        if correction := self._pace.take_correction():
            self._progress.print(correction)
        self._progress.update(part, event.step, event.steps, self._pace.describe(), pace=self._pace)

"""Progress on stderr: a bar in a terminal, a plain line now and then elsewhere."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from impasto.cli.report import describe_losses, print_line

if TYPE_CHECKING:
    from impasto.optimize.events import StepEvent

LINE_EVERY_S = 10.0


class Progress(Protocol):
    """A reader of step events that shows them."""

    def on_step(self, event: "StepEvent") -> None: ...

    def on_part(self, name: str) -> None:
        """Told when another of several pictures begins."""
        ...


@contextmanager
def showing_progress(*, quiet: bool) -> Iterator[Progress]:
    """A progress display that ends with the block."""
    if quiet:
        yield Silence()
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _showing_bar(Pace()) as bar:
            yield bar
    else:
        yield Lines(Pace(), sys.stderr)


class Pace:
    """Steps per second at the present scale, and the seconds left over all scales.

    A step costs four times as much at each next scale, which has twice the edge.
    """

    def __init__(self) -> None:
        self.step_s: float | None = None
        self.left_s: float | None = None
        self._scale = 0
        self._mark = (0, 0.0)

    def on_step(self, event: "StepEvent") -> None:
        """Brings both up to date."""
        if event.scale != self._scale:
            # A step costs as its pixels do.
            self.step_s = None if self.step_s is None else self.step_s * (event.scale / self._scale) ** 2
            self._scale, self._mark = event.scale, (event.step, event.elapsed_s)
        elif event.step > self._mark[0]:
            self.step_s = (event.elapsed_s - self._mark[1]) / (event.step - self._mark[0])
        if self.step_s is not None:
            left, done = 0.0, 0
            for scale, steps in event.plan or ((event.scale, event.steps),):
                done += steps
                left += min(steps, max(0, done - event.step)) * (scale / event.scale) ** 2
            self.left_s = self.step_s * left

    def describe(self) -> str:
        """In words: `8.1 steps/s, 25 s left`; empty before the second step."""
        if not self.step_s or self.left_s is None:
            return ""
        rate = f"{1 / self.step_s:.1f} steps/s" if self.step_s < 1 else f"{self.step_s:.1f} s a step"
        return f"{rate}, {describe_seconds(self.left_s)} left"


class Silence:
    """Shows nothing."""

    def on_step(self, event: "StepEvent") -> None:
        """Does nothing."""

    def on_part(self, name: str) -> None:
        """Does nothing."""


class Lines:
    """One plain line at the first step, at each change of scale, and at most every ten seconds."""

    def __init__(self, pace: Pace, stream: TextIO) -> None:
        self._pace = pace
        self._stream = stream
        self._scale = 0
        self._shown_s = 0.0

    def on_part(self, name: str) -> None:
        """Prints the name, and begins anew."""
        self._pace, self._scale, self._shown_s = Pace(), 0, 0.0
        print_line(name, file=self._stream)

    def on_step(self, event: "StepEvent") -> None:
        """Prints a line if it is time for one."""
        self._pace.on_step(event)
        if event.scale == self._scale and event.elapsed_s - self._shown_s < LINE_EVERY_S:
            return
        self._scale, self._shown_s = event.scale, event.elapsed_s
        parts = [f"{event.scale} px, step {event.step}/{event.steps}", f"loss {describe_losses(event.losses)}"]
        print_line(", ".join(filter(None, [*parts, self._pace.describe()])), file=self._stream)


@contextmanager
def _showing_bar(pace: Pace) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as RichProgress
    from rich.table import Column

    pace_text = TextColumn("{task.fields[pace]}", markup=False, table_column=Column(no_wrap=True))
    # The losses give way where the terminal is narrow.
    losses = TextColumn(
        "{task.fields[losses]}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
    )
    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        BarColumn(bar_width=16, table_column=Column(min_width=16)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        pace_text,
        losses,
    )
    # Until the first step the bar leaves no trace: what went wrong is then told in a single line.
    with RichProgress(*columns, console=Console(stderr=True), transient=True, expand=True) as display:
        task = display.add_task("preparing", total=None, pace="", losses="")

        class Bar:
            def __init__(self) -> None:
                self._pace, self._part = pace, ""

            def on_part(self, name: str) -> None:
                self._pace, self._part = Pace(), f"{name}, "

            def on_step(self, event: "StepEvent") -> None:
                self._pace.on_step(event)
                display.update(
                    task,
                    description=f"{self._part}{event.scale} px",
                    completed=event.step,
                    total=event.steps,
                    pace=self._pace.describe(),
                    losses=f"loss {describe_losses(event.losses)}",
                )
                display.live.transient = False

        yield Bar()


def describe_seconds(seconds: float) -> str:
    """`25 s`, `3 min 20 s`, `21 min`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 3600:
        return f"{round(seconds / 60)} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"



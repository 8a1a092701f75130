"""A painter: it takes the jobs of the queue one by one and has its child process paint them."""

import logging
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar

from impasto.studio.disk import LOOK_S
from impasto.studio.job import StudioJob
from impasto.studio.painting import run_painter
from impasto.studio.process import Child, Lost

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

SILENT_S = 3600.0
"""Seconds after which the child is ended if it paints a film and has reported nothing: no frame takes as long."""

CLOSE_S = 20.0
"""Seconds that a job has at the server's end to write its checkpoint."""


class Desk(Protocol):
    """Where painters take jobs from and report to."""

    def take(self) -> StudioJob | None:
        """Wait for the next job; None at the server's end."""

    def order(self, name: str) -> Mapping[str, Any] | None:
        """Return what the child needs of a job; None where it is gone."""

    def report_step(self, name: str, values: Mapping[str, Any]) -> None:
        """Take the state of a job after a step."""

    def report_end(self, name: str, values: Mapping[str, Any]) -> None:
        """Take how a job ended."""

    def watch_disk(self) -> None:
        """Look whether there is room on the disk."""


class Painter:
    """One device's painter, on a thread of its own from `start` on. options: `RunOptions` that hold for all jobs."""

    def __init__(self, desk: Desk, options: Mapping[str, Any], spawn: Callable[..., Child] = Child) -> None:
        self._desk, self._options, self._spawn = desk, options, spawn
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._current, self._turn = "", 0
        self._thread = threading.Thread(target=self._work, name=f"impasto-painter {options['device']}", daemon=True)

    def start(self) -> None:
        """Begin to take jobs."""
        self._thread.start()

    def tell(self, name: str, wish: str) -> bool:
        """Have the child "pause" or "stop" a job after its step; return whether it paints that one."""
        with self._lock:
            if self._current != name or self._child is None:
                return False
            self._child.send(("wish", self._turn, wish))
            return True

    def drop(self, name: str) -> None:
        """End the child at once if it paints that job, so that nothing is written in its folder any more."""
        with self._lock:
            if self._current == name and self._child is not None:
                self._child.kill()

    def close(self) -> None:
        """Wait for the job to write its checkpoint, then end the child; `Desk.take` returns None by now."""
        self._thread.join(CLOSE_S)
        with self._lock:
            if self._child is not None:
                self._child.kill()
        self._thread.join()

    def _work(self) -> None:
        while (job := _until_written(self._desk.take)) is not None:
            end = self._paint(job.id)
            with self._lock:
                self._current = ""
            _until_written(partial(self._desk.report_end, job.id, end))

    def _paint(self, name: str) -> Mapping[str, Any]:
        """Return how the job ended."""
        try:
            child = self._child if self._child is not None else self._spawn(run_painter, self._options)
        except OSError as error:
            return _describe_loss("paused", f"could not start ({error})")
        with self._lock:
            self._child, self._current = child, name
            self._turn += 1
        order = self._desk.order(name)  # from here on `drop` ends the child
        if order is None:
            return {"state": "failed"}
        child.send(("paint", self._turn, order))
        try:
            return self._follow(child, name, SILENT_S if order["kind"] == "film" else math.inf)
        except Lost as lost:
            with self._lock:
                self._child = None
            # Where no painter can start, as for want of memory, the whole queue would fail.
            return _describe_loss("failed" if child.has_answered else "paused", str(lost))

    def _follow(self, child: Child, name: str, silent_s: float) -> Mapping[str, Any]:
        """Report the job's steps until its end, and return that. Raises Lost, also after `silent_s` without a step."""
        heard_s = time.monotonic()
        while True:
            if time.monotonic() - heard_s > silent_s:
                child.kill()
                raise Lost(f"it reported nothing for {silent_s:g} s")
            with suppress(TimeoutError):
                kind, values = child.receive(LOOK_S)
                heard_s = time.monotonic()
                if kind == "step":
                    self._desk.report_step(name, values)
                elif kind == "end":
                    return dict(values)
            self._desk.watch_disk()


def _until_written(act: Callable[[], Result]) -> Result:
    """Return what a change of the queue returns; on a full disk it is tried again until it succeeds."""
    while True:
        try:
            return act()
        except (OSError, sqlite3.Error) as error:
            logger.warning("the queue was not written (%s); it is tried again.", error)
            time.sleep(LOOK_S)


def _describe_loss(state: str, how: str) -> dict[str, Any]:
    """Return the end of a job whose painter ended in the middle of it."""
    message = {
        "text": f"the painter of this job ended ({how}); other jobs go on.",
        "hint": "Paint it again, at a smaller size if it took too much memory.",
        "key": "painter-lost",
        "values": {"how": how},
    }
    return {"state": state, "message": message}

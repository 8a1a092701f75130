"""A painter: it takes the jobs of the queue one by one and has its child process paint them."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from impasto.studio.job import StudioJob
from impasto.studio.painting import run_painter
from impasto.studio.process import Child, Lost

WATCH_S = 2.0
"""Seconds between two looks at the disk."""

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
        self._current = ""
        self._thread = threading.Thread(target=self._work, name=f"impasto-painter {options['device']}", daemon=True)

    def start(self) -> None:
        """Begin to take jobs."""
        self._thread.start()

    def tell(self, name: str, wish: str) -> bool:
        """Have the child "pause" or "stop" a job after its step; return whether it paints that one."""
        with self._lock:
            if self._current != name or self._child is None:
                return False
            self._child.send(("wish", wish))
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
        while (job := self._desk.take()) is not None:
            child = self._child if self._child is not None else self._spawn(run_painter, self._options)
            with self._lock:
                self._child = child
                order = self._desk.order(job.id)
                if order is None:  # deleted meanwhile
                    continue
                self._current = job.id
                child.send(("paint", order))
            end = self._follow(child, job.id)
            with self._lock:
                self._current = ""
            self._desk.report_end(job.id, end)

    def _follow(self, child: Child, name: str) -> Mapping[str, Any]:
        """Report the job's steps until its end, and return that."""
        while True:
            try:
                kind, values = child.receive(WATCH_S)
            except TimeoutError:
                self._desk.watch_disk()
                continue
            except Lost as lost:
                with self._lock:
                    self._child = None
                text = f"the painter ended in the middle of this job ({lost}); other jobs go on."
                hint = "Paint it again, at a smaller size if it wanted too much memory."
                message = {"text": text, "hint": hint, "key": "painter-lost", "values": {"how": str(lost)}}
                return {"state": "failed", "message": message}
            if kind == "step":
                self._desk.report_step(name, values)
                self._desk.watch_disk()
            elif kind == "end":
                return dict(values)

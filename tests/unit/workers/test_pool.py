"""A pool of any kind: who is idle, what is reported, and what a dead worker costs."""

import logging
import warnings
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest

from impasto.errors import DeviceError, ImpastoError, OutOfMemoryError
from impasto.workers.pool import READY, Failed, Finished, Lost, Progress, Report, WorkerPool, perform_item


class ScriptedPool(WorkerPool[str]):
    """Workers named by number and life, whose messages the test writes."""

    def __init__(self, workers: int) -> None:
        self.messages: deque[tuple[str, Any]] = deque()
        self.started: list[str] = []
        self.sent: list[tuple[str, Any]] = []
        super().__init__(workers, most_failed_starts=3)

    def stop(self) -> None: ...

    def _start(self, number: int) -> str:
        self.started.append(f"{number}.{sum(name.startswith(str(number)) for name in self.started)}")
        return self.started[-1]

    def _send(self, worker: str, item: Any) -> None:
        self.sent.append((worker, item))

    def _receive(self, timeout_s: float) -> Sequence[tuple[str, Any]]:
        found = list(self.messages)
        self.messages.clear()
        return found

    def _start_error(self, reason: str) -> ImpastoError:
        return OutOfMemoryError(f"none starts: {reason}.", "Give fewer.")

    def after(self, *messages: tuple[str, Any]) -> list[Report]:
        self.messages.extend(messages)
        return self.wait(0)


def test_an_item_goes_to_a_ready_worker_and_its_outcomes_are_reported() -> None:
    pool = ScriptedPool(2)
    assert pool.idle == 0
    assert pool.after(("1.0", READY)) == [] and pool.idle == 1
    pool.submit("a")
    assert pool.sent == [("1.0", "a")] and pool.idle == 0
    assert pool.after(("1.0", Progress(3))) == [Report("a", Progress(3))] and pool.idle == 0
    assert pool.after(("1.0", Finished(9)), ("1.0", Progress(4))) == [Report("a", Finished(9))]
    assert pool.idle == 1
    pool.submit("b")
    assert pool.after(("1.0", Failed("bad.", "Fix it."))) == [Report("b", Failed("bad.", "Fix it."))]
    assert pool.idle == 1


def test_a_dead_worker_is_replaced_and_its_item_is_lost() -> None:
    pool = ScriptedPool(2)
    pool.after(("0.0", READY), ("1.0", READY))
    pool.submit("a")
    assert pool.after(("0.0", Lost("killed"))) == [Report("a", Lost("killed"))]
    assert pool.after(("1.0", Lost("killed"))) == [] and pool.idle == 0  # while it was idle
    assert pool.started == ["0.0", "1.0", "0.1", "1.1"]
    pool.after(("0.1", READY))
    pool.submit("a")
    assert pool.sent[-1] == ("0.1", "a")


def test_workers_that_cannot_start_end_the_pool() -> None:
    pool = ScriptedPool(1)
    pool.after(("0.0", Lost("x")), ("0.1", Lost("x")))
    pool.after(("0.2", READY), ("0.2", Lost("x")))  # one that was ready counts anew
    pool.after(("0.3", Lost("x")), ("0.4", Lost("x")))
    with pytest.raises(OutOfMemoryError, match="none starts: killed"):
        pool.after(("0.5", Lost("killed")))
    with pytest.raises(DeviceError):
        ScriptedPool(1).after(("0.0", DeviceError("no such device.", "Take another.")))


def test_what_is_raised_becomes_a_message_and_warnings_are_recorded() -> None:
    def perform(item: Any, on_progress: Any) -> str:
        logging.getLogger("impasto.x").warning("it is %s", "odd")
        logging.getLogger("impasto.x").info("nothing")
        warnings.warn("python's own", stacklevel=1)
        on_progress(1)
        if isinstance(item, BaseException):
            raise item
        return f"{item}!"

    seen: list[int] = []
    assert perform_item(perform, "a", seen.append) == Finished("a!", ("it is odd",))
    assert seen == [1]
    assert perform_item(perform, DeviceError("no.", "Take another."), seen.append) == Failed("no.", "Take another.")
    broken = perform_item(perform, KeyError("x\ny"), seen.append)
    assert isinstance(broken, Failed) and broken.error.startswith("this is a bug in impasto: KeyError: ")
    full = perform_item(perform, MemoryError(), seen.append)
    assert isinstance(full, Failed) and full.error == "out of memory."
    logging.getLogger("impasto.x").warning("later")

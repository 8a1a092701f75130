"""A pool of workers that each perform one item at a time; one that dies is replaced."""

import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from impasto.errors import ImpastoError

READY = "ready"
"""A worker's first message."""

Worker = TypeVar("Worker")


class Item(Protocol):
    """A piece of work, which is pickled for its worker. Its files are paths on this machine."""

    @property
    def files(self) -> Sequence[str]:
        """Files of this item alone."""
        ...

    @property
    def shared_files(self) -> Sequence[str]:
        """Files of many items, which a worker on another machine stores for the next ones."""
        ...

    def with_files(self, files: Sequence[str], shared_files: Sequence[str]) -> Any:
        """Return the item with other paths of the same files."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The part of its machine that one worker may use.

    number: of this worker, from 0, among `workers` on the machine. threads: CPU threads; None: all.
    memory: fraction of the free memory.
    """

    number: int = 0
    workers: int = 1
    threads: int | None = None
    memory: float = 1.0


Perform = Callable[[Any, Callable[[Any], None]], Any]
"""perform(item, on_progress) -> result. on_progress takes any value that can be pickled."""

Factory = Callable[[Share], Perform]
"""Runs once in each worker and returns what performs its items. It is pickled, so it is importable by name.
An ImpastoError that it raises ends the pool."""


@dataclass(frozen=True, slots=True)
class Finished:
    """An item's result, and the warnings that the package logged meanwhile."""

    result: Any
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The error by which an item cannot be performed."""

    error: str
    hint: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker died before its item was finished: killed, out of memory, or its machine is gone."""

    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A value that `on_progress` was called with."""

    value: Any


Outcome = Finished | Failed | Lost | Progress


@dataclass(frozen=True, slots=True)
class Report:
    """What has become of an item."""

    item: Any
    outcome: Outcome


class WorkerPool(ABC, Generic[Worker]):
    """Workers of one kind, which a subclass starts and exchanges messages with."""

    def __init__(self, workers: int, most_failed_starts: int) -> None:
        """most_failed_starts: workers that may die in a row before one is ready."""
        self._most_failed_starts = most_failed_starts
        self._failed_starts = 0
        self._idle: list[Worker] = []
        self._items: dict[Worker, Item] = {}
        self._workers = [self._start(number) for number in range(workers)]

    @property
    def idle(self) -> int:
        """Workers that are ready and have no item."""
        return len(self._idle)

    def submit(self, item: Item) -> None:
        """Give the item to an idle worker."""
        worker = self._idle.pop(0)
        self._items[worker] = item
        self._send(worker, item)

    def wait(self, timeout_s: float) -> list[Report]:
        """Return the reports since the last call, waiting for the first; none after the timeout.

        Raises the ImpastoError by which workers cannot start.
        """
        return [report for worker, message in self._receive(timeout_s) for report in self._handle(worker, message)]

    @abstractmethod
    def stop(self) -> None:
        """Kill all workers."""

    @abstractmethod
    def _start(self, number: int) -> Worker:
        """Start a worker, whose first message is READY or the error by which it cannot start."""

    @abstractmethod
    def _send(self, worker: Worker, item: Item) -> None:
        """Let a worker perform an item."""

    @abstractmethod
    def _receive(self, timeout_s: float) -> Sequence[tuple[Worker, Any]]:
        """Return messages that came in: READY, an ImpastoError, or an outcome; Lost for a worker that died."""

    @abstractmethod
    def _start_error(self, reason: str) -> ImpastoError:
        """Return the error for workers that die before they are ready."""

    def _handle(self, worker: Worker, message: Any) -> list[Report]:
        if isinstance(message, ImpastoError):
            raise message
        if message == READY:
            self._idle.append(worker)
            self._failed_starts = 0
            return []
        if isinstance(message, Lost):
            return self._replace_dead(worker, message)
        if worker not in self._items:  # progress that came in after the result
            return []
        if isinstance(message, Progress):
            return [Report(self._items[worker], message)]
        self._idle.append(worker)
        return [Report(self._items.pop(worker), message)]

    def _replace_dead(self, worker: Worker, lost: Lost) -> list[Report]:
        if worker in self._idle:
            self._idle.remove(worker)
        elif worker not in self._items:
            self._failed_starts += 1
            if self._failed_starts >= self._most_failed_starts:
                raise self._start_error(lost.reason)
        number = self._workers.index(worker)
        self._workers[number] = self._start(number)
        return [Report(self._items.pop(worker), lost)] if worker in self._items else []


def perform_item(perform: Perform, item: Any, on_progress: Callable[[Any], None]) -> Finished | Failed:
    """Return the item's result, or the message of the exception that was raised."""
    with _record_warnings() as recorded:
        try:
            result = perform(item, on_progress)
        except ImpastoError as error:
            return Failed(error.error, error.hint)
        except MemoryError:
            return Failed("out of memory.", "Lower --size or --jobs, or close other programs.")
        except Exception as error:
            message = f"this is a bug in impasto: {type(error).__name__}: {' '.join(str(error).split())}."
            return Failed(message, "Please report it; `impasto stylize --debug` shows the traceback.")
    return Finished(result, tuple(recorded))


@contextmanager
def _record_warnings() -> Iterator[list[str]]:
    """Yield the list of warnings that the package logs within the block; Python's own are ignored."""
    recorded: list[str] = []

    class Recorder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            recorded.append(record.getMessage())

    logger, recorder = logging.getLogger("impasto"), Recorder(level=logging.WARNING)
    logger.addHandler(recorder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield recorded
    finally:
        logger.removeHandler(recorder)

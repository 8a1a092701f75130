"""A pool of processes on this machine."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from impasto.errors import ImpastoError, OutOfMemoryError
from impasto.system.process import settle_process
from impasto.workers.pool import READY, Factory, Item, Lost, Progress, Share, WorkerPool, perform_item

PROGRESS_EVERY_S = 0.5
"""Seconds between two messages about progress. A worker whose parent died ends at the next one."""

FAILED_STARTS = 3
"""Processes that may die in a row before one is ready."""


@dataclass(frozen=True, slots=True, eq=False)
class _Worker:
    process: Any
    connection: Connection


class ProcessPool(WorkerPool[_Worker]):
    """Processes that share this machine's cores and memory."""

    def __init__(self, factory: Factory, workers: int) -> None:
        self._factory, self._count = factory, workers
        super().__init__(workers, FAILED_STARTS)

    def stop(self) -> None:
        """Kill all processes."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()

    def _start(self, number: int) -> _Worker:
        threads = max(1, count_cores() // self._count)
        share = Share(number=number, workers=self._count, threads=threads, memory=1 / self._count)
        # A forked process would inherit the state of torch's locks.
        context = multiprocessing.get_context("spawn")
        connection, child_connection = context.Pipe()
        process = context.Process(target=run_worker, args=(child_connection, self._factory, share), daemon=True)
        # Spawning may import torch before `run_worker` is called.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        with _interrupts_ignored():
            process.start()
        child_connection.close()
        return _Worker(process, connection)

    def _send(self, worker: _Worker, item: Item) -> None:
        with suppress(OSError):  # it has just died, and `_receive` will find out
            worker.connection.send(item)

    def _receive(self, timeout_s: float) -> Sequence[tuple[_Worker, Any]]:
        ready = wait([worker.connection for worker in self._workers], timeout_s)
        return [(worker, _read_message(worker)) for worker in self._workers if worker.connection in ready]

    def _start_error(self, reason: str) -> ImpastoError:
        return OutOfMemoryError(
            f"{FAILED_STARTS} workers in a row ended while they started ({reason}).",
            "Give fewer --jobs, or close other programs.",
        )


def _read_message(worker: _Worker) -> Any:
    try:
        return worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        worker.connection.close()
        return Lost(describe_exit(worker.process.exitcode))


def run_worker(connection: Connection, factory: Factory, share: Share) -> None:
    """Perform the items that come in, until the parent process is gone. Runs in a process of its own."""
    settle_process()
    try:
        perform = factory(share)
    except ImpastoError as error:
        connection.send(error)
        return
    sent_s = 0.0

    def send_progress(value: Any) -> None:
        nonlocal sent_s
        if time.monotonic() - sent_s >= PROGRESS_EVERY_S:
            sent_s = time.monotonic()
            connection.send(Progress(value))

    with suppress(EOFError, OSError):  # the parent is gone
        connection.send(READY)
        while True:
            connection.send(perform_item(perform, connection.recv(), send_progress))


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignore Ctrl-C within the block: a process started meanwhile ignores it too and leaves it to its parent."""
    if threading.current_thread() is not threading.main_thread():  # the only one that may set signals
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe_exit(exit_code: int | None) -> str:
    """Return in words how a process ended: `killed by SIGKILL, perhaps for want of memory`."""
    if exit_code is None or exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:  # a real-time signal, or one of another system
        name = f"signal {-exit_code}"
    return f"killed by {name}{', perhaps for want of memory' if name == 'SIGKILL' else ''}"

"""Workers on this machine: a process each, replaced when it dies."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import Any

from impasto.batch.jobs import Job, Setup
from impasto.batch.reports import Failed, Lost, Painted, Report, Stepped
from impasto.errors import ImpastoError, OutOfMemoryError
from impasto.system.process import settle_process

TELL_EVERY_S = 0.5
"""Seconds between two words of a worker on how far its picture is. By these it also notices that it is orphaned."""

STARTS = 3
"""Workers that may die in a row before they could begin."""


@dataclass(slots=True)
class _Worker:
    process: Any
    connection: Connection
    is_ready: bool = False
    job: Job | None = None


class LocalCrew:
    """`Crew` of processes that share this machine's cores and memory."""

    def __init__(self, setup: Setup, workers: int, trial: Job) -> None:
        """trial: a job by which a worker that starts tries what is the same for all. It is not painted."""
        self._setup, self._trial = setup, trial
        self._count = workers
        self._threads = max(1, count_cores() // workers)
        self._stillborn = 0
        self._workers = [self._start(number) for number in range(workers)]

    @property
    def idle(self) -> int:
        return sum(worker.is_ready and worker.job is None for worker in self._workers)

    def begin(self, job: Job) -> None:
        worker = next(worker for worker in self._workers if worker.is_ready and worker.job is None)
        worker.job = job
        with suppress(OSError):  # it has just died, which `wait` will tell
            worker.connection.send(job)

    def wait(self, timeout_s: float) -> Sequence[Report]:
        ready = wait([worker.connection for worker in self._workers], timeout_s)
        reports: list[Report] = []
        for worker in list(self._workers):
            if worker.connection in ready:
                reports += self._hear(worker)
        return reports

    def close(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()

    def _hear(self, worker: _Worker) -> list[Report]:
        try:
            told = worker.connection.recv()
        except (EOFError, OSError):
            return self._bury(worker)
        if isinstance(told, ImpastoError):
            raise told
        if told == "ready":
            worker.is_ready, self._stillborn = True, 0
            return []
        if isinstance(told, Painted | Failed):
            worker.job = None
        return [told]

    def _bury(self, worker: _Worker) -> list[Report]:
        """Puts another in the place of a worker that died, and tells of its job."""
        worker.process.join()
        worker.connection.close()
        reason = describe_end(worker.process.exitcode)
        if not worker.is_ready:
            self._stillborn += 1
            if self._stillborn >= STARTS:
                raise OutOfMemoryError(
                    f"{self._stillborn} workers in a row ended while they started ({reason}).",
                    "Give fewer --jobs, or close other programs.",
                )
        number = self._workers.index(worker)
        self._workers[number] = self._start(number)
        return [] if worker.job is None else [Lost(worker.job, reason)]

    def _start(self, number: int) -> _Worker:
        # A thread that forks keeps torch's locks as they are; a new process has none.
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(
            target=work, args=(there, self._setup, number, self._count, self._threads, self._trial), daemon=True
        )
        # Torch is there before `work` is, and reads this when it comes.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        with _ignoring_interrupts():
            process.start()
        there.close()
        return _Worker(process, here)


def work(connection: Connection, setup: Setup, number: int, workers: int, threads: int, trial: Job) -> None:
    """A worker's life: it says that it is ready, or why it cannot be; then it paints what it is given.

    number: of this worker, from 0, among so many, who share the machine's memory and GPUs. threads: as of a `Painter`.
    """
    settle_process()
    from impasto.batch.painter import Painter
    from impasto.optimize.events import StepEvent
    from impasto.system.device import share_devices

    try:
        mine = replace(setup, device=share_devices(setup.device, number, workers))
        painter = Painter(mine, share=1 / workers, threads=threads)
        painter.check(trial)
    except ImpastoError as error:
        connection.send(error)
        return
    connection.send("ready")
    told_s = 0.0

    def tell(event: StepEvent) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= TELL_EVERY_S:
            told_s = time.monotonic()
            connection.send(Stepped(job, event.scale, event.step, event.steps))

    while True:
        try:
            job = connection.recv()
            connection.send(painter.paint(job, tell))
        except (EOFError, OSError):  # the process that leads is gone
            return


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Ctrl-C is for the process that leads: a signal that is ignored here is ignored by a process started here."""
    if threading.current_thread() is not threading.main_thread():  # where no signal arrives, and none can be set
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe_end(exit_code: int | None) -> str:
    """How a process ended: `killed by SIGKILL, perhaps for want of memory`."""
    if exit_code is None or exit_code >= 0:
        return f"ended with exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    return f"killed by {name}{', perhaps for want of memory' if name == 'SIGKILL' else ''}"

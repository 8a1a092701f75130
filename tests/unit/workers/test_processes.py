"""A pool of processes: items there and back, and another process for one that dies."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import pytest

from impasto.errors import DeviceError
from impasto.workers import processes
from impasto.workers.pool import READY, Failed, Finished, Lost, Progress, Report, Share
from impasto.workers.processes import ProcessPool, describe_exit, run_worker


@dataclass(frozen=True)
class Item:
    text: str
    files: Sequence[str] = ()
    shared_files: Sequence[str] = ()

    def with_files(self, files: Sequence[str], shared_files: Sequence[str]) -> "Item":
        return self


def build_echo(share: Share) -> Callable[[Item, Callable[[Any], None]], str]:
    """What a worker runs: it repeats the text, dies, or reports progress forever."""

    def perform(item: Item, on_progress: Callable[[Any], None]) -> str:
        if item.text == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if item.text == "fail":
            raise DeviceError("no.", "Take another.")
        on_progress(item.text.upper())
        return f"{item.text} {share.number}/{share.workers}"

    return perform


def refuse(share: Share) -> Any:
    raise DeviceError("no such device.", "Take another.")


def test_processes_perform_items_and_are_replaced() -> None:
    pool = ProcessPool(build_echo, 1)
    reports: list[Report] = []
    items = [Item("a"), Item("die"), Item("b")]
    try:
        deadline = time.monotonic() + 60
        while sum(not isinstance(report.outcome, Progress) for report in reports) < len(items):
            assert time.monotonic() < deadline
            if pool.idle:
                pool.submit(items[sum(not isinstance(report.outcome, Progress) for report in reports)])
            reports += pool.wait(1)
    finally:
        pool.stop()
    assert reports == [
        Report(items[0], Progress("A")),
        Report(items[0], Finished("a 0/1")),
        Report(items[1], Lost("killed by SIGKILL, perhaps for want of memory")),
        Report(items[2], Progress("B")),
        Report(items[2], Finished("b 0/1")),
    ]
    assert not multiprocessing.active_children()


def run_in_thread(factory: Any) -> Connection:
    """The parent's end of a worker's connection; the worker ends when it is closed."""
    connection, child_connection = multiprocessing.Pipe()

    def run() -> None:
        with child_connection:
            run_worker(child_connection, factory, Share())

    threading.Thread(target=run, daemon=True).start()
    return connection


@pytest.fixture
def _unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "settle_process", lambda: None)


@pytest.mark.usefixtures("_unsettled")
def test_a_workers_messages() -> None:
    with run_in_thread(build_echo) as connection:
        assert connection.recv() == READY
        for text, messages in (
            ("a", [Progress("A"), Finished("a 0/1")]),
            ("b", [Finished("b 0/1")]),  # progress is sent now and then only
            ("fail", [Failed("no.", "Take another.")]),
        ):
            connection.send(Item(text))
            assert [connection.recv() for _ in messages] == messages


@pytest.mark.usefixtures("_unsettled")
def test_a_worker_that_cannot_start_sends_the_error() -> None:
    with run_in_thread(refuse) as connection:
        error = connection.recv()
    assert isinstance(error, DeviceError) and error.hint == "Take another."


@pytest.mark.parametrize(
    ("code", "text"),
    [(3, "exit code 3"), (-9, "SIGKILL, perhaps for want of memory"), (-11, "SIGSEGV"), (-99, "signal 99")],
)
def test_an_exit_in_words(code: int, text: str) -> None:
    assert text in describe_exit(code)

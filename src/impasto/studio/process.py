"""A child process of the studio: it takes messages, sends messages, and ends when its parent does."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

from impasto.workers.processes import describe_exit

Main = Callable[..., None]
"""What a child runs: a function of a module, its first argument the connection to the parent."""


class Lost(Exception):
    """The child is gone; says how it ended."""


class Child:
    """A running child process. main, arguments: what it runs, picklable. has_answered: whether it has sent anything."""

    def __init__(self, main: Main, *arguments: object) -> None:
        context = multiprocessing.get_context("spawn")  # a forked process would inherit the state of torch's locks
        self._connection, child_connection = context.Pipe()
        self._process: Any = context.Process(target=main, args=(child_connection, *arguments), daemon=True)
        self._sending = threading.Lock()
        self.has_answered = False
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        with _signals_blocked():
            self._process.start()
        child_connection.close()

    def send(self, message: object) -> None:
        """Send a message; a child that is gone is noticed by `receive`."""
        with self._sending, suppress(OSError):
            self._connection.send(message)

    def receive(self, timeout_s: float | None = None) -> Any:
        """Return the next message. Raises Lost, and TimeoutError if none comes in time."""
        try:
            if not self._connection.poll(timeout_s):
                raise TimeoutError
            message = self._connection.recv()
            self.has_answered = True
            return message
        except (EOFError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            self._process.join()
            raise Lost(describe_exit(self._process.exitcode)) from error

    def kill(self) -> None:
        """End the child at once."""
        self._process.kill()
        self._process.join()


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Have a process that is started meanwhile ignore what ends its parent, which lets it finish what it does."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # now, as it unblocks signals when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent(connection: Connection, take: Callable[[Any], None]) -> None:
    """Read messages on a thread of its own and pass them to `take`; when the parent is gone, end this process."""

    def read() -> None:
        try:
            while True:
                take(connection.recv())
        except (EOFError, OSError):
            os._exit(0)

    threading.Thread(target=read, name="impasto-messages", daemon=True).start()

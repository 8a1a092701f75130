"""Ctrl-C, SIGTERM and a closed terminal: a run stops after its step, and a picture that was begun is saved."""

import contextlib
import os
import signal
import stat
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from impasto.optimize.events import OnStep

HANGUP: signal.Signals | None = getattr(signal, "SIGHUP", None)
"""Sent when the terminal is closed; Windows has none."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)

STOPPING = "impasto: stopping after this step and saving what is painted; press Ctrl-C again to stop at once."
"""Printed at the first signal while painting: a step of a large picture takes minutes."""


class Interrupt:
    """Handles signals by the stage a command is in, within a `with` block.

    Before the first step a signal raises KeyboardInterrupt: there is nothing to save. While painting, the first makes
    the `on_step` callback return "stop" after the step; a second raises KeyboardInterrupt, and the painting returns its
    best picture so far. From then on, and after `start_saving`, signals are only recorded.
    stop_requested: whether any signal was received.
    """

    def __init__(self) -> None:
        self.stop_requested = False
        self._stage: Literal["before", "painting", "saving"] = "before"
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        # `nohup impasto ...` ignores hangups, and so do we.
        numbers = list(SIGNALS)
        if HANGUP is not None and signal.getsignal(HANGUP) == signal.SIG_DFL:
            numbers.append(HANGUP)
        self._handlers = {number: signal.signal(number, self._receive) for number in numbers}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def is_before_first_step(self) -> bool:
        """Return whether nothing has been painted yet."""
        return self._stage == "before"

    def start_saving(self) -> None:
        """Only record signals from now on: a finished picture is being saved."""
        self._stage = "saving"

    def on_step(self, *readers: Callable[[Any], object]) -> "OnStep":
        """Return a callback that passes each event to the readers and returns "stop" once a signal was received."""

        def follow(event: Any) -> Literal["stop"] | None:
            self._stage = "painting"
            for reader in readers:
                reader(event)
            if not self.stop_requested:
                return None
            self.start_saving()
            return "stop"

        return follow

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if number == HANGUP:
            _leave_terminal()
        is_second, self.stop_requested = self.stop_requested, True
        if self._stage == "saving":
            return
        if self._stage == "painting" and not is_second:
            _print_stopping()
            return
        if self._stage == "painting":
            self.start_saving()
        raise KeyboardInterrupt


def _leave_terminal() -> None:
    """Write to nowhere what went to the terminal: it is gone, and each write would fail."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            if stat.S_ISCHR(os.fstat(stream.fileno()).st_mode):  # isatty fails on a terminal that is gone
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _print_stopping() -> None:
    """Print `STOPPING` on stderr: without its buffer, which the signal may have interrupted; above a bar."""
    with contextlib.suppress(OSError, ValueError):
        before = "\r\x1b[K" if sys.stderr.isatty() else ""
        os.write(sys.stderr.fileno(), f"{before}{STOPPING}\n".encode())

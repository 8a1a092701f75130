"""Ctrl-C and SIGTERM: a run stops after its step, and a picture that was begun is saved."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from impasto.optimize.events import OnStep

SIGNALS = (signal.SIGINT, signal.SIGTERM)

STOPPING = "impasto: stopping after this step and saving the best picture; press Ctrl-C again to stop at once."
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
        self._handlers = {number: signal.signal(number, self._receive) for number in SIGNALS}
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
        is_second, self.stop_requested = self.stop_requested, True
        if self._stage == "saving":
            return
        if self._stage == "painting" and not is_second:
            _print_stopping()
            return
        if self._stage == "painting":
            self.start_saving()
        raise KeyboardInterrupt


def _print_stopping() -> None:
    """Print `STOPPING` on stderr: without its buffer, which the signal may have interrupted; above a bar."""
    with contextlib.suppress(OSError, ValueError):
        before = "\r\x1b[K" if sys.stderr.isatty() else ""
        os.write(sys.stderr.fileno(), f"{before}{STOPPING}\n".encode())

"""Ctrl-C and SIGTERM: a run stops after its step, and a picture once begun is not lost."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from impasto.optimize.events import OnStep, StepEvent

SIGNALS = (signal.SIGINT, signal.SIGTERM)

ANSWER = "impasto: stopping after this step, to keep the best picture; a second Ctrl-C does not wait for it."
"""What the first signal while painting is answered: a step of a large picture takes minutes."""


class Interrupt:
    """What a signal does at this moment of a command; in force within a `with` block.

    Before the first step it raises KeyboardInterrupt: there is nothing to save. After it, `on_step` answers "stop" when
    the step is done; a second signal meanwhile raises KeyboardInterrupt, which `stylize` turns into the best picture
    so far. From then on, and after `shield`, signals are only remembered: they must not cost the picture.
    asked: whether a signal came at all.
    """

    def __init__(self) -> None:
        self.asked = False
        self._stage: Literal["before", "painting", "saving"] = "before"
        self._old: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._old = {number: signal.signal(number, self._receive) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def before_first_step(self) -> bool:
        """Whether nothing has been painted yet."""
        return self._stage == "before"

    def shield(self) -> None:
        """From now on signals are only remembered: a finished picture is being saved."""
        self._stage = "saving"

    def on_step(self, *readers: "Callable[[StepEvent], object]") -> "OnStep":
        """The callback of a run: tells the readers of each step, then whether to stop."""

        def tell(event: "StepEvent") -> Literal["stop"] | None:
            self._stage = "painting"
            for reader in readers:
                reader(event)
            if not self.asked:
                return None
            self.shield()
            return "stop"

        return tell

    def _receive(self, number: int, frame: FrameType | None) -> None:
        again, self.asked = self.asked, True
        if self._stage == "saving":
            return
        if self._stage == "painting" and not again:
            _answer()
            return
        if self._stage == "painting":
            self.shield()
        raise KeyboardInterrupt


def _answer() -> None:
    """Tells `ANSWER` on stderr, past its buffer, which the signal may have interrupted; in a terminal above the bar."""
    with contextlib.suppress(OSError, ValueError):
        before = "\r\x1b[K" if sys.stderr.isatty() else ""
        os.write(sys.stderr.fileno(), f"{before}{ANSWER}\n".encode())

"""The quick process: a child that answers what needs networks, such as instant pictures, and keeps them warm."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from impasto.errors import ImpastoError
from impasto.studio.answers import ANSWERS
from impasto.studio.process import Child, Lost
from impasto.studio.refusal import Refusal, error_body, error_status
from impasto.system.process import settle_process

WAITING = 4
"""Requests that may wait for the process; more are refused, as the page asks again anyway."""

ANSWER_S = 120.0
"""Seconds after which an answer is given up and the process ended."""


class Quick:
    """The child process that answers, one question at a time; started at the first one."""

    def __init__(self, options: Mapping[str, Any], *, wait_s: float = ANSWER_S) -> None:
        self._options, self._wait_s = options, wait_s
        self._places = threading.BoundedSemaphore(WAITING)
        self._turn = threading.Lock()
        self._child: Child | None = None
        self._is_closed = False
        self._machine: dict[str, Any] = {}

    @property
    def machine(self) -> Mapping[str, Any]:
        """The answer to "machine"; empty until it was asked."""
        return self._machine

    def ask_machine(self) -> Mapping[str, Any]:
        """Ask for the devices and extras."""
        self._machine = self.ask("machine")
        return self._machine

    def ask(self, question: str, **arguments: Any) -> Any:
        """Return the answer of a function in ANSWERS. Raises Refusal: too many wait, or what the function raised."""
        if not self._places.acquire(blocking=False):
            raise Refusal(
                "too many previews are asked for at once.",
                "Ask again in a moment.",
                status=429,
                key="busy",
                values={"most": WAITING},
            )
        try:
            with self._turn:
                return self._answer(question, arguments)
        finally:
            self._places.release()

    def close(self) -> None:
        """End the process, for good."""
        self._is_closed = True
        if self._child is not None:
            self._child.kill()

    def _answer(self, question: str, arguments: Mapping[str, Any]) -> Any:
        if self._is_closed:
            raise Refusal("the studio ends.", "Start it again.", status=503, key="no-answer")
        if self._child is None:
            self._child = Child(run_quick, self._options)
        try:
            self._child.send((question, dict(arguments)))
            is_good, value = self._child.receive(self._wait_s)
        except (Lost, TimeoutError) as error:
            self._child.kill()
            self._child = None
            raise Refusal(
                f"there was no answer ({str(error) or 'it took too long'}).",
                "Try again, with smaller pictures perhaps.",
                status=503,
                key="no-answer",
            ) from error
        if is_good:
            return value
        raise Refusal(value.pop("error"), value.pop("hint"), **value)


def run_quick(connection: Connection, options: Mapping[str, Any]) -> None:
    """Answer questions until the parent is gone. options: of `RunOptions`."""
    settle_process()
    with suppress(EOFError, OSError):
        while True:
            question, arguments = connection.recv()
            connection.send(answer(question, {**arguments, "options": options}))


def answer(question: str, arguments: Mapping[str, Any]) -> tuple[bool, Any]:
    """Return True and the answer, or False and the error as keywords of a Refusal."""
    try:
        return True, ANSWERS[question](**arguments)
    except ImpastoError as error:
        return False, {**error_body(error), "status": error_status(error)}
    except Exception as error:
        text = f"{question} failed ({type(error).__name__}: {error})."
        return False, {"error": text, "hint": "Please report it.", "status": 500, "key": "failed"}

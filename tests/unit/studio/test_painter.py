"""A painter: it follows its child process, and a child that is lost costs one job."""

import queue
import sqlite3
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from impasto.studio import painter
from impasto.studio.painter import Painter
from impasto.studio.process import Lost


class FakeChild:
    """A child process that sends what a test wants it to."""

    def __init__(self, *messages: Any) -> None:
        self.sent: list[Any] = []
        self.is_killed = self.has_answered = False
        self._messages = [*messages]

    def send(self, message: Any) -> None:
        self.sent.append(message)

    def receive(self, timeout_s: float | None = None) -> Any:
        if not self._messages or self.is_killed:
            raise Lost("killed by SIGKILL")
        self.has_answered = True
        message = self._messages.pop(0)
        if callable(message):
            message()
            raise TimeoutError
        return message

    def kill(self) -> None:
        self.is_killed = True


class FakeDesk:
    """A queue of some jobs; their ends, in order."""

    def __init__(self, *names: str) -> None:
        self.ends: list[tuple[str, Mapping[str, Any]]] = []
        self.steps: list[tuple[str, Mapping[str, Any]]] = []
        self.gone: set[str] = set()
        self._names = [*names]

    def take(self) -> Any:
        return SimpleNamespace(id=self._names.pop(0)) if self._names else None

    def order(self, name: str) -> Mapping[str, Any] | None:
        kind = "film" if name == "film" else "stylize"
        return None if name in self.gone else {"folder": name, "wish": "", "kind": kind}

    def report_step(self, name: str, values: Mapping[str, Any]) -> None:
        self.steps.append((name, values))

    def report_end(self, name: str, values: Mapping[str, Any]) -> None:
        self.ends.append((name, values))

    def watch_disk(self) -> None:
        pass


def run(desk: FakeDesk, *children: FakeChild) -> list[tuple[Any, ...]]:
    """Let a painter work until the queue is empty; return what its children were spawned with."""
    spawned: queue.SimpleQueue[FakeChild] = queue.SimpleQueue()
    for child in children:
        spawned.put(child)
    calls = []

    def spawn(*arguments: Any) -> Any:
        calls.append(arguments)
        return spawned.get_nowait()

    works = Painter(desk, {"device": "cpu"}, spawn)
    works.start()
    works.close()
    return calls


def test_a_child_paints_one_job_after_the_other() -> None:
    desk = FakeDesk("a", "b")
    child = FakeChild(("ready", {}), ("step", {"step": 1}), ("end", {"state": "done"}), ("end", {"state": "failed"}))
    assert len(run(desk, child)) == 1
    assert desk.steps == [("a", {"step": 1})]
    assert desk.ends == [("a", {"state": "done"}), ("b", {"state": "failed"})]
    assert [(kind, turn, order["folder"]) for kind, turn, order in child.sent] == [("paint", 1, "a"), ("paint", 2, "b")]


def test_a_lost_child_costs_one_job() -> None:
    desk = FakeDesk("a", "b")
    run(desk, FakeChild(("step", {"step": 1})), FakeChild(("end", {"state": "done"})))
    (name, end), last = desk.ends
    assert name == "a" and end["state"] == "failed" and "killed by SIGKILL" in end["message"]["text"]
    assert last == ("b", {"state": "done"})


def test_a_film_whose_painter_is_silent_for_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr(painter, "time", SimpleNamespace(monotonic=lambda: now_s[0]))

    def wait() -> None:
        now_s[0] += painter.SILENT_S - 1

    desk, step, end = FakeDesk("film", "a", "b"), ("step", {"step": 1}), ("end", {"state": "done"})
    silent, other = FakeChild(step, wait, step, wait, wait, end), FakeChild(wait, wait, end, end)
    run(desk, silent, other)
    assert silent.is_killed and len(desk.steps) == 2
    (name, film), *pictures = desk.ends
    assert (name, film["state"]) == ("film", "failed") and "reported nothing for 3600 s" in film["message"]["text"]
    assert [one["state"] for _, one in pictures] == ["done", "done"]  # pictures may take their time


def test_a_child_that_never_answers_costs_no_job() -> None:
    desk = FakeDesk("a")
    run(desk, FakeChild())
    assert [(name, end["state"]) for name, end in desk.ends] == [("a", "paused")]


def test_a_queue_that_cannot_be_written_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painter, "LOOK_S", 0.0)
    desk, refused = FakeDesk("a"), [OSError("no space"), sqlite3.OperationalError("disk is full")]
    take, report_end = desk.take, desk.report_end

    def refuse(act: Any, *arguments: Any) -> Any:
        if refused:
            raise refused.pop()
        return act(*arguments)

    monkeypatch.setattr(desk, "take", lambda: refuse(take))
    monkeypatch.setattr(desk, "report_end", lambda *end: refuse(report_end, *end))
    child = FakeChild(lambda: refused.append(OSError("no space")), ("end", {"state": "done"}))
    run(desk, child)
    assert desk.ends == [("a", {"state": "done"})] and not refused


def test_a_job_deleted_before_its_turn_is_not_sent() -> None:
    desk, child = FakeDesk("a", "b"), FakeChild(("end", {"state": "done"}))
    desk.gone.add("a")
    run(desk, child)
    assert [order["folder"] for _, _, order in child.sent] == ["b"]


@pytest.mark.parametrize("name", ["a", "other"])
def test_wishes_and_deletions_reach_the_child_of_their_job_alone(name: str) -> None:
    desk = FakeDesk("a")
    painters: list[Painter] = []
    wish, drop = (lambda: painters[0].tell(name, "pause")), (lambda: painters[0].drop(name))
    child = FakeChild(wish, drop, ("end", {"state": "done"}))
    painters.append(Painter(desk, {"device": "cpu"}, lambda *arguments: child))  # type: ignore[arg-type]
    painters[0].start()
    painters[0].close()
    is_own = name == "a"
    assert (("wish", 1, "pause") in child.sent) is is_own
    assert desk.ends[0][1]["state"] == ("failed" if is_own else "done")

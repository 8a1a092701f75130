"""Free memory goes back before a tile or an update would pass the plan, and not sooner."""

import pytest

from impasto.tiles import heap
from impasto.tiles.heap import Heap

PLAN = {"held_bytes": 80, "needed_bytes": 160, "most_bytes": 170}  # a tile's features take 80


class Process:
    """Of which `held` bytes are in use, and `live` once what is free has been given back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, held: int) -> None:
        self.held = self.live = held
        monkeypatch.setattr(heap, "used_bytes", lambda device: self.held)
        monkeypatch.setattr(heap, "give_back", self.give_back)

    def give_back(self) -> None:
        self.held = self.live


@pytest.mark.parametrize(
    ("live", "held", "first", "given_back"),
    [
        (50, 80, True, False),  # the features fit beside what is held
        (50, 81, True, True),
        (50, 89, True, True),
        (50, 90, True, False),  # so much is free that the features lie there
        (50, 150, True, False),
        (50, 151, True, True),  # a quarter of the features may come anew
        (50, 81, False, False),
        (50, 150, False, False),
        (50, 151, False, True),
    ],
)
def test_before_a_tile(live: int, held: int, first: bool, given_back: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(monkeypatch, live)
    kept = Heap(**PLAN)
    process.held = held
    kept.before_tile(first=first)
    assert process.held == (live if given_back else held)


@pytest.mark.parametrize(("held", "given_back"), [(150, False), (151, True)])
def test_before_an_update(held: int, given_back: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(monkeypatch, 50)
    kept = Heap(**PLAN)
    process.held = held
    kept.before_update()
    assert process.held == (50 if given_back else held)


def test_before_an_update_where_it_was_tight(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(monkeypatch, 50)
    kept = Heap(**PLAN)
    process.held = 151
    kept.before_tile(first=False)
    for held, left in ((140, 50), (140, 140)):  # once
        process.held = held
        kept.before_update()
        assert process.held == left
    process.held = 81
    kept.before_tile(first=True)
    process.held = 140
    kept.before_update()
    assert process.held == 140


def test_what_was_free_is_known_anew_when_it_has_been_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(monkeypatch, 50)
    kept = Heap(**PLAN)
    process.held, process.live = 160, 70
    kept.before_tile(first=False)
    assert process.held == 70
    process.held = 100  # 30 of it free: too little for features of 80
    kept.before_tile(first=True)
    assert process.held == 70


def test_without_a_plan_nothing_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(monkeypatch, 50)
    kept = Heap()
    process.held, process.live = 2**40, 0
    for first in (True, False):
        kept.before_tile(first=first)
    kept.before_update()
    assert process.held == 2**40

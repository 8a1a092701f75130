"""Freed memory is returned before work that could exceed the limit; what does not fit even then is refused."""

import pytest

from impasto.tiles import memory_guard
from impasto.tiles.memory_guard import MemoryGuard

GUARD = MemoryGuard(limit_bytes=200, features_bytes=80)


class Process:
    """A pretended process that holds `used` bytes, of which `live` are not free."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, used: int, live: int = 50) -> None:
        self.used = used
        self.live = live
        monkeypatch.setattr(memory_guard, "used_bytes", lambda device: self.used)
        monkeypatch.setattr(memory_guard, "return_freed_memory", self.return_freed)

    def return_freed(self) -> None:
        self.used = self.live


@pytest.mark.parametrize(
    ("used", "first", "returned"),
    [(120, True, False), (121, True, True), (180, False, False), (181, False, True)],
)
def test_before_a_tile(used: int, first: bool, returned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(monkeypatch, used)
    GUARD.before_tile(first=first)
    assert process.used == (50 if returned else used)


@pytest.mark.parametrize("first", [True, False])
def test_a_tile_that_does_not_fit_is_refused_before_the_limit_is_exceeded(
    first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    Process(monkeypatch, used=190, live=120)
    GUARD.before_tile(first=first)
    Process(monkeypatch, used=190, live=121)
    with pytest.raises(MemoryError, match="121 of 200 are in use, and 80 are needed"):
        GUARD.before_tile(first=first)


@pytest.mark.parametrize(("used", "returned"), [(180, False), (181, True)])
def test_before_an_update(used: int, returned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(monkeypatch, used, live=150)
    GUARD.before_update()
    assert process.used == (150 if returned else used)


def test_without_a_limit_nothing_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(monkeypatch, 2**40, live=0)
    for first in (True, False):
        MemoryGuard().before_tile(first=first)
    MemoryGuard().before_update()
    assert process.used == 2**40

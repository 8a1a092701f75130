"""Several processes: which one writes the files."""

import pytest

from impasto.training import peers as module


def test_one_process_is_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert module.is_first_process()
    monkeypatch.setenv("RANK", "1")
    assert not module.is_first_process()

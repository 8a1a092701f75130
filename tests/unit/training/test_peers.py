"""Several processes: which one writes the files."""

import pytest
import torch

from impasto.errors import RecipeError
from impasto.training import peers as module


def test_one_process_is_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert module.is_first_process()
    monkeypatch.setenv("RANK", "1")
    assert not module.is_first_process()


def test_a_batch_that_the_processes_cannot_share_is_refused() -> None:
    peers = module.Peers(0, 3, torch.device("cpu"))
    peers.check_batch(6)
    with pytest.raises(RecipeError, match=r"batch_size is 4 for 3 processes; .*Give --batch-size 6"):
        peers.check_batch(4)

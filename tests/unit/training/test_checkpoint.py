"""Checkpoints: exact resume of network, optimizer and generator, and refusal of what does not fit."""

from pathlib import Path

import pytest
import torch
from torch import nn

from impasto.errors import CheckpointError
from impasto.training.checkpoint import Parts, restore_checkpoint, write_checkpoint


def build(features: int = 3) -> tuple[Parts, nn.Linear, torch.optim.Adam, torch.Generator]:
    network = nn.Linear(features, 2)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    generator = torch.Generator().manual_seed(7)
    return {"network": network, "optimizer": optimizer, "generator": generator}, network, optimizer, generator


def train(network: nn.Linear, optimizer: torch.optim.Adam, generator: torch.Generator, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        network(torch.randn(4, 3, generator=generator)).square().sum().backward()
        optimizer.step()


def test_a_resumed_training_is_that_of_an_uninterrupted_one(tmp_path: Path) -> None:
    parts, *whole = build()
    train(*whole, 3)
    write_checkpoint(tmp_path / "c.pt", parts, 3, 1.5)
    train(*whole, 4)
    again, *resumed = build()
    assert restore_checkpoint(tmp_path / "c.pt", again) == (3, 1.5)
    train(*resumed, 4)
    assert torch.equal(whole[0].weight, resumed[0].weight)


def test_without_a_file_a_training_begins(tmp_path: Path) -> None:
    assert restore_checkpoint(tmp_path / "c.pt", build()[0]) == (0, 0.0)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c.pt", build()[0], 3, 1.5)
    with pytest.raises(CheckpointError, match=r"of another network or optimizer.*or delete c.pt"):
        restore_checkpoint(tmp_path / "c.pt", build(features=4)[0])
    with pytest.raises(CheckpointError, match="of another network"):
        restore_checkpoint(tmp_path / "c.pt", {"other": nn.Linear(1, 1)})
    (tmp_path / "c.pt").write_bytes((tmp_path / "c.pt").read_bytes()[:500])
    with pytest.raises(CheckpointError, match=r"c.pt' is damaged .*Delete it to begin anew"):
        restore_checkpoint(tmp_path / "c.pt", build()[0])

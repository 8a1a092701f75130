"""Batches: their order depends on seed and step alone, and signals while workers start are not lost."""

import os
import signal
from collections.abc import Iterator

import pytest
import torch
from torch.utils.data import Dataset

from impasto.training import loader as module
from impasto.training.loader import (
    BatchItems,
    Order,
    load_batches,
    step_generator,
    steps_per_epoch,
    stopping_with_readers,
)


class Numbers(Dataset[list[int]]):
    """Batches of the numbers themselves."""

    def __getitem__(self, items: BatchItems) -> list[int]:
        return [number for _, number in items]


def order(first: int = 0, steps: int = 6, **changes: int) -> Order:
    return Order(numbers=range(100, 109), first=first, steps=steps, **{"batch_size": 4, "seed": 3, **changes})


def test_a_later_start_gives_the_same_batches() -> None:
    assert len(order(first=2)) == 4
    assert list(order(first=2)) == list(order())[2:]
    assert list(order(seed=4)) != list(order())


def test_each_epoch_has_its_own_order_without_repeats() -> None:
    assert steps_per_epoch(9, 4) == 2
    epochs = [[item for batch in order(first=2 * e, steps=2 * e + 2) for item in batch] for e in range(3)]
    assert [{epoch for epoch, _ in items} for items in epochs] == [{0}, {1}, {2}]
    assert all(len({number for _, number in items}) == 8 for items in epochs)
    assert len({tuple(number for _, number in items) for items in epochs}) == 3


def test_processes_share_each_batch() -> None:
    parts = [list(order(rank=rank, ranks=2)) for rank in range(2)]
    assert all(whole[0::2] == one and whole[1::2] == two for whole, one, two in zip(order(), *parts, strict=True))


def test_batches_are_in_order() -> None:
    assert list(load_batches(Numbers(), order(), 0)) == [[number for _, number in batch] for batch in order()]


def test_random_numbers_of_a_step_are_its_own() -> None:
    drawn = [torch.rand(4, generator=step_generator(seed, step)) for seed, step in ((0, 1), (0, 1), (0, 2), (1, 1))]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2]) and not torch.equal(drawn[0], drawn[3])


def test_ctrl_c_while_workers_start_is_delivered_after(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(loader: object) -> Iterator[list[int]]:
        os.kill(os.getpid(), signal.SIGINT)
        started.append(True)
        return iter(())

    started: list[bool] = []
    monkeypatch.setattr(module.DataLoader, "__iter__", start)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            load_batches(Numbers(), order(), 0)
        assert started == [True]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("message", "error"),
    [("DataLoader worker (pid 3) is killed by signal: Terminated.", KeyboardInterrupt), ("no memory", RuntimeError)],
)
def test_a_terminated_reading_process_is_a_stop(message: str, error: type[BaseException]) -> None:
    with pytest.raises(error), stopping_with_readers():
        raise RuntimeError(message)

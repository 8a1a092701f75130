"""Batches of training items, read ahead: each depends on seed and step alone, so that a resumed run sees the same."""

import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

T = TypeVar("T")

BatchItems = list[tuple[int, int]]
"""The items of one batch: (epoch, number) of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The items of each batch from step `first` to `steps`: numbers in a new random order each epoch.

    batch_size: of all processes together; this one gets every `ranks`-th item of a batch, from the `rank`-th on.
    """

    numbers: Sequence[int] | np.ndarray
    batch_size: int
    seed: int
    first: int
    steps: int
    rank: int = 0
    ranks: int = 1

    def __len__(self) -> int:
        return self.steps - self.first

    def __iter__(self) -> Iterator[BatchItems]:
        per_epoch = steps_per_epoch(len(self.numbers), self.batch_size)
        shuffled = -1
        for step in range(self.first, self.steps):
            epoch, place = divmod(step, per_epoch)
            if epoch != shuffled:
                order, shuffled = np.random.default_rng((self.seed, epoch)).permutation(self.numbers), epoch
            batch = order[place * self.batch_size : (place + 1) * self.batch_size]
            yield [(epoch, int(number)) for number in batch[self.rank :: self.ranks]]


def steps_per_epoch(items: int, batch_size: int) -> int:
    """Return the whole batches in an epoch; the items that are left over are others each time."""
    return items // batch_size


def step_generator(seed: int, step: int) -> torch.Generator:
    """Return a generator for the random numbers of one step."""
    return torch.Generator().manual_seed(int(np.random.default_rng((seed, step)).integers(2**63)))


def default_workers(device: torch.device) -> int:
    """Return how many processes read ahead: one beside a network on the CPU, else up to eight."""
    return 1 if device.type == "cpu" else min(8, os.cpu_count() or 1)


def load_batches(dataset: Dataset[T], batches: Iterable[BatchItems], workers: int) -> Iterator[T]:
    """Yield dataset[items] for the items of each batch, in order.

    workers: processes that read ahead; with 0 this one reads. Ctrl-C while they start is delivered afterwards, and they
    ignore it.
    """
    # Each sample is a whole batch, so that a worker builds one at a time.
    loader = DataLoader(dataset, batch_size=None, sampler=batches, num_workers=workers)
    with _delayed_signals():
        return iter(loader)


@contextmanager
def stopping_with_readers() -> Iterator[None]:
    """Raise KeyboardInterrupt where a process that reads ahead was terminated, as when a machine shuts down.

    Torch raises RuntimeError for it, anywhere in the body.
    """
    try:
        yield
    except RuntimeError as error:
        if "killed by signal: Terminated" not in str(error):
            raise
        raise KeyboardInterrupt from error


@contextmanager
def _delayed_signals() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[tuple[int, FrameType | None]] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.signal(number, lambda *given: received.append(given)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for given in received:
            if callable(handler := handlers[signal.Signals(given[0])]):
                handler(*given)

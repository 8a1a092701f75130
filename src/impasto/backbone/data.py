"""Batches of training pictures: each hangs on seed and step alone, so that a resumed run sees the same ones."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from impasto.backbone.store import About, Store

CENTER = 225 / 256
"""The part of a picture's edge that is judged: the seed's 225 of 256 pixels."""


@dataclass(frozen=True, slots=True)
class Batch:
    """pixels: (B, 3, crop, crop) uint8, RGB, in channels-last memory. labels: (B,) int64.

    gains, shifts: (B, 3), the change of light and color: a pixel in [0, 1] becomes gain * pixel + shift.
    """

    pixels: Tensor
    labels: Tensor
    gains: Tensor
    shifts: Tensor

    def normalized(self, mean: Sequence[float], std: Sequence[float], device: torch.device) -> tuple[Tensor, Tensor]:
        """The network's input (B, 3, crop, crop) float32, and the labels, on the device."""
        means, stds = torch.tensor(mean, device=device), torch.tensor(std, device=device)
        gains, shifts = self.gains.to(device), self.shifts.to(device)
        x = self.pixels.to(device).float()
        x = x * (gains / 255 / stds)[..., None, None] + ((shifts - means) / stds)[..., None, None]
        return x, self.labels.to(device)


def training_batches(
    store: Store,
    *,
    crop: int,
    augment: bool,
    batch_size: int,
    seed: int,
    first: int,
    steps: int,
    workers: int,
    rank: int = 0,
    ranks: int = 1,
) -> Iterator[Batch]:
    """The batches of the steps `first` to `steps`, in order.

    batch_size: of all processes together; each of the `ranks` gets every `ranks`-th picture of a batch.
    workers: processes that read ahead; with 0 it is done in this one.
    """
    pictures = _Crops(store, crop, augment, seed)
    numbers = _TrainingOrder(store.about.train, batch_size, seed, first, steps, rank, ranks)
    return _read_ahead(pictures, numbers, workers)


def judging_batches(
    store: Store, numbers: Sequence[int], *, crop: int, augment: bool, batch_size: int, workers: int
) -> Iterator[Batch]:
    """The pictures of these numbers in order, the middle of each. augment: as the network was trained."""
    chunks = [
        [(-1, int(number)) for number in numbers[start : start + batch_size]]
        for start in range(0, len(numbers), batch_size)
    ]
    return _read_ahead(_Crops(store, crop, augment, None), chunks, workers)


def steps_per_epoch(about: About, batch_size: int) -> int:
    """Whole batches in an epoch; the pictures that are left over are others each time."""
    return len(about.train) // batch_size


def default_workers(device: torch.device) -> int:
    """Processes that read ahead: one beside a network on the CPU, else up to eight."""
    return 1 if device.type == "cpu" else min(8, os.cpu_count() or 1)


class _TrainingOrder:
    """Picture numbers with their epoch, a batch at a time: a new random order each epoch."""

    def __init__(
        self, train: np.ndarray, batch_size: int, seed: int, first: int, steps: int, rank: int, ranks: int
    ) -> None:
        self._train, self._batch_size, self._seed = train, batch_size, seed
        self._first, self._steps, self._rank, self._ranks = first, steps, rank, ranks

    def __len__(self) -> int:
        return self._steps - self._first

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        per_epoch = len(self._train) // self._batch_size
        shuffled = -1
        for step in range(self._first, self._steps):
            epoch, place = divmod(step, per_epoch)
            if epoch != shuffled:
                order, shuffled = np.random.default_rng((self._seed, epoch)).permutation(self._train), epoch
            batch = order[place * self._batch_size : (place + 1) * self._batch_size]
            yield [(epoch, int(number)) for number in batch[self._rank :: self._ranks]]


class _Crops(Dataset[Batch]):
    """Whole batches. seed None: the middle of each picture."""

    def __init__(self, store: Store, crop: int, augment: bool, seed: int | None) -> None:
        self._store, self._crop, self._augment, self._seed = store, crop, augment, seed

    def __getitem__(self, chosen: list[tuple[int, int]]) -> Batch:
        size, count = self._store.about.size, len(chosen)
        pixels = np.empty((count, self._crop, self._crop, 3), dtype=np.uint8)
        labels = np.empty(count, dtype=np.int64)
        gains, shifts = np.ones((count, 3), dtype=np.float32), np.zeros((count, 3), dtype=np.float32)
        for index, (epoch, number) in enumerate(chosen):
            picture, labels[index] = self._store.read(number)
            if self._seed is None:
                pixels[index] = self._middle(picture, size)
                continue
            rng = np.random.default_rng((self._seed, epoch, number))
            window = self._random_window(picture, size, rng)
            pixels[index] = window[:, ::-1] if rng.random() < 0.5 else window
            if self._augment:
                gains[index] = rng.uniform(0.7, 1.3) * rng.uniform(0.9, 1.1, 3)
                shifts[index] = 0.5 * (1 - gains[index]) + rng.uniform(-0.15, 0.15)
        tensors = (torch.from_numpy(array) for array in (labels, gains, shifts))
        return Batch(torch.from_numpy(pixels).permute(0, 3, 1, 2), *tensors)

    def _random_window(self, picture: Image.Image, size: int, rng: np.random.Generator) -> np.ndarray:
        if not self._augment:
            left, top = rng.integers(0, size - self._crop + 1, 2)
            return np.asarray(picture)[top : top + self._crop, left : left + self._crop]
        edge, slant = size * rng.uniform(0.5, 1), rng.uniform(-0.2, 0.2)
        width, height = min(size, edge * np.exp(slant)), min(size, edge * np.exp(-slant))
        left, top = rng.uniform(0, size - width), rng.uniform(0, size - height)
        return self._resized(picture, (left, top, left + width, top + height))

    def _middle(self, picture: Image.Image, size: int) -> np.ndarray:
        edge = size * CENTER if self._augment else self._crop
        start = (size - edge) // 2
        return self._resized(picture, (start, start, start + edge, start + edge))

    def _resized(self, picture: Image.Image, box: tuple[float, float, float, float]) -> np.ndarray:
        return np.asarray(picture.resize((self._crop, self._crop), Image.Resampling.BILINEAR, box=box))


def _read_ahead(pictures: Dataset[Batch], chosen: object, workers: int) -> Iterator[Batch]:
    # The sampler gives whole batches, so that a worker builds one at a time.
    loader = DataLoader(pictures, batch_size=None, sampler=chosen, num_workers=workers)  # type: ignore[arg-type]
    with _holding_signals():
        return iter(loader)


@contextmanager
def _holding_signals() -> Iterator[None]:
    """Signals that come meanwhile are delivered after; processes started meanwhile take no notice of Ctrl-C."""
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

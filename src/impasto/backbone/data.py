"""Batches of labeled pictures: random windows with changed colors for training, the middle of each for evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from impasto.backbone.store import Store
from impasto.training.loader import BatchItems, Order, load_batches

CENTER = 225 / 256
"""The part of a picture's edge that is evaluated: 225 of 256 pixels, as in the student's report."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Labeled pictures.

    pixels: (B, 3, crop, crop) uint8, RGB, in channels-last memory. labels: (B,) int64.
    gains, shifts: (B, 3), the change of light and color: a pixel in [0, 1] becomes gain * pixel + shift.
    """

    pixels: Tensor
    labels: Tensor
    gains: Tensor
    shifts: Tensor

    def normalized(self, mean: Sequence[float], std: Sequence[float], device: torch.device) -> tuple[Tensor, Tensor]:
        """Return the network's input (B, 3, crop, crop) float32, and the labels, on the device."""
        means, stds = torch.tensor(mean, device=device), torch.tensor(std, device=device)
        gains, shifts = self.gains.to(device), self.shifts.to(device)
        x = self.pixels.to(device).float()
        x = x * (gains / 255 / stds)[..., None, None] + ((shifts - means) / stds)[..., None, None]
        return x, self.labels.to(device)


def training_batches(store: Store, order: Order, *, crop: int, augment: bool, workers: int) -> Iterator[Batch]:
    """Yield random windows of the pictures in this order. crop, augment: as in `TrainingRecipe`."""
    return load_batches(_Crops(store, crop, augment, order.seed), order, workers)


def evaluation_batches(
    store: Store, numbers: Sequence[int], *, crop: int, augment: bool, batch_size: int, workers: int
) -> Iterator[Batch]:
    """Yield the middle of the pictures of these numbers, in order. augment: as the network was trained."""
    batches = [
        [(-1, int(number)) for number in numbers[start : start + batch_size]]
        for start in range(0, len(numbers), batch_size)
    ]
    return load_batches(_Crops(store, crop, augment, None), batches, workers)


class _Crops(Dataset[Batch]):
    """The pictures of a store; each item is a whole batch. seed: of random windows; None for the middle."""

    def __init__(self, store: Store, crop: int, augment: bool, seed: int | None) -> None:
        self._store, self._crop, self._augment, self._seed = store, crop, augment, seed

    def __getitem__(self, items: BatchItems) -> Batch:
        size, count = self._store.about.size, len(items)
        pixels = np.empty((count, self._crop, self._crop, 3), dtype=np.uint8)
        labels = np.empty(count, dtype=np.int64)
        gains, shifts = np.ones((count, 3), dtype=np.float32), np.zeros((count, 3), dtype=np.float32)
        for index, (epoch, number) in enumerate(items):
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

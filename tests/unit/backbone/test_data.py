"""Batches: a later start and worker processes give the same pixels, and no damage stops them."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from impasto.backbone.data import Batch, evaluation_batches, training_batches
from impasto.backbone.store import Store, import_lmdb, key_of
from impasto.training.loader import Order


def batches(
    data: Path,
    first: int = 0,
    steps: int = 6,
    batch_size: int = 4,
    crop: int = 32,
    augment: bool = True,
    workers: int = 0,
) -> list[Batch]:
    with Store(data) as store:
        order = Order(numbers=store.about.train, batch_size=batch_size, seed=3, first=first, steps=steps)
        return list(training_batches(store, order, crop=crop, augment=augment, workers=workers))


def is_same(one: Batch, other: Batch) -> bool:
    return all(
        torch.equal(getattr(one, name), getattr(other, name)) for name in ("pixels", "labels", "gains", "shifts")
    )


@pytest.mark.parametrize("augment", [False, True])
def test_a_later_start_gives_the_same_batches(data: Path, augment: bool) -> None:
    whole, rest = batches(data, augment=augment), batches(data, first=3, augment=augment)
    assert len(whole) == 6
    assert all(map(is_same, whole[3:], rest))
    assert not is_same(whole[0], whole[2])
    assert whole[0].pixels.is_contiguous(memory_format=torch.channels_last)


def test_worker_processes_give_the_same_batches(data: Path) -> None:
    assert all(map(is_same, batches(data), batches(data, workers=2)))


def test_normalized_pixels_have_mean_0_and_deviation_1(data: Path) -> None:
    about = Store(data).about
    (batch,) = batches(data, steps=1, crop=40, augment=False, batch_size=9)
    x, labels = batch.normalized(about.mean, about.std, torch.device("cpu"))
    assert x.mean(dim=(0, 2, 3)).abs().max() < 1e-5
    assert x.std(dim=(0, 2, 3)) == pytest.approx(torch.ones(3), abs=1e-3)
    assert sorted(labels.tolist()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_the_middle_is_evaluated_in_order(data: Path) -> None:
    with Store(data) as store:
        numbers, middle = store.about.validation.tolist(), np.asarray(store.read(0)[0])[4:36, 4:36]
        found = list(evaluation_batches(store, [0, *numbers], crop=32, augment=False, batch_size=2, workers=0))
    assert [len(batch.labels) for batch in found] == [2, 2]
    assert np.array_equal(found[0].pixels[0].permute(1, 2, 0).numpy(), middle)
    assert torch.cat([batch.labels for batch in found]).tolist() == [0, 0, 1, 2]


def test_a_damaged_record_never_stops_it(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    with import_lmdb().open(str(data), map_size=2**24) as environment, environment.begin(write=True) as transaction:
        for number, record in ((0, transaction.get(key_of(0))[:100]), (4, b""), (5, transaction.get(key_of(5))[:9])):
            transaction.put(key_of(number), record)
    with caplog.at_level(logging.WARNING):
        found = batches(data)
    assert len(found) == 6
    assert "is damaged" in caplog.text and "the next is taken" in caplog.text
    with Store(data) as store:
        assert store.read(0)[1] == 0
        assert store.read(5)[1] == 1

"""What a network makes of held-out pictures: how often it is right, and what it takes for what."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto.backbone.data import Batch, default_workers, judging_batches
from impasto.backbone.export import to_network
from impasto.backbone.store import Store
from impasto.errors import DataSetError
from impasto.features.weights import Weights
from impasto.system.device import resolve_device, running

BATCH_SIZE = 64


@dataclass(frozen=True, slots=True)
class Judgement:
    """confusion: (classes, classes) counts, the true class down, the one told across. top_5: right ones among five."""

    confusion: Tensor
    top_5: int
    loss: float

    @property
    def pictures(self) -> int:
        """How many were judged."""
        return int(self.confusion.sum())

    @property
    def top_1_share(self) -> float:
        """Share of pictures whose class was told."""
        return float(self.confusion.diagonal().sum()) / max(1, self.pictures)

    @property
    def top_5_share(self) -> float:
        """Share of pictures whose class was among the five likeliest; of all, where there are five classes or less."""
        return self.top_5 / max(1, self.pictures)


@torch.no_grad()
def judge(
    network: nn.Module,
    batches: Iterable[Batch],
    *,
    classes: int,
    mean: Sequence[float],
    std: Sequence[float],
    device: torch.device,
) -> Judgement:
    """The network's judgement of these pictures; loss is the mean cross entropy. The network is left in eval mode."""
    network.eval()
    confusion = torch.zeros(classes, classes, dtype=torch.int64)
    top_5, loss = 0, 0.0
    for batch in batches:
        x, labels = batch.normalized(mean, std, device)
        scores = network(x).float()
        loss += float(functional.cross_entropy(scores, labels, reduction="sum"))
        told = scores.topk(min(5, classes), dim=1).indices
        top_5 += int((told == labels[:, None]).any(dim=1).sum())
        places = (labels * classes + told[:, 0]).cpu()
        confusion += torch.bincount(places, minlength=classes * classes).view(classes, classes)
    return Judgement(confusion, top_5, loss / max(1, int(confusion.sum())))


def evaluate(
    backbone: Weights,
    data: str | os.PathLike[str],
    *,
    device: str = "auto",
    threads: int | None = None,
    workers: int | None = None,
) -> Judgement:
    """How a trained backbone judges the pictures of a prepared data set that were held out.

    Raises WeightsError (no classifier), DataSetError (unreadable, or of other classes), DeviceError.
    """
    network = to_network(backbone)
    store = Store(data)
    about = store.about
    if about.classes != backbone.record.classes:
        others = sorted(set(about.classes) ^ set(backbone.record.classes))
        named = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
        raise DataSetError(
            f"data set {os.fspath(data)!r} has {len(about.classes)} classes, the backbone was trained on "
            f"{len(backbone.record.classes)}; only one of them has {named}.",
            "Give a data set of the classes that it was trained on.",
        )
    place = resolve_device(device)
    crop, augment = network.architecture.crop, backbone.more.get("augment") == "yes"
    check_crop(crop, about.size, os.fspath(data))
    batches = judging_batches(
        store,
        [int(number) for number in about.validation],
        crop=crop,
        augment=augment,
        batch_size=BATCH_SIZE,
        workers=default_workers(place) if workers is None else workers,
    )
    with store, running(place, threads, "Close other programs."):
        return judge(
            network.to(place),
            batches,
            classes=len(about.classes),
            mean=backbone.record.preprocessing.mean,
            std=backbone.record.preprocessing.std,
            device=place,
        )


def check_crop(crop: int, size: int, data: str) -> None:
    """Accept a crop that pictures of this size hold. Raises DataSetError."""
    if crop > size:
        raise DataSetError(
            f"crop is {crop} pixels, the pictures of {data!r} have {size}; expected a crop that fits in.",
            f"Give --crop {size // 32 * 32}, or prepare larger pictures with --size.",
        )


def most_confused(judgement: Judgement, classes: Sequence[str], count: int = 5) -> list[tuple[str, str, int]]:
    """The commonest mistakes: the class, what it was taken for, how often."""
    mistakes = judgement.confusion.clone().fill_diagonal_(0)
    order = np.argsort(-mistakes.flatten().numpy(), kind="stable")[:count]
    found = [(int(place) // len(classes), int(place) % len(classes)) for place in order]
    return [
        (classes[row], classes[column], int(mistakes[row, column])) for row, column in found if mistakes[row, column]
    ]

"""A network's accuracy on held-out pictures, and the classes it confuses."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto.backbone.data import Batch, evaluation_batches
from impasto.backbone.export import to_network
from impasto.backbone.store import Store
from impasto.errors import DataSetError
from impasto.features.weights import Weights
from impasto.system.device import resolve_device
from impasto.system.torch_settings import running
from impasto.training.loader import default_workers

BATCH_SIZE = 64


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Counts of right and wrong predictions on held-out pictures.

    confusion: (classes, classes) counts, a row a true class, a column the predicted one.
    top_5: pictures whose class is among the five likeliest. loss: mean cross entropy.
    """

    confusion: Tensor
    top_5: int
    loss: float

    @property
    def pictures(self) -> int:
        """How many pictures there were."""
        return int(self.confusion.sum())

    @property
    def top_1_share(self) -> float:
        """Share of pictures whose class is the likeliest."""
        return float(self.confusion.diagonal().sum()) / max(1, self.pictures)

    @property
    def top_5_share(self) -> float:
        """Share of pictures whose class is among the five likeliest."""
        return self.top_5 / max(1, self.pictures)


@torch.no_grad()
def evaluate_network(
    network: nn.Module,
    batches: Iterable[Batch],
    *,
    classes: int,
    mean: Sequence[float],
    std: Sequence[float],
    device: torch.device,
) -> Evaluation:
    """Return the evaluation of a network on these pictures. The network is left in eval mode."""
    network.eval()
    confusion = torch.zeros(classes, classes, dtype=torch.int64)
    top_5, loss = 0, 0.0
    for batch in batches:
        x, labels = batch.normalized(mean, std, device)
        scores = network(x).float()
        loss += float(functional.cross_entropy(scores, labels, reduction="sum"))
        predicted = scores.topk(min(5, classes), dim=1).indices
        top_5 += int((predicted == labels[:, None]).any(dim=1).sum())
        places = (labels * classes + predicted[:, 0]).cpu()
        confusion += torch.bincount(places, minlength=classes * classes).view(classes, classes)
    return Evaluation(confusion, top_5, loss / max(1, int(confusion.sum())))


def evaluate(
    backbone: Weights,
    data: str | os.PathLike[str],
    *,
    device: str = "auto",
    threads: int | None = None,
    workers: int | None = None,
) -> Evaluation:
    """Return the evaluation of a trained backbone on the held-out pictures of a prepared data set.

    Raises WeightsError (no classifier), DataSetError (unreadable, or of other classes), DeviceError.
    """
    network = to_network(backbone)
    store = Store(data)
    about, classes = store.about, backbone.record.classes
    if about.classes != classes:
        others = sorted(set(about.classes) ^ set(classes))
        named = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
        raise DataSetError(
            f"data set {os.fspath(data)!r} has {len(about.classes)} classes, the backbone was trained on "
            f"{len(classes)}; only one of them has {named}.",
            "Give a data set of the classes that it was trained on.",
        )
    place = resolve_device(device)
    crop, augment = network.architecture.crop, backbone.more.get("augment") == "yes"
    check_crop(crop, about.size, os.fspath(data))
    batches = evaluation_batches(
        store,
        about.validation.tolist(),
        crop=crop,
        augment=augment,
        batch_size=BATCH_SIZE,
        workers=default_workers(place) if workers is None else workers,
    )
    with store, running(place, threads, "Close other programs."):
        return evaluate_network(
            network.to(place),
            batches,
            classes=len(classes),
            mean=backbone.record.preprocessing.mean,
            std=backbone.record.preprocessing.std,
            device=place,
        )


def check_crop(crop: int, size: int, data: str) -> None:
    """Accept a crop that fits into pictures of this size. Raises DataSetError."""
    if crop > size:
        raise DataSetError(
            f"crop is {crop} pixels, the pictures of {data!r} have {size}; expected a crop that fits in.",
            f"Give --crop {size // 32 * 32}, or prepare larger pictures with --size.",
        )


def most_confused(evaluation: Evaluation, classes: Sequence[str]) -> list[tuple[str, str, int]]:
    """Return the five commonest mistakes: true class, predicted class, how often."""
    mistakes = evaluation.confusion.clone().fill_diagonal_(0)
    order = np.argsort(-mistakes.flatten().numpy(), kind="stable")[:5]
    found = [(int(place) // len(classes), int(place) % len(classes)) for place in order]
    return [
        (classes[row], classes[column], int(mistakes[row, column])) for row, column in found if mistakes[row, column]
    ]

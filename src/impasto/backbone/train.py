"""Training: from prepared pictures to a backbone, going on exactly where it was stopped or killed."""

import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto import __version__
from impasto.backbone.data import Batch, default_workers, judging_batches, steps_per_epoch, training_batches
from impasto.backbone.evaluate import BATCH_SIZE, Judgement, check_crop, judge
from impasto.backbone.export import LICENSE, to_backbone
from impasto.backbone.network import Network, draw_masks
from impasto.backbone.peers import Peers, joining
from impasto.backbone.recipes import TrainingRecipe
from impasto.backbone.run import BACKBONE, CURVES, RunFolder
from impasto.backbone.store import Store
from impasto.errors import CheckpointError, RecipeError
from impasto.features.weights import write_safetensors
from impasto.optimize.precision import check_precision, resolve_precision
from impasto.system.device import resolve_device, running
from impasto.training.curves import draw_curves

EVENT_EVERY = {"cpu": 1}
"""Steps between events by device: reading a loss makes a GPU wait, so there it is done every twentieth."""


PLOTS = {
    "loss": {"loss": "training", "validation_loss": "held-out pictures"},
    "share of pictures": {"top_1": "held-out pictures, top-1"},
}
"""Curves of the trace's values that are drawn, by what they measure."""


@dataclass(frozen=True, slots=True)
class TrainingEvent:
    """Where a training is: steps done of all, epochs begun of all, the loss (a mean over the last steps), seconds
    since the first start, and the share of held-out pictures told at the last judgement, if there was one."""

    step: int
    steps: int
    epoch: int
    epochs: int
    loss: float
    seconds: float
    top_1: float | None


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out: the backbone's file, shares of held-out pictures told, and what it took."""

    path: Path
    top_1: float
    top_5: float
    steps: int
    seconds: float
    precision: str


def train(
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    recipe: TrainingRecipe,
    *,
    device: str = "auto",
    threads: int | None = None,
    workers: int | None = None,
    checkpoint_every_s: float = 60.0,
    license: str = LICENSE,
    on_event: Callable[[TrainingEvent], object] | None = None,
) -> Trained:
    """Trains a backbone in the folder `output`; called again with the same recipe and data, it goes on.

    Nothing hangs on where it was stopped: batches, augmentation and dropout are drawn from the seed and the step, so
    that the weights are those of an uninterrupted run, to the bit on a CPU with the same threads.
    workers: processes that read pictures ahead. checkpoint_every_s: seconds between checkpoints; there is one after
    each epoch too. on_event: told after each step (on a GPU each twentieth); "stop" saves a checkpoint and ends.
    Raises DataSetError, RecipeError, CheckpointError, DeviceError before slow work; KeyboardInterrupt if stopped.
    """
    store = Store(data)
    about = store.about
    check_crop(recipe.crop, about.size, os.fspath(data))
    if steps_per_epoch(about, recipe.batch_size) == 0:
        raise RecipeError(
            f"batch_size is {recipe.batch_size}; expected at most {len(about.train)}, the number of training pictures.",
            f"Give --batch-size {min(64, len(about.train))}.",
        )
    place = resolve_device(device)
    check_precision(recipe.precision, place)
    with joining(place) as peers:
        if recipe.batch_size % peers.ranks:
            raise RecipeError(
                f"batch_size is {recipe.batch_size} for {peers.ranks} processes; expected a multiple of their number.",
                f"Give --batch-size {math.ceil(recipe.batch_size / peers.ranks) * peers.ranks}.",
            )
        folder = RunFolder(Path(output))
        if peers.rank == 0:
            folder.begin(recipe, about, resolve_precision(recipe.precision, peers.device))
        peers.wait()
        precision = str(folder.read()["precision"])
        workers = default_workers(peers.device) if workers is None else workers
        with store, running(peers.device, threads, "Lower --batch-size or --crop, or close other programs."):
            training = _Training(store, folder, recipe, peers, precision, workers)
            return training.run(checkpoint_every_s, license, on_event)


def is_first_process() -> bool:
    """Whether this process is the one that writes, of those that `torchrun` started; true without it."""
    return os.environ.get("RANK", "0") == "0"


class _Training:
    """A network, its optimizer and how far it is."""

    def __init__(
        self,
        store: Store,
        folder: RunFolder,
        recipe: TrainingRecipe,
        peers: Peers,
        precision: str,
        workers: int,
    ) -> None:
        self.store, self.about, self.folder, self.recipe = store, store.about, folder, recipe
        self.peers, self.precision, self.workers = peers, precision, workers
        self.per_epoch = steps_per_epoch(store.about, recipe.batch_size)
        self.steps = self.per_epoch * recipe.epochs
        self.network = Network(recipe.architecture(len(store.about.classes)))
        self.network.initialize(recipe.init, torch.Generator().manual_seed(recipe.seed))
        self.network.to(peers.device)
        self.optimizer = _build_optimizer(self.network, recipe)
        self.step, self.seconds_before = 0, 0.0
        if (state := folder.load()) is not None:
            self._restore(state)
        if peers.rank == 0:
            folder.forget_after(self.step)
        self.shared = peers.share(self.network)
        self.started_s = time.monotonic()

    def run(
        self, checkpoint_every_s: float, license: str, on_event: Callable[[TrainingEvent], object] | None
    ) -> Trained:
        """Trains from where it is to the end, judges and writes the backbone."""
        told = [line["top_1"] for line in self.folder.trace() if "top_1" in line]
        top_1 = told[-1] if told else None
        event_every = EVENT_EVERY.get(self.peers.device.type, 20)
        losses, saved_s = [], time.monotonic()
        for batch in self._batches():
            losses.append(self._update(batch))
            ends_epoch, stopping = self.step % self.per_epoch == 0, False
            if self.step % event_every == 0 or ends_epoch:
                loss, losses = self._mean_loss(losses), []
                self._tell({"loss": loss, "rate": self.recipe.rate(self.step - 1, self.steps)})
                if ends_epoch:
                    top_1 = self._end_epoch()
                epoch = math.ceil(self.step / self.per_epoch)
                event = TrainingEvent(self.step, self.steps, epoch, self.recipe.epochs, loss, self._seconds(), top_1)
                asked = on_event is not None and on_event(event) == "stop"
                stopping = bool(self.peers.sum(torch.tensor([float(asked)]))[0])
            if ends_epoch or stopping or time.monotonic() - saved_s >= checkpoint_every_s:
                self._save()
                saved_s = time.monotonic()
            if stopping and self.step < self.steps:
                raise KeyboardInterrupt(
                    f"stopped at step {self.step} of {self.steps}; the checkpoint is in {str(self.folder.path)!r}."
                )
        return self._finish(license)

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds_before = int(state["step"]), float(state["seconds"])
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"the checkpoint in {str(self.folder.path)!r} is of another architecture than {self.recipe.arch}, "
                f"width {self.recipe.width:g}.",
                "Choose another -o, or delete checkpoint.pt to begin anew.",
            ) from error

    def _batches(self) -> Iterator[Batch]:
        return training_batches(
            self.store,
            crop=self.recipe.crop,
            augment=self.recipe.augment,
            batch_size=self.recipe.batch_size,
            seed=self.recipe.seed,
            first=self.step,
            steps=self.steps,
            workers=self.workers,
            rank=self.peers.rank,
            ranks=self.peers.ranks,
        )

    def _update(self, batch: Batch) -> Tensor:
        """One step; returns the loss, a scalar tensor on the device."""
        recipe, peers = self.recipe, self.peers
        self.shared.train()
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.rate(self.step, self.steps)
        x, labels = batch.normalized(self.about.mean, self.about.std, peers.device)
        generator = torch.Generator().manual_seed(int(np.random.default_rng((recipe.seed, self.step)).integers(2**63)))
        masks = draw_masks(self.network.architecture, recipe.batch_size, recipe.dropout, generator)
        if masks is not None:  # drawn for the whole batch, so that the number of processes does not change them
            masks = masks[peers.rank :: peers.ranks].to(peers.device)
        with torch.autocast(peers.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            scores = self.shared(x, masks)
        loss = functional.cross_entropy(scores.float(), labels, label_smoothing=recipe.label_smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.step += 1
        return loss.detach()

    def _mean_loss(self, losses: list[Tensor]) -> float:
        loss = float(self.peers.sum(torch.stack(losses).mean())) / self.peers.ranks
        if not math.isfinite(loss):
            raise RecipeError(
                f"the training diverged: the loss is {loss} at step {self.step}; expected a number.",
                "Choose another -o and a lower --learning-rate, or --batch-norm.",
            )
        return loss

    def _end_epoch(self) -> float:
        judgement = self._judge()
        self._tell({"top_1": judgement.top_1_share, "validation_loss": judgement.loss})
        if self.peers.rank == 0:
            draw_curves(self.folder.trace(), self.per_epoch, PLOTS, self.folder.path / CURVES)
        return judgement.top_1_share

    def _judge(self) -> Judgement:
        """The judgement of all held-out pictures, shared among the processes."""
        classes, peers = len(self.about.classes), self.peers
        batches = judging_batches(
            self.store,
            [int(number) for number in self.about.validation[peers.rank :: peers.ranks]],
            crop=self.recipe.crop,
            augment=self.recipe.augment,
            batch_size=BATCH_SIZE,
            workers=self.workers,
        )
        mine = judge(
            self.network, batches, classes=classes, mean=self.about.mean, std=self.about.std, device=peers.device
        )
        sums = peers.sum(torch.tensor([mine.top_5, mine.loss * mine.pictures], dtype=torch.float64))
        confusion = peers.sum(mine.confusion)
        return Judgement(confusion, int(sums[0]), float(sums[1]) / max(1, int(confusion.sum())))

    def _finish(self, license: str) -> Trained:
        judgement = self._judge()
        path, recipe = self.folder.path / BACKBONE, self.recipe
        if self.peers.rank == 0:
            trained_by = f"impasto {__version__}, preset {recipe.preset}, {recipe.epochs} epochs"
            backbone = to_backbone(
                self.network,
                classes=self.about.classes,
                mean=self.about.mean,
                std=self.about.std,
                license=license,
                trained_by=trained_by,
                augment=recipe.augment,
            )
            write_safetensors(backbone, path)
        self.peers.wait()
        return Trained(path, judgement.top_1_share, judgement.top_5_share, self.steps, self._seconds(), self.precision)

    def _save(self) -> None:
        if self.peers.rank == 0:
            self.folder.save(
                {
                    "network": self.network.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "step": self.step,
                    "seconds": self._seconds(),
                }
            )

    def _tell(self, values: dict[str, Any]) -> None:
        if self.peers.rank == 0:
            self.folder.tell({"step": self.step, "seconds": round(self._seconds(), 3), **values})

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.started_s


def _build_optimizer(network: nn.Module, recipe: TrainingRecipe) -> torch.optim.Optimizer:
    kernels = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    groups = [{"params": kernels, "weight_decay": recipe.decay}, {"params": others, "weight_decay": 0.0}]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)

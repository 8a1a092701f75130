"""Training: from a prepared data set to a backbone, resumed exactly where it was stopped or killed."""

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto.backbone.data import Batch, evaluation_batches, training_batches
from impasto.backbone.evaluate import BATCH_SIZE, Evaluation, check_crop, evaluate_network
from impasto.backbone.export import BACKBONE, LICENSE, to_backbone
from impasto.backbone.network import Network, draw_masks
from impasto.backbone.recipes import TrainingRecipe
from impasto.backbone.store import Store
from impasto.errors import RecipeError
from impasto.features.weights import write_safetensors
from impasto.optimize.precision import check_precision, resolve_precision
from impasto.runs.trace import append_trace, cut_trace, read_trace
from impasto.system.device import resolve_device
from impasto.system.torch_settings import running
from impasto.training.card import Card, begin_run
from impasto.training.checkpoint import Parts, restore_checkpoint, write_checkpoint
from impasto.training.curves import draw_curves
from impasto.training.loader import Order, default_workers, step_generator, steps_per_epoch, stopping_with_readers
from impasto.training.peers import Peers, join_peers

CHECKPOINT, CURVES = "checkpoint.pt", "curves.svg"

EVENT_EVERY = {"cpu": 1}
"""Steps between events by device; elsewhere 20, since reading a loss makes a GPU wait."""

PLOTS = {
    "loss": {"loss": "training", "validation_loss": "held-out pictures"},
    "share of pictures": {"top_1": "held-out pictures, top-1"},
}
"""What is drawn of the trace, by the unit of the plot."""


@dataclass(frozen=True, slots=True)
class TrainingEvent:
    """Progress of a training: steps and epochs begun of all, loss (mean over the last steps), seconds since the first
    start, and the share of held-out pictures classified right after the last epoch, if there was one."""

    step: int
    steps: int
    epoch: int
    epochs: int
    loss: float
    seconds: float
    top_1: float | None


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training: the backbone's file, shares of held-out pictures classified right, steps and seconds."""

    path: Path
    top_1: float
    top_5: float
    steps: int
    seconds: float
    precision: str


OnEvent = Callable[[TrainingEvent], object]


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
    on_event: OnEvent | None = None,
) -> Trained:
    """Train a backbone in the folder `output`; called again with the same recipe and data, resume it.

    The weights are those of an uninterrupted run, to the bit on a CPU with the same threads: batches, augmentation and
    dropout depend on the seed and the step alone.
    workers: processes that read pictures ahead. checkpoint_every_s: seconds between checkpoints; each epoch ends with
    one too. on_event: called after each step (on a GPU each twentieth); "stop" writes a checkpoint and ends.
    Raises DataSetError, RecipeError, CheckpointError, DeviceError before slow work; KeyboardInterrupt if stopped.
    """
    store, folder = Store(data), Path(output)
    about = store.about
    check_crop(recipe.crop, about.size, os.fspath(data))
    if steps_per_epoch(len(about.train), recipe.batch_size) == 0:
        raise RecipeError(
            f"batch_size is {recipe.batch_size}; expected at most {len(about.train)}, the number of training pictures.",
            f"Give --batch-size {min(64, len(about.train))}.",
        )
    place = resolve_device(device)
    check_precision(recipe.precision, place)
    with join_peers(place) as peers:
        peers.check_batch(recipe.batch_size)
        card = Card(
            recipe=recipe.to_dict(),
            data=about.describe(),
            precision=resolve_precision(recipe.precision, peers.device),
        )
        card = begin_run(folder, card, peers)
        workers = default_workers(peers.device) if workers is None else workers
        with store, running(peers.device, threads, "Lower --batch-size or --crop, or close other programs."):
            training = _Training(store, folder, recipe, card, peers, workers)
            with stopping_with_readers():
                return training.run(checkpoint_every_s, license, on_event)


class _Training:
    """A network, its optimizer and the steps done."""

    def __init__(
        self, store: Store, folder: Path, recipe: TrainingRecipe, card: Card, peers: Peers, workers: int
    ) -> None:
        self.store, self.about, self.folder, self.recipe = store, store.about, folder, recipe
        self.card, self.peers, self.workers = card, peers, workers
        self.per_epoch = steps_per_epoch(len(store.about.train), recipe.batch_size)
        self.steps = self.per_epoch * recipe.epochs
        self.network = Network(recipe.architecture(len(store.about.classes)))
        self.network.initialize(recipe.init, torch.Generator().manual_seed(recipe.seed))
        self.network.to(peers.device)
        self.optimizer = _build_optimizer(self.network, recipe)
        self.parts: Parts = {"network": self.network, "optimizer": self.optimizer}
        self.step, self.seconds_before = restore_checkpoint(folder / CHECKPOINT, self.parts)
        if peers.rank == 0:
            cut_trace(folder, self.step)
        self.shared = peers.share(self.network)
        self.started_s = time.monotonic()

    def run(self, checkpoint_every_s: float, license: str, on_event: OnEvent | None) -> Trained:
        """Train from the current step to the last, evaluate and write the backbone."""
        recipe, peers = self.recipe, self.peers
        top_1 = next((line["top_1"] for line in reversed(read_trace(self.folder)) if "top_1" in line), None)
        event_every = EVENT_EVERY.get(peers.device.type, 20)
        losses, saved_s = [], time.monotonic()
        order = Order(
            numbers=self.about.train,
            batch_size=recipe.batch_size,
            seed=recipe.seed,
            first=self.step,
            steps=self.steps,
            rank=peers.rank,
            ranks=peers.ranks,
        )
        for batch in training_batches(
            self.store, order, crop=recipe.crop, augment=recipe.augment, workers=self.workers
        ):
            losses.append(self._update(batch))
            ends_epoch, stopping = self.step % self.per_epoch == 0, False
            if self.step % event_every == 0 or ends_epoch:
                loss, losses = self._mean_loss(losses), []
                self._record({"loss": loss, "rate": recipe.rate(self.step - 1, self.steps)})
                if ends_epoch:
                    top_1 = self._end_epoch()
                epoch = math.ceil(self.step / self.per_epoch)
                event = TrainingEvent(self.step, self.steps, epoch, recipe.epochs, loss, self._seconds(), top_1)
                asked = on_event is not None and on_event(event) == "stop"
                stopping = bool(peers.sum(torch.tensor([float(asked)]))[0])
            if ends_epoch or stopping or time.monotonic() - saved_s >= checkpoint_every_s:
                if peers.rank == 0:
                    write_checkpoint(self.folder / CHECKPOINT, self.parts, self.step, self._seconds())
                saved_s = time.monotonic()
            if stopping and self.step < self.steps:
                raise KeyboardInterrupt(
                    f"stopped at step {self.step} of {self.steps}; the checkpoint is in {str(self.folder)!r}."
                )
        return self._finish(license)

    def _update(self, batch: Batch) -> Tensor:
        """Do one step; return the loss, a scalar tensor on the device."""
        recipe, peers = self.recipe, self.peers
        self.shared.train()
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.rate(self.step, self.steps)
        x, labels = batch.normalized(self.about.mean, self.about.std, peers.device)
        generator = step_generator(recipe.seed, self.step)
        masks = draw_masks(self.network.architecture, recipe.batch_size, recipe.dropout, generator)
        if masks is not None:  # drawn for the whole batch, so that the number of processes does not change them
            masks = masks[peers.rank :: peers.ranks].to(peers.device)
        with torch.autocast(peers.device.type, torch.bfloat16, enabled=self.card.precision == "bfloat16"):
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
        evaluation = self._evaluate()
        self._record({"top_1": evaluation.top_1_share, "validation_loss": evaluation.loss})
        if self.peers.rank == 0:
            draw_curves(read_trace(self.folder), self.per_epoch, PLOTS, self.folder / CURVES)
        return evaluation.top_1_share

    def _evaluate(self) -> Evaluation:
        """Evaluate all held-out pictures, shared among the processes."""
        about, peers = self.about, self.peers
        batches = evaluation_batches(
            self.store,
            about.validation[peers.rank :: peers.ranks].tolist(),
            crop=self.recipe.crop,
            augment=self.recipe.augment,
            batch_size=BATCH_SIZE,
            workers=self.workers,
        )
        mine = evaluate_network(
            self.network, batches, classes=len(about.classes), mean=about.mean, std=about.std, device=peers.device
        )
        sums = peers.sum(torch.tensor([mine.top_5, mine.loss * mine.pictures], dtype=torch.float64))
        confusion = peers.sum(mine.confusion)
        return Evaluation(confusion, int(sums[0]), float(sums[1]) / max(1, int(confusion.sum())))

    def _finish(self, license: str) -> Trained:
        evaluation, path = self._evaluate(), self.folder / BACKBONE
        if self.peers.rank == 0:
            write_safetensors(to_backbone(self.network, self.about, self.card, license), path)
        self.peers.wait()
        shares = evaluation.top_1_share, evaluation.top_5_share
        return Trained(path, *shares, self.steps, self._seconds(), self.card.precision)

    def _record(self, values: dict[str, Any]) -> None:
        """Add a line to the trace."""
        if self.peers.rank == 0:
            append_trace(self.folder, [{"step": self.step, "seconds": round(self._seconds(), 3), **values}])

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.started_s


def _build_optimizer(network: nn.Module, recipe: TrainingRecipe) -> torch.optim.Optimizer:
    kernels = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    groups = [{"params": kernels, "weight_decay": recipe.decay}, {"params": others, "weight_decay": 0.0}]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)

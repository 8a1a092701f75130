"""Training: from photographs and some paintings to a network that paints in their styles, resumed exactly."""

import logging
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from impasto.control.sizes import style_size
from impasto.errors import RecipeError
from impasto.fast.instant import load_instant
from impasto.fast.model import Model, to_icon
from impasto.fast.network import PHOTOGRAPH, Network
from impasto.fast.photos import Windows, load_windows
from impasto.fast.plan import TrainingEstimate, TrainingPlan, plan_training
from impasto.fast.recipe import TrainingRecipe
from impasto.features.encoder import build_encoder
from impasto.images.io import write_image
from impasto.images.resize import resize_image
from impasto.images.warp import inside, warp
from impasto.losses.batch import BatchObjective
from impasto.losses.temporal import temporal_loss
from impasto.painting.options import ImageSources
from impasto.runs.trace import append_trace, cut_trace, read_trace
from impasto.system.device import peak_bytes
from impasto.system.torch_settings import Precision, products_in, running
from impasto.training.card import Card, begin_run
from impasto.training.checkpoint import Parts, restore_checkpoint, write_checkpoint
from impasto.training.curves import draw_curves
from impasto.training.loader import BatchItems, Order, default_workers, steps_per_epoch, stopping_with_readers
from impasto.training.peers import Peers, join_peers

logger = logging.getLogger(__name__)

CHECKPOINT, CURVES = "checkpoint.pt", "curves.svg"

PLOTS = {"loss": {name: name for name in ("total", "content", "style", "tv", "temporal", "photograph")}}
"""What is drawn of the trace, by the unit of the plot."""

EVENT_EVERY = {"cpu": 1}
"""Steps between events by device; elsewhere 20, since reading a loss makes a GPU wait."""

SHEETS, SAMPLES, SHOWN_STYLES = 20, 4, 6
"""Sheets of samples in a training; photographs and, at most, styles on each."""

MEMORY_HINT = "Lower --batch-size or --crop, or close other programs."

ESTIMATED_STEPS = 100
"""Steps of a training that is estimated before it begins: two more hardly count."""

LEAST_STEPS = 25
"""Steps between two sheets, at least."""

STARTING_WINDOWS = 8
"""Windows of photographs, whose mean style vector is the photograph's in a network that begins as `instant`."""

PHOTOGRAPH_WEIGHT = 10.0
"""Weight of the mean squared difference from the photograph, for the row of parameters that repeats it."""

WARM_UP_WEIGHT = 10.0
"""Weight of the mean squared difference from the photograph in the style's colors, while that alone is learned."""


@dataclass(frozen=True, slots=True)
class PainterEvent:
    """Progress of a training: steps done and to do, mean losses of the last steps, seconds since the first start."""

    step: int
    steps: int
    losses: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedPainter:
    """A finished training: the network's file, the run's folder, steps, seconds, and the losses of the last step.

    photos: how many were found. broken: those that could not be read, {path: reason}.
    """

    path: Path
    run_dir: Path
    steps: int
    seconds: float
    losses: Mapping[str, float]
    precision: str
    photos: int
    broken: Mapping[str, str]


OnEvent = Callable[[PainterEvent], object]
OnEstimate = Callable[[TrainingEstimate], object]


def train_painter(
    style_images: ImageSources,
    photos: str | os.PathLike[str],
    output: str | os.PathLike[str],
    recipe: TrainingRecipe | None = None,
    *,
    names: Sequence[str] = (),
    add_to: str | os.PathLike[str] | None = None,
    run_dir: str | os.PathLike[str] | None = None,
    device: str = "auto",
    threads: int | None = None,
    workers: int | None = None,
    checkpoint_every_s: float = 60.0,
    on_event: OnEvent | None = None,
    on_estimate: OnEstimate | None = None,
) -> TrainedPainter:
    """Train a network that paints in the styles of some paintings; called again with the same arguments, resume it.

    style_images: paintings, as `read_image` takes them, each a style of its own. photos: a folder of photographs, or a
    pattern. output: the network's file, a .safetensors. names: of the styles; those of their files if left out.
    add_to: a trained network, whose other parameters stay as they are: only those of the new styles are trained.
    run_dir: folder for checkpoint, losses and samples; beside the output if left out. workers: processes that read
    photographs ahead. checkpoint_every_s: seconds between checkpoints. on_event: called after each step (on a GPU each
    twentieth); "stop" writes the network so far and ends. on_estimate: called before the first step of at least 100, in
    one process.

    The objective is that of `impasto.stylize` with the recipe's look, for windows of the photographs. The numbers are
    those of an uninterrupted run, to the bit on a CPU with the same threads: windows depend on the seed and the step
    alone. Raises DataSetError, ImageReadError, RecipeError, WeightsError, CheckpointError, DeviceError, OutputError
    before slow work; KeyboardInterrupt if stopped.
    """
    plan = plan_training(style_images, photos, output, recipe, names, add_to, run_dir, device)
    with join_peers(plan.device) as peers:
        peers.check_batch(plan.recipe.batch_size)
        card = begin_run(plan.folder, plan.card(peers.device), peers)
        workers = default_workers(peers.device) if workers is None else workers
        with running(peers.device, threads, MEMORY_HINT):
            return _Training(plan, card, peers).run(workers, checkpoint_every_s, on_event, on_estimate)


def estimate_training(
    style_images: ImageSources,
    photos: str | os.PathLike[str],
    output: str | os.PathLike[str],
    recipe: TrainingRecipe | None = None,
    *,
    names: Sequence[str] = (),
    add_to: str | os.PathLike[str] | None = None,
    run_dir: str | os.PathLike[str] | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> TrainingEstimate:
    """Check everything as `train_painter` does, and return what it will cost, by two steps; nothing is written.

    The arguments and errors are those of `train_painter`.
    """
    plan = plan_training(style_images, photos, output, recipe, names, add_to, run_dir, device)
    with running(plan.device, threads, MEMORY_HINT):
        return _Training(plan, plan.card(plan.device), Peers(0, 1, plan.device)).estimate()


class _Training:
    """A network, its optimizer and the steps done."""

    def __init__(self, plan: TrainingPlan, card: Card, peers: Peers) -> None:
        recipe, base, names, folder = plan.recipe, plan.base, plan.names, plan.folder
        self.recipe, self.card, self.peers, self.path, self.folder = recipe, card, peers, plan.path, folder
        self.photos, self.names, self.base = plan.photos, names, base
        self.style_images = [picture.image for picture in plan.pictures]
        self.fixed = 0 if base is None else 1 + len(base.names)
        self.network = self._begin().to(peers.device)
        self.precision: Precision = "bfloat16" if card.precision == "bfloat16" else "float32"
        trained = [values for values in self.network.parameters() if values.requires_grad]
        self.optimizer = torch.optim.Adam(trained, lr=recipe.learning_rate)
        self.objective = self._build_objective()
        self.parts: Parts = {"network": self.network, "optimizer": self.optimizer}
        self.step, self.seconds_before = restore_checkpoint(folder / CHECKPOINT, self.parts)
        self.shared = peers.share(self.network)
        self.broken: dict[str, str] = {}
        self.started_s = time.monotonic()

    def _begin(self) -> Network:
        """Return the network before the first step."""
        if self.base is not None:
            return self.base.network.extended(len(self.names))
        if self.recipe.init == "instant":
            plain = replace(self.recipe, look=self.recipe.look.replace(recolor=0.0))
            items = [(0, number) for number in range(STARTING_WINDOWS)]
            windows = next(load_windows(self.photos, self.style_images, plain, [items], 0))
            return load_instant(torch.device("cpu")).to_network(self.style_images, torch.split(windows.photographs, 1))
        network = Network(self.recipe.architecture, len(self.names))
        network.initialize(torch.Generator().manual_seed(self.recipe.seed))
        return network

    def estimate(self) -> TrainingEstimate:
        """Return what the steps left will cost, by the gradients of two with all losses: nothing is changed."""
        windows = next(self._windows([[(0, number) for number in range(self.recipe.batch_size)]], 0))
        for _ in range(2):
            start_s = time.monotonic()
            with products_in(self.precision):
                float(self.gradient(windows, self.recipe.steps)["total"])  # waits for a GPU
            seconds = time.monotonic() - start_s
        self.optimizer.zero_grad(set_to_none=True)
        steps = self.recipe.steps - self.step
        return TrainingEstimate(
            steps=steps,
            seconds=steps * seconds,
            seconds_per_step=seconds,
            peak_bytes=peak_bytes(self.peers.device),
            precision=self.card.precision,
            photos=len(self.photos.paths),
        )

    def run(
        self, workers: int, checkpoint_every_s: float, on_event: OnEvent | None, on_estimate: OnEstimate | None
    ) -> TrainedPainter:
        """Train from the current step to the last, and write the network; if stopped, that so far."""
        if self.peers.rank == 0:
            cut_trace(self.folder, self.step)
        if on_estimate is not None and self.peers.ranks == 1 and self.recipe.steps - self.step >= ESTIMATED_STEPS:
            on_estimate(self.estimate())
        try:
            with stopping_with_readers():
                losses = self._train(workers, checkpoint_every_s, on_event)
        except KeyboardInterrupt as error:
            self._write()
            raise KeyboardInterrupt(
                f"stopped at step {self.step} of {self.recipe.steps}; the network so far is in {str(self.path)!r}. "
                "The same command resumes it."
            ) from error
        self._write()
        self.peers.wait()
        return TrainedPainter(
            path=self.path,
            run_dir=self.folder,
            steps=self.recipe.steps,
            seconds=self._seconds(),
            losses=losses,
            precision=self.card.precision,
            photos=len(self.photos.paths),
            broken=self.broken,
        )

    def _train(self, workers: int, checkpoint_every_s: float, on_event: OnEvent | None) -> dict[str, float]:
        """Train to the last step; return its losses. Raises KeyboardInterrupt if stopped before."""
        recipe, peers = self.recipe, self.peers
        losses: list[dict[str, Tensor]] = []
        means = self._last_losses()
        event_every, sheet_every = EVENT_EVERY.get(peers.device.type, 20), max(LEAST_STEPS, recipe.steps // SHEETS)
        saved_s = time.monotonic()
        numbers = range(max(len(self.photos.paths), recipe.batch_size))
        order = Order(
            numbers=numbers,
            batch_size=recipe.batch_size,
            seed=recipe.seed,
            first=self.step,
            steps=recipe.steps,
            rank=peers.rank,
            ranks=peers.ranks,
        )
        samples = next(self._windows([[(0, number) for number in range(SAMPLES)]], 0)) if peers.rank == 0 else None
        for windows in self._windows(order, workers):
            losses.append(self._update(windows))
            self._report_broken(windows.broken)
            is_last, stopping = self.step == recipe.steps, False
            if self.step % event_every == 0 or is_last:
                means, losses = self._mean_losses(losses), []
                self._record(means)
                event = PainterEvent(self.step, recipe.steps, means, self._seconds())
                asked = on_event is not None and on_event(event) == "stop"
                stopping = bool(peers.sum(torch.tensor([float(asked)]))[0])
            if samples is not None and (self.step % sheet_every == 0 or is_last or stopping):
                self._draw(samples, steps_per_epoch(len(numbers), recipe.batch_size))
            if is_last or stopping or time.monotonic() - saved_s >= checkpoint_every_s:
                if peers.rank == 0:
                    write_checkpoint(self.folder / CHECKPOINT, self.parts, self.step, self._seconds())
                saved_s = time.monotonic()
            if stopping and not is_last:
                raise KeyboardInterrupt
        return means

    def gradient(self, windows: Windows, step: int) -> dict[str, Tensor]:
        """Set the gradient of a step's mean loss of a batch, of which these are this process's windows.

        Returns the sums of its losses over these windows, scalars on the device.
        """
        recipe, peers = self.recipe, self.peers
        photographs, contents = windows.photographs.to(peers.device), windows.contents.to(peers.device)
        rows = [max(1, self.fixed) + style for style in windows.styles]
        is_warming_up, count = step < recipe.warm_up, len(rows)
        if windows.moved is not None and not is_warming_up:
            photographs, rows = torch.cat([photographs, windows.moved.to(peers.device)]), rows + rows
        # The first window of the whole batch is also repeated as a photograph.
        repeats = peers.rank == 0 and self.base is None
        if repeats:
            photographs, rows = torch.cat([photographs, photographs[:1]]), [*rows, PHOTOGRAPH]
        shares = functional.one_hot(torch.tensor(rows), 1 + self.network.styles).float()[..., None, None]
        with torch.autocast(peers.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            painted = self.shared(photographs, shares.to(peers.device))
        if is_warming_up:
            losses = {"total": WARM_UP_WEIGHT * count * functional.mse_loss(painted[:count], contents)}
        else:
            losses = self.objective(painted[:count], contents, windows.styles)
            if windows.flows is not None:
                flows = windows.flows.to(peers.device)
                difference = temporal_loss(painted[count : 2 * count], warp(painted[:count], flows), inside(flows))
                losses["temporal"] = recipe.temporal_weight * count * difference
                losses["total"] = losses["total"] + losses["temporal"]
        # The processes' gradients are averaged: each is made the sum of its windows' over the whole batch's number.
        total = losses["total"] * (peers.ranks / recipe.batch_size)
        if repeats:
            difference = functional.mse_loss(painted[-1:], photographs[-1:])
            losses["photograph"] = difference * recipe.batch_size
            total = total + PHOTOGRAPH_WEIGHT * difference * peers.ranks
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        for layer in self.network.layers:
            for values in (layer.scales, layer.shifts):
                if self.fixed and values.grad is not None:
                    values.grad[: self.fixed] = 0
        return {name: loss.detach() for name, loss in losses.items()}

    def _update(self, windows: Windows) -> dict[str, Tensor]:
        """Do one step; return its losses, as `gradient` does."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate(self.step)
        with products_in(self.precision):
            losses = self.gradient(windows, self.step)
        self.optimizer.step()
        self.step += 1
        return losses

    def _build_objective(self) -> BatchObjective:
        look, size = self.recipe.look.replace(style_blend=()), (self.recipe.size, self.recipe.size)
        encoder, _ = build_encoder(look, self.style_images)
        encoder = (encoder.to_bfloat16() if self.precision == "bfloat16" else encoder).to(self.peers.device)
        styles = [
            resize_image(style, style_size(look, style.shape[-2:], size, size), look.resampling).to(self.peers.device)
            for style in self.style_images
        ]
        with products_in(self.precision):
            return BatchObjective(encoder, look, styles)

    def _windows(self, order: Iterable[BatchItems], workers: int) -> Iterator[Windows]:
        return load_windows(self.photos, self.style_images, self.recipe, order, workers)

    def _report_broken(self, broken: Mapping[str, str]) -> None:
        for path, reason in broken.items():
            if path not in self.broken:
                logger.warning("skipped: %s", reason)
        self.broken.update(broken)

    def _mean_losses(self, losses: Sequence[Mapping[str, Tensor]]) -> dict[str, float]:
        """Return the mean of each loss over steps, windows and processes."""
        names = [name for name in PLOTS["loss"] if name == "photograph" or any(name in each for each in losses)]
        zero = torch.zeros((), device=self.peers.device)
        sums = torch.stack([torch.stack([each.get(name, zero) for each in losses]).mean() for name in names])
        values = (self.peers.sum(sums) / self.recipe.batch_size).tolist()
        if not all(map(math.isfinite, values)):
            raise RecipeError(
                f"the training diverged: the loss is {values[0]} at step {self.step}; expected a number.",
                "Choose another -o and a lower --learning-rate.",
            )
        return dict(zip(names, values, strict=True))

    def _last_losses(self) -> dict[str, float]:
        lines = read_trace(self.folder)
        return {} if not lines else {name: value for name, value in lines[-1].items() if name in PLOTS["loss"]}

    def _draw(self, samples: Windows, per_epoch: int) -> None:
        """Write a sheet: photographs, what they are to look like, and how each style paints them; and the curves."""
        columns = [samples.photographs, samples.contents]
        rows = 1 + self.network.styles
        for row in range(max(1, self.fixed), min(rows, max(1, self.fixed) + SHOWN_STYLES)):
            share = functional.one_hot(torch.tensor([row]), rows).float()[..., None, None].to(self.peers.device)
            with torch.no_grad():
                painted = self.network(samples.photographs.to(self.peers.device), share.expand(SAMPLES, -1, -1, -1))
            columns.append(painted.cpu())
        sheet = torch.cat([torch.cat(list(torch.split(column, 1)), dim=2) for column in columns], dim=3)
        write_image(sheet.clamp(0, 1), self.folder / f"samples_{self.step:06}.png")
        draw_curves(read_trace(self.folder), per_epoch, PLOTS, self.folder / CURVES)

    def _write(self) -> None:
        if self.peers.rank == 0:
            old = self.base
            icons = [to_icon(style) for style in self.style_images]
            Model(
                network=self.network,
                names=(*(() if old is None else old.names), *self.names),
                icons=(*(() if old is None else old.icons), *icons),
                look=self.recipe.look if old is None else old.look,
                metadata={**({} if old is None else old.metadata), **self._card_text()},
            ).write(self.path)

    def _card_text(self) -> dict[str, str]:
        text = {**self.card.to_metadata(), "steps": str(self.step), "impasto": self.card.impasto}
        # What was added later does not replace the card of the network itself.
        return text if self.base is None else {f"{name}+{self.fixed}": value for name, value in text.items()}

    def _record(self, values: Mapping[str, float]) -> None:
        """Add a line to the trace."""
        if self.peers.rank == 0:
            append_trace(self.folder, [{"step": self.step, "seconds": round(self._seconds(), 3), **values}])

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.started_s

"""What a worker of a batch runs: a painter that keeps the network and the styles' targets between pictures."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path, PurePath

import torch

from impasto.batch.jobs import Job, Painted, Setup, Step
from impasto.batch.plan import check_format
from impasto.cost.estimate import Estimate
from impasto.errors import ImageSizeError, ImpastoError, MemoryLimitError
from impasto.images.io import ImageSource
from impasto.optimize.events import StepEvent
from impasto.painting.cache import Cache
from impasto.painting.job import Job as PaintingJob
from impasto.painting.options import RunFields
from impasto.painting.paint import paint
from impasto.recipe.recipe import Recipe
from impasto.system.device import resolve_devices, share_devices
from impasto.system.memory import share_memory
from impasto.transfer.pastiche import prepare_pastiche
from impasto.workers.pool import Share

TRIAL_SIZE = 256
"""Pixels per side of the gray pictures with which a recipe is checked."""


class Painter:
    """Paints pictures one after another."""

    def __init__(self, setup: Setup, share: Share) -> None:
        devices = share_devices(setup.device, share.number, share.workers)
        self._options: RunFields = {
            "device": devices,
            "threads": setup.threads if setup.threads is not None else share.threads,
            "precision": setup.precision,
            "max_pixels": setup.max_pixels,
            "max_memory": share_memory(setup.max_memory, resolve_devices(devices)[0], share.memory),
            "cache": Cache(),
        }

    def check(self, job: Job) -> None:
        """Load the network, and check device, weights, recipe and file type. No file of the job is read.

        Raises the ImpastoError by which no job like this one can be painted.
        """
        check_format(job.output, job.recipe.depth)
        gray = torch.full((1, 3, TRIAL_SIZE, TRIAL_SIZE), 0.5)
        # An error in a picture's size belongs to that picture alone.
        with suppress(ImageSizeError, MemoryLimitError):
            self._prepare(gray, [gray for _ in job.styles], job.recipe)

    def paint(self, job: Job, on_progress: Callable[[Step], None]) -> Painted:
        """Return the finished picture. Raises ImpastoError."""

        def on_step(event: StepEvent) -> None:
            on_progress(Step(event.scale, event.step, event.steps))

        prepared = self._prepare(job.content, job.styles, job.recipe)
        result = paint(prepared, on_step=on_step)
        with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
            path = Path(folder, f"picture{PurePath(job.output).suffix}")
            result.save(path)
            facts = {name: value for name, value in result.to_dict().items() if name not in ("recipe", "run")}
            return Painted(path.read_bytes(), {**facts, "enlarged": prepared.is_enlarged})

    def estimate(self, jobs: Sequence[Job]) -> Estimate | None:
        """Return time and memory of the first job that can be painted; None if none can."""
        for job in jobs:
            with suppress(ImpastoError):
                return self._prepare(job.content, job.styles, job.recipe).estimate()
        return None

    def _prepare(self, content: ImageSource, styles: Sequence[ImageSource], recipe: Recipe) -> PaintingJob:
        return prepare_pastiche(content, [*styles], recipe, **self._options)

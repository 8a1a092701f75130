"""A worker of a cluster: it gets pictures as bytes, and gives them back as bytes."""

import hashlib
import os
import tempfile
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from impasto.batch.jobs import Job, Setup
from impasto.batch.reports import Failed, Painted
from impasto.errors import ImpastoError
from impasto.system.process import settle_process

KEPT_STYLES = 16
"""Style images that stay on the worker's disk."""


class Hand:
    """Made into a Ray actor by `RayCrew`."""

    def __init__(self, setup: Setup, cores: int | None) -> None:
        """cores: of this worker; None where it has a GPU, and all memory of its machine."""
        settle_process()
        from impasto.batch.painter import Painter

        share = 1.0 if cores is None else min(1.0, cores / (os.cpu_count() or 1))
        self._painter = Painter(setup, share=share, threads=cores)
        self._folder = tempfile.TemporaryDirectory(prefix="impasto-")
        self._styles: OrderedDict[str, Path] = OrderedDict()
        self._seen: tuple[int, int, int] | None = None

    def check(self, trial: Job) -> Any:
        """ "ready", or the error for which this worker cannot paint. trial: what it tries; no file of it is read."""
        try:
            self._painter.check(trial)
        except ImpastoError as error:
            return error
        return "ready"

    def paint(self, job: Job, content: bytes, *styles: bytes) -> Painted | Failed:
        """As `Painter.paint`. content, styles: the bytes of the job's files."""
        self._seen = None
        with tempfile.TemporaryDirectory(dir=self._folder.name) as folder:
            # The names are kept: they go into the picture's metadata, and tell of its inputs.
            place = Path(folder, PurePath(job.content).name)
            place.write_bytes(content)
            kept = [self._keep_style(path, data) for path, data in zip(job.styles, styles, strict=True)]
            ours = replace(job, content=str(place), styles=tuple(map(str, kept)))
            told = self._painter.paint(ours, self._note)
        if isinstance(told, Painted):
            warnings = [_renamed(text, ours, job) for text in told.warnings]
            return replace(told, job=job, warnings=warnings)
        return Failed(job, _renamed(told.error, ours, job), _renamed(told.hint, ours, job))

    def look(self) -> tuple[int, int, int] | None:
        """Scale, step and steps of the picture that is being painted; None before its first step."""
        return self._seen

    def _note(self, event: Any) -> None:
        self._seen = event.scale, event.step, event.steps

    def _keep_style(self, path: str, data: bytes) -> Path:
        digest = hashlib.sha256(data).hexdigest()[:16]
        place = self._styles.setdefault(path + digest, Path(self._folder.name, digest, PurePath(path).name))
        if not place.exists():
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(data)
        self._styles.move_to_end(path + digest)
        while len(self._styles) > KEPT_STYLES:
            self._styles.popitem(last=False)[1].unlink(missing_ok=True)
        return place


def _renamed(text: str, ours: Job, job: Job) -> str:
    """A message with the user's paths instead of this worker's."""
    for here, there in zip((ours.content, *ours.styles), (job.content, *job.styles), strict=True):
        text = text.replace(here, there)
    return text

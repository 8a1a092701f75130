"""The folder of a run while it is painted: checkpoints, the trace, previews, and at the end the result."""

import contextlib
import logging
import math
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from impasto.errors import ImpastoError, OutputError, RunError
from impasto.images.io import write_image
from impasto.images.picture import Picture
from impasto.images.resize import fit_long_edge, resize_image
from impasto.optimize.events import StepEvent
from impasto.optimize.loop import State
from impasto.recipe.recipe import format_toml
from impasto.runs.checkpoint import Checkpoints
from impasto.runs.folders import AUTO, check_run_dir, is_users, new_folder
from impasto.runs.lock import Lock
from impasto.runs.pictures import store_picture
from impasto.runs.record import RECORD_NAME, Record
from impasto.runs.result import Result
from impasto.runs.trace import TRACE_NAME, append_trace, cut_trace
from impasto.system.device import is_out_of_memory
from impasto.system.disk import replace_file

logger = logging.getLogger(__name__)

EVERY_S = 5.0
"""Seconds of work between two checkpoints. One that is still being written puts the next off."""

RETRY_S = 30.0
"""Seconds after a checkpoint that could not be written."""

PREVIEWS = 12
PREVIEW_SIZE = 256

WRITTEN = ("checkpoint", "inputs", "previews", "lock", "recipe.toml", RECORD_NAME, TRACE_NAME, "losses.svg", "result.*")
"""The names of all that a run writes into its folder, as patterns."""


class Run:
    """The folder of one run, which no other process writes in as long as this object holds it.

    A thread of its own writes the checkpoints, at next to no cost to the painting: a state's tensors are never changed
    in place. If the disk fails or is full, there is one warning, painting continues, and writing is tried again later.
    """

    def __init__(self, folder: Path, record: Record, lock: Lock, *, is_resumed: bool = False) -> None:
        """lock: of the folder. is_resumed: its files stay if an error ends the run."""
        self.folder = folder
        self.record = record
        self._lock = lock
        self._checkpoints = Checkpoints(folder / "checkpoint")
        self._has_checkpoint = is_resumed
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="impasto-checkpoint")
        self._writing: Future[None] | None = None
        self._due_s = time.perf_counter() + EVERY_S
        self._failed = False
        self._lines: list[dict[str, Any]] = []

    @classmethod
    def begin(cls, folder: Path, record: Record, pictures: Sequence[Picture]) -> Self:
        """Begin a new run in a folder, which is made. pictures: one for each of the record's sources.

        Raises OSError, among them OutputError and DiskError; then nothing of it is left.
        """
        folder.mkdir(parents=True, exist_ok=True)
        try:
            run = cls(folder, record, Lock(folder))
        except OutputError:
            remove_run(folder)
            raise
        try:
            (folder / "recipe.toml").write_text(format_toml(record.recipe), "utf-8")
            for source, picture in zip(record.sources, pictures, strict=True):
                if source.copy:
                    (folder / "inputs").mkdir(exist_ok=True)
                    store_picture(folder / "inputs" / source.copy, picture)
            record.write(folder)
        except BaseException:
            run.abandon()
            raise
        return run

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a run that was begun before. Raises RunError (RunLockedError among them), OutputError."""
        Record.read(folder)
        lock = Lock(folder)
        try:
            # It may have been finished while we waited for the lock.
            return cls(folder, Record.read(folder), lock, is_resumed=True)
        except BaseException:
            lock.release()
            raise

    def deliver_to(self, delivery: Mapping[str, Any]) -> None:
        """Change where the picture is to be written, and how. Raises DiskError."""
        if delivery != self.record.delivery:
            self.record = replace(self.record, delivery=dict(delivery))
            self.record.write(self.folder)

    def read_state(self) -> State | None:
        """Return the state to resume from, None for the beginning; cut the trace to its step. Raises RunError."""
        state = self._checkpoints.read()
        cut_trace(self.folder, 0 if state is None else int(state["step"]))
        return state

    def record_step(self, event: StepEvent) -> None:
        """Record the losses of a step, and write a preview now and then."""
        line: dict[str, Any] = {"step": event.step, "steps": event.steps, "scale": event.scale}
        line |= {"seconds": round(event.elapsed_s, 3), "rolled_back": event.rolled_back}
        line |= {"losses": {name: loss if math.isfinite(loss) else None for name, loss in event.losses.items()}}
        self._lines.append(line)
        if event.step * PREVIEWS // event.steps > (event.step - 1) * PREVIEWS // event.steps and not self._failed:
            self._write_preview(event)

    def checkpoint(self, state: Callable[[], State], now: bool) -> None:
        """Write a checkpoint if one is due. now: in any case, before this returns."""
        if now or (self._writing is not None and self._writing.done()):
            self._finish_writing()
        if now or (self._writing is None and time.perf_counter() >= self._due_s):
            lines, self._lines = self._lines, []
            self._writing = self._writer.submit(self._write, lines, state())
            self._due_s = time.perf_counter() + EVERY_S
            if now:
                self._finish_writing()

    def finish(self, result: Result, output: Path | None) -> None:
        """End the run: mark it as finished and remove its checkpoints.

        output: where the picture was written; None: it is written into the folder now. In the default folder only
        record, trace and a small preview stay; in a chosen one a copy of the picture, all previews and the inputs too.
        """
        self._finish_writing()
        copy = self.folder / f"result{'.png' if output is None else output.suffix}"
        is_small = output is not None and is_users(self.folder)
        values = {**result.to_dict(), "output": None if output is None else str(output.absolute()), "result": None}
        try:
            if output is None:
                result.save(copy)
            elif not is_small:
                self._checkpoints.clear()  # the picture is there, and the copy may need the space
                replace_file(copy, output.read_bytes())
            values["result"] = None if is_small else copy.name
        except OSError as error:
            logger.warning("the result was not written to %s (%s).", copy, describe(error))
        if output is not None or values["result"]:
            self._checkpoints.clear()
            if is_small:
                shutil.rmtree(self.folder / "inputs", ignore_errors=True)
                for preview in sorted((self.folder / "previews").glob("*"))[:-1]:
                    preview.unlink(missing_ok=True)
            try:
                replace(self.record, finished=values).write(self.folder)
            except OSError as error:
                logger.warning("run %r could not be marked as finished (%s).", str(self.folder), describe(error))
        self.close()

    def close(self) -> None:
        """Wait for the last checkpoint and release the lock, so that the run can be resumed."""
        self._finish_writing()
        self._writer.shutdown()
        self._lock.release()

    def abandon(self) -> None:
        """Close the folder after an error; remove a run without a checkpoint."""
        self.close()
        if not self._has_checkpoint:
            remove_run(self.folder)

    def _write(self, lines: list[dict[str, Any]], state: State) -> None:
        """Run on the thread. The trace comes first: lines beyond the checkpoint are cut when the run is resumed."""
        try:
            append_trace(self.folder, lines)
            lines.clear()
            self._checkpoints.write(state)
        except OSError:
            self._lines[:0] = lines
            raise

    def _finish_writing(self) -> None:
        if self._writing is None:
            return
        error = self._writing.exception()
        self._writing = None
        if error is None:
            self._has_checkpoint, self._failed = True, False
        elif isinstance(error, OSError) or is_out_of_memory(error):
            self._due_s = time.perf_counter() + RETRY_S
            self._warn("checkpoint", error)
        else:
            raise error

    def _write_preview(self, event: StepEvent) -> None:
        image = event.pastiche
        size = fit_long_edge(image.shape[-2], image.shape[-1], min(PREVIEW_SIZE, max(image.shape[-2:])))
        digits = max(4, len(str(event.steps)))
        try:
            (self.folder / "previews").mkdir(exist_ok=True)
            write_image(resize_image(image, size), self.folder / "previews" / f"step_{event.step:0{digits}d}.jpg")
        except OSError as error:
            self._warn("preview", error)

    def _warn(self, what: str, error: BaseException) -> None:
        if not self._failed:
            name, why = str(self.folder), describe(error)
            logger.warning("the %s of run %r was not written (%s); it is tried again later.", what, name, why)
        self._failed = True


def begin_run(run_dir: str | os.PathLike[str], record: Record, pictures: Sequence[Picture]) -> Run | None:
    """Begin a new run. pictures: one for each of the record's sources.

    If the user's own folder of runs cannot be written, a warning is logged and None returned: painting continues.
    A chosen folder raises OutputError, DiskError, RunError.
    """
    if run_dir != AUTO:
        try:
            return Run.begin(check_run_dir(run_dir), record, pictures)
        except OSError as error:
            if isinstance(error, ImpastoError):
                raise
            raise OutputError(
                f"run_dir {str(run_dir)!r} cannot be written ({error.strerror or error}); expected a place for a run.",
                "Choose another folder, or free some space.",
            ) from error
    try:
        return Run.begin(new_folder(record.created, record.sources[0].name), record, pictures)
    except (OSError, RunError) as error:
        logger.warning("no run folder is written (%s); the picture is painted, but cannot be resumed.", describe(error))
        return None


def remove_run(folder: Path) -> bool:
    """Remove what a run wrote into its folder, and the folder if it is then empty; return whether it is gone."""
    for pattern in WRITTEN:
        for path in folder.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    path.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def measure_run(folder: Path) -> int:
    """Return the bytes of what a run wrote into its folder."""
    paths = [path for pattern in WRITTEN for found in folder.glob(pattern) for path in (found, *found.rglob("*"))]
    sizes = 0
    for path in paths:
        with contextlib.suppress(OSError):
            sizes += path.stat().st_size if path.is_file() else 0
    return sizes


def describe(error: BaseException) -> str:
    """Return the operating system's words for an error."""
    cause = error.__cause__ or error
    return str(getattr(cause, "strerror", None) or cause)

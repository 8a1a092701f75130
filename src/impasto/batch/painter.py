"""One worker's painter: it keeps the network and what it learnt of the styles from picture to picture."""

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

import torch

from impasto.batch.jobs import Job, Setup
from impasto.batch.reports import Failed, Painted
from impasto.errors import ImageSizeError, ImpastoError, MemoryLimitError, OutputError
from impasto.images.io import check_output
from impasto.optimize.events import OnStep
from impasto.painting.cache import Cache
from impasto.painting.options import RunFields
from impasto.runs.result import Result
from impasto.system.device import resolve_devices
from impasto.system.memory import memory_limit, used_bytes
from impasto.transfer.pastiche import prepare_pastiche, stylize

TRIAL = 256
"""Pixels a side of the pictures with which a recipe is tried before slow work."""


class Painter:
    """Paints pictures one after another."""

    def __init__(self, setup: Setup, *, share: float = 1.0, threads: int | None = None) -> None:
        """share: of the machine's free memory that this worker may take. threads: where the setup names none."""
        self.setup = setup
        self.cache = Cache()
        device = resolve_devices(setup.device)[0]
        self.how: RunFields = {
            "device": setup.device,
            "threads": setup.threads if setup.threads is not None else threads,
            "precision": setup.precision,
            "max_pixels": setup.max_pixels,
            "max_memory": _share_memory(setup.max_memory, device, share),
            "cache": self.cache,
        }

    def check(self, job: Job) -> None:
        """Raises what no picture of this kind, nor the next, could be painted for: device, weights, recipe, file type.

        The network is then ready.
        """
        with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
            try:
                check_output(Path(folder, PurePath(job.output).name), inputs=(), depth=job.recipe.depth)
            except OutputError as error:
                raise OutputError(*(text.replace(f"{folder}/", "") for text in (error.error, error.hint))) from error
        trial = torch.full((1, 3, TRIAL, TRIAL), 0.5)
        # What is wrong with the size of a picture is told of that picture.
        with suppress(ImageSizeError, MemoryLimitError):
            prepare_pastiche(trial, [trial for _ in job.styles], job.recipe, **self.how)

    def paint(self, job: Job, on_step: OnStep | None = None) -> Painted | Failed:
        """The finished picture, or why there is none."""
        with _overheard() as said:
            try:
                result = stylize(job.content, [*job.styles], job.recipe, on_step=on_step, **self.how)
                picture = self._encode(result, PurePath(job.output).suffix)
            except ImpastoError as error:
                return Failed(job, error.error, error.hint)
            except MemoryError:
                return Failed(job, "out of memory.", "Lower --size or --jobs, or close other programs.")
            except Exception as error:
                what = f"this is a fault in impasto: {type(error).__name__}: {' '.join(str(error).split())}."
                return Failed(job, what, "Please report it; `impasto stylize --debug` shows the traceback.")
        facts = {name: value for name, value in result.to_dict().items() if name not in ("recipe", "run")}
        return Painted(job, picture, facts, tuple(said))

    def _encode(self, result: Result, suffix: str) -> bytes:
        with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
            path = Path(folder, f"picture{suffix}")
            result.save(path)
            return path.read_bytes()


def _share_memory(max_memory: int | None, device: torch.device, share: float) -> int | None:
    """Bytes that one of several workers may take."""
    if device.type != "cpu" or share == 1.0:  # a GPU is one worker's alone
        return max_memory
    if max_memory is not None:
        return int(share * max_memory)
    # Shared out once, while it is still free.
    used = used_bytes(device)
    return used + int(share * (memory_limit(None, device) - used))


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """Warnings of the package within the block, to be told where the batch is led; Python's own are left out."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, listener = logging.getLogger("impasto"), Listener(level=logging.WARNING)
    logger.addHandler(listener)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield said
    finally:
        logger.removeHandler(listener)

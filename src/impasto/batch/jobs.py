"""One picture of a batch, and how all of them are painted."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from impasto.recipe.files import init_file, is_recipe_in, recipe_files
from impasto.recipe.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to paint; an item of a `WorkerPool`.

    content, styles: paths. output: the picture's path inside the batch's folder.
    """

    content: str
    styles: tuple[str, ...]
    output: str
    recipe: Recipe

    @property
    def files(self) -> Sequence[str]:
        """The photograph's path."""
        return (self.content,)

    @property
    def shared_files(self) -> Sequence[str]:
        """The paintings' paths."""
        return self.styles

    def with_files(self, files: Sequence[str], shared_files: Sequence[str]) -> Self:
        """Return the job with other paths of the same pictures."""
        return replace(self, content=files[0], styles=tuple(shared_files))


@dataclass(frozen=True, slots=True)
class Painted:
    """A finished picture: its file's bytes, and its size, steps, seconds, losses, peak_bytes and end as JSON values."""

    picture: bytes
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """The progress of a picture: the present scale, and the steps done of all."""

    scale: int
    step: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How every picture of a batch is painted; as for `stylize`.

    threads: of one worker; None: its share of the cores. max_memory: bytes of all workers of one machine together.
    """

    device: str = "auto"
    threads: int | None = None
    precision: str = "auto"
    max_pixels: int = 200_000_000
    max_memory: int | None = None


def job_key(job: Job) -> str:
    """Return 16 hexadecimal digits of everything that shows in the picture: its name, recipe and inputs.

    Inputs, and files that the recipe names, count by name, size and time of change: a folder may be moved.
    """
    files = [_stamp(path) for path in (job.content, *job.styles, *_recipe_files(job.recipe))]
    values = [job.output, _recipe_hash(job.recipe), files]
    return hashlib.sha256(json.dumps(values).encode("utf-8")).hexdigest()[:16]


def is_painted(job: Job, picture: Path) -> bool:
    """Return whether the picture exists and was painted by this job's recipe from its inputs, by its metadata.

    Never of one that was written with `strip`, which does not say what it was painted from.
    """
    if not picture.is_file():
        return False
    # Imported here because they import torch, which the process that runs the command does not need.
    from impasto.features.weights import RECORDS
    from impasto.images.io import read_metadata
    from impasto.system.disk import file_sha256

    try:
        metadata = read_metadata(picture)
        if metadata is None or not is_recipe_in(metadata.get("recipe"), job.recipe):
            return False
        painted_ns = picture.stat().st_mtime_ns
        if any(os.stat(name).st_mtime_ns >= painted_ns for name in _recipe_files(job.recipe)):
            return False
        inputs: Any = metadata["inputs"]
        paths, init = [job.content, *job.styles], init_file(job.recipe)
        if init is None:  # a start image that was painted has its network's hash
            inputs = [entry for entry in inputs if entry["role"] != "init"]
        elif any(entry["role"] == "init" for entry in inputs):  # until version 0.1 it was not recorded
            paths.append(init)
        found = [entry["sha256"] for entry in inputs]
        if job.recipe.weights not in RECORDS:
            paths.append(job.recipe.weights)
            weights: Any = metadata["weights"]
            found.append(weights["sha256"])
        return found == [file_sha256(Path(path)) for path in paths]
    except (OSError, LookupError, TypeError):  # an input is missing, or the metadata are another program's
        return False


@lru_cache(maxsize=64)
def _recipe_hash(recipe: Recipe) -> str:
    return recipe.hash()


@lru_cache(maxsize=64)
def _recipe_files(recipe: Recipe) -> tuple[str, ...]:
    return tuple(recipe_files(recipe))


def _stamp(path: str) -> tuple[str, int, int]:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return os.path.basename(path), -1, -1
    return os.path.basename(path), status.st_size, status.st_mtime_ns

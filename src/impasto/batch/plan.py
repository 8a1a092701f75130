"""Check the jobs of a batch before slow work, and count them."""

import hashlib
import os
import tempfile
from array import array
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path, PurePath

import numpy as np

from impasto.batch.jobs import Job
from impasto.errors import BatchError, OutputError, RecipeError
from impasto.recipe.checks import check_aspect, check_blend
from impasto.recipe.fields import format_value
from impasto.recipe.files import check_files
from impasto.recipe.recipe import Recipe
from impasto.system.disk import fold_name


def check_jobs(jobs: Iterable[Job], folder: Path) -> int:
    """Return the number of jobs, after checking each. Eight bytes a job are held meanwhile.

    folder: for the pictures. Raises BatchError where two jobs have one name, OutputError where a picture would replace
    an input, RecipeError, and what `jobs` raises.
    """
    names = array("Q")
    root = os.path.realpath(folder)
    for job in jobs:
        names.append(name_hash(job.output))
        check_recipe(job.recipe)
        check_blend(job.recipe.style_blend, len(job.styles))
        output = os.path.join(root, job.output)
        for path in (job.content, *job.styles):
            if fold_name(_real(path)) == fold_name(output):
                raise OutputError(
                    f"output {job.output!r} in {str(folder)!r} is the input {path!r}; expected another file.",
                    "Choose another -o or --name-template.",
                )
        if os.path.isdir(output):
            raise OutputError(
                f"output {job.output!r} in {str(folder)!r} is a folder; expected a file.",
                "Choose another -o or --name-template.",
            )
    hashes = np.frombuffer(names, np.uint64)
    found, counts = np.unique(hashes, return_counts=True)
    if (counts > 1).any():
        _fail_on_clash(jobs, set(map(int, found[counts > 1])))
    return len(names)


def name_hash(name: str) -> int:
    """Return 64 bits that stand for a name, and for all others of the same file on this system."""
    return int.from_bytes(hashlib.blake2b(fold_name(name).encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _fail_on_clash(jobs: Iterable[Job], clashing: set[int]) -> None:
    seen: dict[str, Job] = {}
    for job in jobs:
        if name_hash(job.output) not in clashing:
            continue
        if (first := seen.setdefault(fold_name(job.output), job)) is not job:
            raise BatchError(
                f"two pictures would be named {job.output!r}: {_describe(first)}, and {_describe(job)}; expected a "
                "name each.",
                "Rename one of the inputs, so that finished pictures keep their names; or give --name-template with a "
                "field in which the two differ.",
            )


def _describe(job: Job) -> str:
    return f"{job.content!r} in the style of {' + '.join(map(repr, job.styles))}"


@lru_cache(maxsize=64)
def check_recipe(recipe: Recipe) -> None:
    """Accept a recipe without masks and morphs whose files exist. Raises RecipeError, MissingExtraError."""
    check_files(recipe)
    if recipe.init == "instant":
        from impasto.fast.instant import find_files  # it imports torch

        find_files()
    for field in ("region_weights", "region_statistics"):
        if getattr(recipe, field):
            raise RecipeError(
                f"{field} is {format_value(getattr(recipe, field))}, and a batch has no masks; expected none.",
                "Leave it out here; `impasto stylize --content-mask` paints regions.",
            )
    if recipe.frames > 1:
        raise RecipeError(
            f"frames is {recipe.frames}; expected 1 in a batch.",
            "Leave it out here; `impasto stylize --frames` makes morphs.",
        )
    check_aspect(recipe.size)


def check_format(output: str, depth: int | None) -> None:
    """Accept a picture's name whose suffix is of a format with this depth. Raises OutputError. Imports torch."""
    from impasto.images.io import check_output

    with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
        try:
            check_output(Path(folder, PurePath(output).name), inputs=(), depth=depth)
        except OutputError as error:
            place = repr(os.path.join(folder, ""))[1:-1]
            raise OutputError(error.error.replace(place, ""), error.hint.replace(place, "")) from error


def _real(path: str) -> str:
    return os.path.join(_real_folder(os.path.dirname(path)), os.path.basename(path))


@lru_cache(maxsize=1024)
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)

"""A run that was stopped, gone on with exactly."""

import copy
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from impasto.errors import RunError
from impasto.images.picture import NOUNS, Input, Role
from impasto.optimize.events import OnStep
from impasto.optimize.schedule import RunPlan
from impasto.painting.painting import Painting
from impasto.recipe.recipe import Recipe
from impasto.runs.pictures import read_picture
from impasto.runs.places import find_run
from impasto.runs.record import Record, software_versions
from impasto.runs.result import Result
from impasto.runs.run import Run
from impasto.system.disk import file_sha256

logger = logging.getLogger(__name__)


def resume(
    run: str | os.PathLike[str], *, on_step: OnStep | None = None, force: bool = False, device: str | None = None
) -> Result:
    """The result of a run that was stopped, which is finished now: on a CPU byte by byte that of one never stopped.

    run: its folder, or its name among the user's runs. It goes on from the last checkpoint, with the plan, precision
    and threads that it began with, and writes the picture where it was to be written.
    force: even if inputs have changed since. device: another one than the run's, which then is not exact.
    Raises RunError (unknown, finished, damaged, of a newer version, inputs gone or changed), RunLockedError (another
    process paints it), and what `stylize` raises.
    """
    painting = prepare_resume(run, force=force, device=device)
    result = painting.paint(on_step)
    kept = painting.keeping.run
    if kept is not None and kept.record.output and result.end != "stopped":
        output = Path(kept.record.output)
        result.save(output)
        kept.finish(result, output)
    return result


def prepare_resume(
    name: str | os.PathLike[str], *, force: bool = False, device: str | None = None
) -> Painting:
    """What `resume` will paint: its `paint()` is the rest of the run. It holds the lock of the run's folder."""
    run = Run.open(find_run(name))
    try:
        return _prepare(run, force, device)
    except BaseException:
        run.close()
        raise


def _prepare(run: Run, force: bool, device: str | None) -> Painting:
    record = run.record
    label = f"run {run.folder.name!r}"
    if record.finished is not None:
        raise RunError(f"{label} is finished: {describe_end(run.folder, record)}.", "There is nothing left to paint.")
    software = software_versions()
    if software != record.software:
        told, now = (", ".join(" ".join(item) for item in each.items()) for each in (record.software, software))
        logger.warning("%s was begun with %s; going on with %s, it may differ in its last digits.", label, told, now)
    for source in record.sources:
        if source.path and not source.kept:
            _check_file(label, NOUNS[cast(Role, source.role)], Path(source.path), source.sha256, force)
    for name, known in record.files.items():
        _check_file(label, f"{name} file", Path(known["path"]), known["sha256"], force)
    recipe = Recipe.from_dict({**record.recipe, **{name: known["path"] for name, known in record.files.items()}})
    state = run.read_state()
    plan = RunPlan.from_dict(record.plan if state is None else state["plan"])
    painting = Painting(recipe, device=device or record.device, plan=plan, max_pixels=record.max_pixels)
    painting.told = as_recorded(recipe, record.recipe)
    painting.keeping.kind, painting.keeping.delivery = record.kind, record.delivery
    for source in record.sources:
        role = cast(Role, source.role)
        if not source.kept:
            painting.inputs.read(role, source.path)
        else:
            image, carried = read_picture(run.folder / "inputs" / source.kept)
            described = Input(role=role, name=source.name, sha256=source.sha256, boxes=source.boxes)
            painting.inputs.take(described, image, carried, source.path)
    painting.prepare(plan.size)
    check_weights(painting, record.weights["sha256"], f"{label} was begun", force)
    painting.keeping.go_on(run, state)
    return painting


def describe_end(folder: Path, record: Record) -> str:
    """Where the picture of a finished run is."""
    finished = record.finished or {}
    places = [finished.get("output"), str(folder / finished["result"]) if finished.get("result") else None]
    there = [str(place) for place in places if place and Path(str(place)).is_file()]
    return f"its picture is {there[0]}" if there else "its picture was moved or removed since"


def _check_file(label: str, what: str, path: Path, sha256: str, force: bool) -> None:
    if not path.is_file():
        raise RunError(
            f"{label} was painted from {str(path)!r}, its {what}, which is not there any more.",
            "Put it back, or begin a new run with another one.",
        )
    if not force and file_sha256(path) != sha256:
        raise RunError(
            f"{label} was painted from {str(path)!r}, its {what}, which has changed since (its SHA-256 differs).",
            "Put the old one back; --force goes on with the new one.",
        )


def check_weights(painting: Painting, sha256: str, told: str, force: bool) -> None:
    """Accept a painting whose weights are those recorded. told: what was painted with them. Raises RunError."""
    if painting.weights.sha256 != sha256 and not force:
        raise RunError(
            f"{told} with other weights than {painting.weights.name} has now (their SHA-256 differs).",
            "Install the same version, or --force goes on with these.",
        )


def as_recorded(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with its files under the names recorded, which need not lead to them from here."""
    told = copy.copy(recipe)
    for name in ("init", "weights"):
        if name in values:
            object.__setattr__(told, name, values[name])  # unchecked: the files were found elsewhere
    return told

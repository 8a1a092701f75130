"""Resume: a stopped run continued exactly."""

import logging
import os
from pathlib import Path

from impasto.errors import RunError
from impasto.features.weights import WeightsRecord
from impasto.images.io import read_picture
from impasto.images.picture import Picture
from impasto.optimize.events import OnStep
from impasto.optimize.schedule import RunPlan
from impasto.painting.inputs import Inputs
from impasto.painting.job import Job, prepare
from impasto.painting.options import RunOptions
from impasto.painting.paint import paint
from impasto.painting.recorder import Recorder
from impasto.recipe.recipe import Recipe
from impasto.runs.folders import find_run
from impasto.runs.pictures import load_picture
from impasto.runs.record import NOUNS, Input, Record, Role, software_versions
from impasto.runs.result import Result
from impasto.runs.run import Run
from impasto.system.disk import file_sha256
from impasto.system.torch_settings import torch_defaults

logger = logging.getLogger(__name__)


def resume(
    run: str | os.PathLike[str], *, on_step: OnStep | None = None, force: bool = False, device: str | None = None
) -> Result:
    """Finish a run that was stopped: on a CPU the result is byte by byte that of one never stopped.

    run: its folder, its name among the user's runs, or the picture that one of these was to write. It continues from
    the last checkpoint, with the plan, precision and threads that it began with, and writes the picture in its
    place.
    force: even if inputs have changed since. device: another one than the run's, which then is not exact.
    Raises RunError (unknown, finished, damaged, of a newer version, inputs gone or changed), RunLockedError (another
    process paints it), and what `stylize` raises.
    """
    job, recorder = prepare_resume(run, force=force, device=device)
    result = paint(job, recorder, on_step)
    folder = recorder.run
    if folder is not None and folder.record.output and result.end != "stopped":
        output = Path(folder.record.output)
        with recorder.closing_on_error():
            result.save(output)
            folder.finish(result, output)
    return result


@torch_defaults()
def prepare_resume(
    name: str | os.PathLike[str], *, force: bool = False, device: str | None = None
) -> tuple[Job, Recorder]:
    """Return the job that `resume` paints, and its recorder, which holds the lock of the run's folder."""
    run = Run.open(find_run(name))
    recorder = Recorder(run)
    with recorder.closing_on_error():
        record = run.record
        label = f"run {run.folder.name!r}"
        if record.finished is not None:
            raise RunError(
                f"{label} is finished: {describe_end(run.folder, record)}.", "There is nothing left to paint."
            )
        if (software := software_versions()) != record.software:
            began, now = (", ".join(" ".join(item) for item in each.items()) for each in (record.software, software))
            logger.warning("%s began with %s; with %s its last digits may differ.", label, began, now)
        inputs = _read_recorded(run, label, force)
        recipe = Recipe.from_dict(record.recipe)
        recorder.state.update(run.read_state() or {})
        plan = RunPlan.from_dict(recorder.state.get("plan", record.plan))
        options = RunOptions(device=device or record.device, plan=plan, max_pixels=record.max_pixels)
        job = prepare(recipe, inputs, options)
        check_weights(job.weights, record.weights["sha256"], f"{label} began", force)
    return job, recorder


def _read_recorded(run: Run, label: str, force: bool) -> Inputs:
    """Read the inputs that a run began with: the files themselves, or the copies in its folder."""
    pictures: dict[Role, list[Picture]] = {}
    for source in run.record.sources:
        pictures.setdefault(source.role, []).append(_read_source(source, run.folder, label, run.record, force))

    def one(role: Role) -> Picture | None:
        return pictures[role][0] if role in pictures else None

    def several(role: Role) -> tuple[Picture, ...]:
        return tuple(pictures.get(role, ()))

    init, weights = one("init"), ""
    for name, file in run.record.files.items():
        if name == "init":  # until version 0.1 the start image was a file beside the sources
            source = Input(role="init", name=Path(file["path"]).name, sha256=file["sha256"], path=file["path"])
            init = _read_source(source, run.folder, label, run.record, force)
        else:
            _check_file(label, f"{name} file", Path(file["path"]), file["sha256"], force)
            weights = file["path"]
    return Inputs(
        content=one("content"),
        styles=several("style"),
        fine_style=one("fine_style"),
        content_masks=several("content_mask"),
        style_masks=several("style_mask"),
        only=one("only"),
        protect=one("protect"),
        init=init,
        weights=weights,
    )


def _read_source(source: Input, folder: Path, label: str, record: Record, force: bool) -> Picture:
    if source.copy:
        facts = {"name": source.name, "path": source.path, "sha256": source.sha256, "boxes": source.boxes}
        return load_picture(folder / "inputs" / source.copy, **facts)
    noun = NOUNS[source.role]
    _check_there(label, noun, Path(source.path))
    name = source.role if source.role in ("fine_style", "init") else f"{source.role}_image"
    picture = read_picture(source.path, name=name, max_pixels=record.max_pixels)
    _check_same(label, noun, source.path, picture.sha256 == source.sha256 or force)
    return picture


def describe_end(folder: Path, record: Record) -> str:
    """Return where the picture of a finished run is, in words."""
    finished = record.finished or {}
    places = [finished.get("output"), str(folder / finished["result"]) if finished.get("result") else None]
    there = [str(place) for place in places if place and Path(str(place)).is_file()]
    return f"its picture is {there[0]}" if there else "its picture was moved or removed since"


def _check_file(label: str, what: str, path: Path, sha256: str, force: bool) -> None:
    _check_there(label, what, path)
    _check_same(label, what, str(path), force or file_sha256(path) == sha256)


def _check_there(label: str, what: str, path: Path) -> None:
    if not path.is_file():
        raise RunError(
            f"{label} was painted from {str(path)!r}, its {what}, which is not there any more.",
            "Put it back, or begin a new run with another one.",
        )


def _check_same(label: str, what: str, path: str, is_same: bool) -> None:
    if not is_same:
        raise RunError(
            f"{label} was painted from {path!r}, its {what}, which has changed since (its SHA-256 differs).",
            "Put the old one back; --force continues with the new one.",
        )


def check_weights(weights: WeightsRecord, sha256: str, began: str, force: bool) -> None:
    """Accept weights that are those recorded. began: what was painted with them, for the message. Raises RunError."""
    if weights.sha256 != sha256 and not force:
        raise RunError(
            f"{began} with other weights than {weights.name} has now (their SHA-256 differs).",
            "Install the same version, or --force continues with these.",
        )

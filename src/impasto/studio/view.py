"""A job as the API shows it: its file, its pictures, and how far its painting is."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impasto.studio.folder import child
from impasto.studio.job import SEVERAL, SINGLE, StudioJob
from impasto.studio.job_body import FACES
from impasto.studio.refusal import Refusal
from impasto.studio.uploads import Pictures

FILES: Mapping[str, tuple[str, ...]] = {
    "preview": ("preview.jpg",),
    "thumbnail": ("thumbnail.jpg",),
    "result": ("run", "result.png"),
    "evolution": ("evolution.webp",),
    "film": ("run", "result.mp4"),
    "kept": ("kept.png",),
    "trace": ("run", "trace.jsonl"),
}
"""The files in a job's folder, by what they are for the API."""

PROGRESS = ("step", "steps", "scale", "scales", "width", "height", "seconds_left", "share", "losses", "seconds")
"""What changes while a job is painted."""

_PLAIN = ("id", "kind", "name", "state", "group", "created", "started", "finished", "message", "preset", "film")


def find_file(folder: Path, what: str) -> Path | None:
    """Return the path of a file in a job's folder, None where it is not there; links are not followed."""
    with contextlib.suppress(Refusal):
        path = child(folder, *FILES[what])
        return path if path.is_file() else None
    return None


def describe_job(
    job: StudioJob, folder: Path, pictures: Pictures, progress: Mapping[str, Any], place: int | None
) -> dict[str, Any]:
    """Return a job as JSON values. progress: of its painting. place: in the queue, None where it is not in it."""
    values = {name: progress.get(name, job.outcome.get(name)) for name in PROGRESS}
    return {
        **{name: getattr(job, name) for name in _PLAIN},
        "position": place,
        "asked": progress["asked"] if progress.get("asked") in ("pause", "stop") else None,
        **values,
        "losses": values["losses"] or {},
        "recipe": dict(job.recipe),
        "changed": dict(job.changed),
        **{name: _describe_picture(pictures, job, getattr(job, name)) for name in SINGLE},
        **{name: [_describe_picture(pictures, job, each) for each in getattr(job, name)] for name in SEVERAL},
        "has": {what: find_file(folder, what) is not None for what in ("preview", "result", "evolution", "film")},
        "preview_version": progress.get("previews", 0) + job.outcome.get("previews", 0),  # before a pause, too
    }


def _describe_picture(pictures: Pictures, job: StudioJob, name: str | None) -> Any:
    if name is None or name == FACES:
        return name
    with contextlib.suppress(Refusal):
        return pictures.get(name, job.gallery).to_dict()
    return None

"""A job of the studio: what is painted from which pictures, and how far it is; the file `job.json` in its folder."""

import dataclasses
import datetime
import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, Literal, Self

from impasto.errors import RunError
from impasto.studio.job_body import FACES, LONGEST_NAME, JobBody
from impasto.system.disk import replace_file

FORMAT_VERSION = 1
JOB_NAME = "job.json"

Kind = Literal["stylize", "texture", "film"]
State = Literal["waiting", "painting", "paused", "stopped", "done", "failed"]

ENDED: tuple[State, ...] = ("stopped", "done", "failed")
UNFINISHED: tuple[State, ...] = ("waiting", "painting", "paused")

SINGLE = ("content", "only", "protect", "fine_style", "init")
SEVERAL = ("styles", "content_masks", "style_masks")
"""The fields that are a picture each, and lists of pictures."""

Message = Mapping[str, Any]
"""A message for people: text, hint, key, values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioJob:
    """One picture to paint.

    rank: the place in the queue, the smallest first. created, started, finished: ISO times. recipe: all of it, as
    `Recipe.to_dict` returns it. preset, changed: its fields beside the preset's. content, styles and so on: ids of
    pictures in the studio; protect may be "faces". group: what the jobs of one sweep share. outcome: size, steps,
    losses and seconds, as far as it is painted. style_masks: None for a whole painting. film: of a
    film, its method and the part that is painted; content is a still of it.
    """

    id: str
    gallery: str
    kind: Kind
    name: str
    state: State
    rank: float
    created: str
    preset: str
    changed: Mapping[str, Any]
    recipe: Mapping[str, Any]
    content: str | None
    styles: tuple[str, ...]
    content_masks: tuple[str, ...] = ()
    style_masks: tuple[str | None, ...] = ()
    only: str | None = None
    protect: str | None = None
    fine_style: str | None = None
    init: str | None = None
    film: Mapping[str, Any] | None = None
    group: str | None = None
    started: str | None = None
    finished: str | None = None
    message: Message | None = None
    outcome: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pictures(self) -> tuple[str, ...]:
        """The ids of all pictures that it needs, each once."""
        single = [getattr(self, name) for name in SINGLE]
        found = [*single, *(each for name in SEVERAL for each in getattr(self, name))]
        return tuple(dict.fromkeys(each for each in found if each is not None and each != FACES))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values that `from_dict` reads."""
        return {"format_version": FORMAT_VERSION, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the job of `to_dict`. Raises RunError where it is damaged, or of a newer version."""
        given = dict(values)
        version = given.pop("format_version", 0)
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise RunError(f"the job has format_version {version!r}; expected {FORMAT_VERSION}.", "Update impasto.")
        try:
            lists: dict[str, Any] = {name: tuple(given.pop(name)) for name in SEVERAL}
            return cls(**lists, **given)
        except (KeyError, TypeError) as error:
            raise RunError(f"the job is damaged ({error}); expected it as it was written.", "Delete it.") from error

    def write(self, folder: Path) -> None:
        """Write it into its folder, in one atomic move. Raises DiskError."""
        replace_file(folder / JOB_NAME, json.dumps(self.to_dict(), indent=1).encode())


def to_job(body: JobBody, gallery: str, group: str | None, rank: float) -> StudioJob:
    """Return the new job of a request."""
    same = ("kind", "name", "preset", "changed", "film", *SINGLE, *SEVERAL)
    values: dict[str, Any] = {name: getattr(body, name) for name in same}
    return StudioJob(
        id=new_id(),
        gallery=gallery,
        state="waiting",
        rank=rank,
        created=now(),
        recipe=body.recipe.to_dict(),
        group=group,
        outcome={"steps": body.recipe.steps},
        **values,
    )


def name_apart(jobs: Sequence[StudioJob], taken: Collection[str]) -> list[StudioJob]:
    """Return jobs whose names differ from those taken and from each other: "harbor", "harbor 2", "harbor 3"."""
    names, named = set(taken), []
    for job in jobs:
        own = job.name[: LONGEST_NAME - 8]  # with room for a number
        numbered = (f"{own} {number}" for number in count(2))
        name = job.name if job.name not in names else next(each for each in numbered if each not in names)
        names.add(name)
        named.append(replace(job, name=name))
    return named


def read_job(folder: Path) -> StudioJob:
    """Read the job of a folder. Raises RunError."""
    try:
        values = json.loads((folder / JOB_NAME).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{str(folder)!r} is no job ({error}); expected its {JOB_NAME}.", "Delete it.") from error
    return StudioJob.from_dict(values)


def now() -> str:
    """Return the time in UTC, as ISO text that sorts by time."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def new_id() -> str:
    """Return 32 random hex digits."""
    return secrets.token_hex(16)

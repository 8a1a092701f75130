"""The studio: its pictures, jobs and queue, in one folder, and the painters that work through the queue."""

import contextlib
import logging
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, RunError
from impasto.studio.database import Database
from impasto.studio.events import EVERYONE, Events
from impasto.studio.folder import child, claim_folder
from impasto.studio.job import SEVERAL, UNFINISHED, Message, StudioJob, new_id, now, read_job
from impasto.studio.job_body import JobBody
from impasto.studio.limits import Limits
from impasto.studio.painter import WATCH_S, Painter
from impasto.studio.refusal import Refusal
from impasto.studio.uploads import Pictures

logger = logging.getLogger(__name__)

EVENT_S = 0.2
"""Least seconds between two events of a job's steps."""


class Studio:
    """All of one server. Jobs are the folders in `jobs/`, which are the truth; the database is their index.

    Raises OutputError where the folder cannot be used, or another server has it.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._claim = claim_folder(folder)
        self.folder, self.limits = self._claim.path, limits
        self._jobs = self.folder / "jobs"
        self._jobs.mkdir(mode=0o700, exist_ok=True)
        self.pictures = Pictures(self.folder, limits)
        self.events = Events(limits.streams)
        self._database = Database(self.folder / "studio.db")
        self._changed = threading.Condition(threading.RLock())
        self._progress: dict[str, dict[str, Any]] = {}
        self._sent_s: dict[str, float] = {}
        self._wishes: dict[str, str] = {}
        self._painters: tuple[Painter, ...] = ()
        self._closing, self._full, self._watched_s = False, False, 0.0
        self._database.fill(self._read_jobs())

    # Jobs, as the API has them

    def add(self, bodies: Sequence[JobBody], gallery: str, group: str | None = None) -> list[StudioJob]:
        """Put new jobs at the end of the queue."""
        with self._changed:
            if self._database.count_unfinished() + len(bodies) > self.limits.jobs:
                raise Refusal(
                    f"there are {self._database.count_unfinished()} unfinished jobs; expected at most "
                    f"{self.limits.jobs}.",
                    "Wait for some to end, or delete some.",
                    status=429,
                    key="too-many-jobs",
                    values={"most": self.limits.jobs},
                )
            rank = self._database.ranks()[1]
            jobs = [_to_job(body, gallery, group, rank + number) for number, body in enumerate(bodies, start=1)]
            for job in jobs:
                self._folder(job.id).mkdir(mode=0o700)
                self._save(job)
            self._changed.notify_all()
        return jobs

    def find(self, name: str, gallery: str) -> StudioJob:
        """Return a job of a gallery. Raises Refusal 404."""
        job = self._database.find(name)
        if job is None or job.gallery != gallery:
            raise Refusal("there is no such job.", "Reload the page.", status=404, key="job-unknown")
        return job

    def select(self, gallery: str, **choice: Any) -> tuple[list[StudioJob], int]:
        """Return jobs, the newest first, and how many there are; see `Database.select`."""
        return self._database.select(gallery, **choice)

    def show(self, name: str, gallery: str) -> dict[str, Any]:
        """Return a job as the API shows it. Raises Refusal 404."""
        with self._changed:
            return self.describe([self.find(name, gallery)])[0]

    def describe(self, jobs: Iterable[StudioJob]) -> list[dict[str, Any]]:
        """Return jobs as the API shows them."""
        with self._changed:
            places = {name: place for place, name in enumerate(self._database.waiting_ids())}
            return [self._describe(job, places.get(job.id)) for job in jobs]

    def file(self, job: StudioJob, *names: str) -> Path | None:
        """Return the path of a file in a job's folder, None where there is none; links are not followed."""
        with contextlib.suppress(Refusal):
            path = child(self._folder(job.id), *names)
            return path if path.is_file() else None
        return None

    # Changes of jobs

    def pause(self, job: StudioJob) -> None:
        """Pause a job that waits or is painted, after its step."""
        with self._changed:
            self._check_state(job, "pause", ("waiting", "painting"))
            if job.state == "waiting" or not self._tell(job.id, "pause"):
                self._save(replace(job, state="paused", message=None))

    def resume(self, job: StudioJob) -> None:
        """Put a paused job back into the queue, at its place."""
        with self._changed:
            self._check_state(job, "resume", ("paused",))
            self._save(replace(job, state="waiting", message=None))
            self._changed.notify_all()

    def stop(self, job: StudioJob) -> None:
        """End a job; what is painted is its result."""
        with self._changed:
            self._check_state(job, "stop", UNFINISHED)
            if job.state == "painting" and self._tell(job.id, "stop"):
                return
            if self.file(job, "run", "run.json") is None:
                self._save(replace(job, state="stopped", finished=now(), message=None))
                return
            self._wishes[job.id] = "stop"  # its painter stops it as soon as it has it again
            self._save(replace(job, state="waiting", rank=self._database.ranks()[0] - 1, message=None))
            self._changed.notify_all()

    def rename(self, job: StudioJob, name: str) -> None:
        """Change a job's name."""
        with self._changed:
            self._save(replace(job, name=name))

    def reorder(self, names: Sequence[str], gallery: str) -> None:
        """Change the order of a gallery's waiting jobs; those that are not named follow in their old order."""
        with self._changed:
            mine = [job for job in self._database.waiting() if job.gallery == gallery]
            first = {name: place for place, name in enumerate(names)}
            order = sorted(mine, key=lambda job: first.get(job.id, len(first)))
            for job, rank in zip(order, [job.rank for job in mine], strict=True):
                if job.rank != rank:
                    self._save(replace(job, rank=rank))
            self._send_queue()

    def queue(self, gallery: str) -> list[str]:
        """Return the ids of a gallery's waiting jobs, in their order."""
        return [job.id for job in self._database.waiting() if job.gallery == gallery]

    def needs(self, name: str) -> bool:
        """Return whether a job needs a picture."""
        return name in self._database.used_pictures()

    def samples(self) -> dict[str, Any]:
        """Return the samples."""
        return {"contents": [], "styles": []}

    def delete(self, jobs: Sequence[StudioJob]) -> None:
        """Remove jobs with their pictures, runs and thumbnails, and the inputs that no other job needs."""
        with self._changed:
            for job in jobs:
                self._database.remove(job.id)
                for painter in self._painters:
                    painter.drop(job.id)
                shutil.rmtree(self._folder(job.id), ignore_errors=True)
                for values in (self._progress, self._sent_s, self._wishes):
                    values.pop(job.id, None)
                self.events.send(job.gallery, "removed", {"id": job.id}, job.id)
            used = self._database.used_pictures()
            for job in jobs:
                for name in job.pictures:
                    if name not in used:
                        with contextlib.suppress(Refusal):
                            self.pictures.delete(name, job.gallery)
            self._send_queue()

    # What painters need

    def start(self, painters: Sequence[Painter]) -> None:
        """Let painters work through the queue."""
        with self._changed:
            self._painters = (*self._painters, *painters)
        for painter in painters:
            painter.start()

    def take(self) -> StudioJob | None:
        """Wait for the next job of the queue, and mark it as being painted; None at the server's end."""
        with self._changed:
            while not self._closing:
                self.watch_disk()
                job = None if self._full else self._database.next_waiting()
                if job is not None:
                    job = replace(job, state="painting", started=job.started or now())
                    self._save(job)
                    self._send_queue()
                    return job
                self._changed.wait(WATCH_S)
        return None

    def order(self, name: str) -> Mapping[str, Any] | None:
        """Return what a painter's child needs of a job; None where it is gone."""
        job = self._database.find(name)
        if job is None:
            return None
        return {"folder": str(self._folder(name)), "wish": self._wishes.pop(name, ""), **self.sources(job)}

    def sources(self, job: StudioJob | JobBody, gallery: str = "") -> dict[str, Any]:
        """Return kind, recipe and the paths of all pictures of a job."""
        gallery = job.gallery if isinstance(job, StudioJob) else gallery

        def path(name: str | None) -> str | None:
            return name if name in (None, "faces") else str(self.pictures.painting_file(str(name), gallery))

        recipe = job.recipe if isinstance(job, StudioJob) else job.recipe.to_dict()
        single = {name: path(getattr(job, name)) for name in ("content", "only", "protect", "fine_style", "init")}
        several = {name: [path(each) for each in getattr(job, name)] for name in SEVERAL}
        return {"kind": job.kind, "recipe": dict(recipe), **single, **several}

    def report_step(self, name: str, values: Mapping[str, Any]) -> None:
        """Take the state of a job after a step."""
        with self._changed:
            self._progress[name] = dict(values)
            due = time.monotonic() - self._sent_s.get(name, 0.0) >= EVENT_S
            if due and (job := self._database.find(name)) is not None:
                self._sent_s[name] = time.monotonic()
                self._send(job)

    def report_end(self, name: str, values: Mapping[str, Any]) -> None:
        """Take how a job ended: state, message, outcome."""
        with self._changed:
            job = self._database.find(name)
            if job is None:  # deleted
                return
            wish = self._wishes.pop(name, "")
            state, message = values["state"], values.get("message")
            if state == "paused" and wish == "close":
                state = "waiting"
            if state == "paused" and wish == "disk":
                message = _full_disk(self.limits.free_bytes)
            progress = self._progress.pop(name, {})
            known = {each: progress[each] for each in _OUTCOME if each in progress}
            outcome = {**job.outcome, **known, **values.get("outcome", {})}
            finished = None if state in UNFINISHED else now()
            self._save(replace(job, state=state, message=message, outcome=outcome, finished=finished))
            self._send_queue()

    def watch_disk(self) -> None:
        """Pause what is painted where the disk has no room left; let it go on when there is some again."""
        with self._changed:
            if time.monotonic() - self._watched_s < WATCH_S:
                return
            self._watched_s = time.monotonic()
            free = shutil.disk_usage(self.folder).free
            is_full = free < self.limits.free_bytes
            if is_full == self._full:
                return
            self._full = is_full
            message = _full_disk(self.limits.free_bytes) if is_full else None
            self.events.send(EVERYONE, "disk", {"free": free, "message": message})
            if is_full:
                for job in self._database.of_state("painting"):
                    self._tell(job.id, "pause", reason="disk")
                return
            for job in self._database.of_state("paused"):
                if job.message is not None and job.message["key"] == "disk-full":
                    self._save(replace(job, state="waiting", message=None))
            self._changed.notify_all()

    def disk(self) -> dict[str, Any]:
        """Return the free bytes, and a message where they are too few."""
        free = shutil.disk_usage(self.folder).free
        return {"free": free, "message": _full_disk(self.limits.free_bytes) if self._full else None}

    def close(self) -> None:
        """Write checkpoints of what is painted, end all painters, and release the folder."""
        with self._changed:
            self._closing = True
            for job in self._database.of_state("painting"):
                self._tell(job.id, "pause", reason="close")
            self._changed.notify_all()
        for painter in self._painters:
            painter.close()
        self._database.close()
        self._claim.release()

    # Inside

    def _tell(self, name: str, wish: str, reason: str = "") -> bool:
        self._wishes[name] = reason or wish
        return any(painter.tell(name, wish) for painter in self._painters)

    def _folder(self, name: str) -> Path:
        return self._jobs / name

    def _save(self, job: StudioJob) -> None:
        job.write(self._folder(job.id))
        self._database.put(job)
        self._send(job)

    def _send(self, job: StudioJob) -> None:
        place = self._database.waiting_ids().index(job.id) if job.state == "waiting" else None
        self.events.send(job.gallery, "job", self._describe(job, place), job.id)

    def _send_queue(self) -> None:
        waiting = self._database.waiting()
        for gallery in {job.gallery for job in waiting}:
            order = [job.id for job in waiting if job.gallery == gallery]
            self.events.send(gallery, "queue", {"order": order})

    def _describe(self, job: StudioJob, place: int | None) -> dict[str, Any]:
        progress = self._progress.get(job.id, {})
        values = {name: progress.get(name, job.outcome.get(name)) for name in _SHOWN}
        files = {"preview": ("preview.jpg",), "result": ("run", "result.png"), "evolution": ("evolution.webp",)}
        version = progress.get("previews") or (0 if job.state == "painting" else 1)
        shown = ("id", "kind", "name", "state", "group", "created", "started", "finished", "message", "preset")
        return {
            **{name: getattr(job, name) for name in shown},
            "position": place,
            **values,
            "losses": values["losses"] or {},
            "recipe": dict(job.recipe),
            "changed": dict(job.changed),
            **{name: self._describe_picture(job, getattr(job, name)) for name in _SINGLE},
            **{name: [self._describe_picture(job, each) for each in getattr(job, name)] for name in SEVERAL},
            "has": {name: self.file(job, *names) is not None for name, names in files.items()},
            "preview_version": version,
        }

    def _describe_picture(self, job: StudioJob, name: str | None) -> Any:
        if name is None or name == "faces":
            return name
        with contextlib.suppress(Refusal):
            return self.pictures.get(name, job.gallery).to_dict()
        return None

    def _check_state(self, job: StudioJob, verb: str, states: Sequence[str]) -> None:
        if job.state not in states:
            raise Refusal(
                f"the job is {job.state}; expected one that is {' or '.join(states)} to {verb}.",
                "Reload the page.",
                status=409,
                key="job-state",
                values={"state": job.state, "verb": verb},
            )

    def _read_jobs(self) -> Iterator[StudioJob]:
        """Yield the jobs of all folders. What was painted when a server was killed goes back to the queue."""
        for folder in sorted(self._jobs.iterdir()):
            if folder.is_symlink() or not folder.is_dir():
                continue
            try:
                job = read_job(folder)
            except (RunError, ImpastoError) as error:
                logger.warning("a job is left out: %s", error)
                continue
            if job.state == "painting":
                job = replace(job, state="waiting")
                job.write(folder)
            if job.id == folder.name:
                yield job


_SINGLE = ("content", "only", "protect", "fine_style", "init")
_OUTCOME = ("width", "height", "step", "steps", "scale", "scales", "losses")
_SHOWN = ("step", "steps", "scale", "scales", "width", "height", "seconds_left", "share", "losses", "seconds")


def _to_job(body: JobBody, gallery: str, group: str | None, rank: float) -> StudioJob:
    kind: Any = body.kind
    same = ("name", "preset", "changed", *_SINGLE, *SEVERAL)
    values: dict[str, Any] = {name: getattr(body, name) for name in same}
    recipe = body.recipe.to_dict()
    return StudioJob(
        id=new_id(),
        gallery=gallery,
        kind=kind,
        state="waiting",
        rank=rank,
        created=now(),
        recipe=recipe,
        group=group,
        outcome={"steps": body.recipe.steps},
        **values,
    )


def _full_disk(least: int) -> Message:
    text = f"the disk is nearly full; expected {least / 2**20:.0f} MB free to go on."
    hint = "Free some space, or delete pictures here; what was paused then goes on by itself."
    return {"text": text, "hint": hint, "key": "disk-full", "values": {"least": least}}

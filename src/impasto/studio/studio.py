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

from impasto.errors import RunError
from impasto.runs.trace import read_trace
from impasto.studio.database import Database
from impasto.studio.disk import KEY, LOOK_S, Disk
from impasto.studio.events import EVERYONE, Events
from impasto.studio.folder import claim_folder
from impasto.studio.job import SEVERAL, SINGLE, UNFINISHED, State, StudioJob, name_apart, now, read_job, to_job
from impasto.studio.job_body import FACES, JobBody
from impasto.studio.limits import Limits
from impasto.studio.painter import Painter
from impasto.studio.refusal import Refusal
from impasto.studio.uploads import Pictures
from impasto.studio.view import PROGRESS, describe_job, find_file

logger = logging.getLogger(__name__)

EVENT_S = 0.2
"""Least seconds between two events of a job's steps."""

UNUSED_S = 7 * 24 * 3600.0
"""Seconds after which a picture that no job needs is deleted, at a start."""

_DELETED = ".deleted-"


class Studio:
    """All of one server. Jobs are the folders in `jobs/`, which are the truth; the database is their index.

    A job is named by its id and the gallery that asks for it; one of another gallery raises Refusal 404.
    Raises OutputError where the folder cannot be used, or another server has it.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._claim = claim_folder(folder)
        self.folder, self.limits = self._claim.path, limits
        self._jobs = self.folder / "jobs"
        self._jobs.mkdir(mode=0o700, exist_ok=True)
        self.pictures, self.events = Pictures(self.folder, limits), Events(limits.streams)
        self.disk = Disk(self.folder, limits.free_bytes)
        self._database = Database(self.folder / "studio.db")
        self._changed = threading.Condition(threading.RLock())
        self._progress: dict[str, Mapping[str, Any]] = {}
        self._sent_s: dict[str, float] = {}
        self._wishes: dict[str, str] = {}
        self._painters: tuple[Painter, ...] = ()
        self._closing = False
        self._database.fill(_read_jobs(self._jobs))

    # What is there

    def find(self, name: str, gallery: str) -> StudioJob:
        """Return a job."""
        job = self._database.find(name)
        if job is None or job.gallery != gallery:
            raise Refusal("there is no such job.", "Reload the page.", status=404, key="job-unknown")
        return job

    def show(self, name: str, gallery: str) -> dict[str, Any]:
        """Return a job as the API shows it."""
        with self._changed:
            return self.describe([self.find(name, gallery)])[0]

    def list_jobs(self, gallery: str, **choice: Any) -> dict[str, Any]:
        """Return jobs as the API shows them, the newest first, and how many there are; choice: `Database.select`."""
        with self._changed:
            jobs, total = self._database.select(gallery, **choice)
            return {"jobs": self.describe(jobs), "total": total}

    def describe(self, jobs: Iterable[StudioJob]) -> list[dict[str, Any]]:
        """Return jobs as the API shows them."""
        places = {name: place for place, name in enumerate(self._database.waiting_ids())}
        return [self._describe(job, places.get(job.id)) for job in jobs]

    def file(self, job: StudioJob, what: str) -> Path | None:
        """Return the path of a job's file, None where it is not there; what: of `view.FILES`."""
        return find_file(self._folder(job.id), what)

    def queue(self, gallery: str) -> list[str]:
        """Return the ids of the waiting jobs, in their order."""
        return [job.id for job in self._database.waiting() if job.gallery == gallery]

    def sources(self, job: StudioJob | JobBody, gallery: str) -> dict[str, Any]:
        """Return kind, recipe and the paths of all pictures of a job, for `painting.prepare_order`."""

        def path(name: str | None) -> str | None:
            return name if name is None or name == FACES else str(self.pictures.painting_file(name, gallery))

        recipe = job.recipe if isinstance(job, StudioJob) else job.recipe.to_dict()
        single = {name: path(getattr(job, name)) for name in SINGLE}
        several = {name: [path(each) for each in getattr(job, name)] for name in SEVERAL}
        film = job.film
        if film is not None and job.content is not None:
            film = {**film, "path": str(self.pictures.film_file(job.content, gallery))}
        return {"kind": job.kind, "recipe": dict(recipe), "film": film, **single, **several}

    # Changes

    def add(self, bodies: Sequence[JobBody], gallery: str, group: str | None = None) -> list[dict[str, Any]]:
        """Put new jobs at the end of the queue, and return them as the API shows them."""
        with self._changed:
            if self._database.count_unfinished() + len(bodies) > self.limits.jobs:
                raise Refusal(
                    f"{len(bodies)} more would be more unfinished jobs than {self.limits.jobs}; expected at most that.",
                    "Wait for some to end, or delete some.",
                    status=429,
                    key="too-many-jobs",
                    values={"most": self.limits.jobs},
                )
            rank = self._database.last_rank()
            jobs = [to_job(body, gallery, group, rank + number) for number, body in enumerate(bodies, start=1)]
            jobs = name_apart(jobs, self._database.names(gallery))
            for job in jobs:
                self._folder(job.id).mkdir(mode=0o700)
                self._save(job)
            self._changed.notify_all()
            return self.describe(jobs)

    def pause(self, name: str, gallery: str) -> None:
        """Pause a job that waits or is painted, after its step."""
        with self._changed:
            job = self._find_in("pause", name, gallery, ("waiting", "painting"))
            if job.state == "waiting":
                self._save(replace(job, state="paused", message=None))
                self._send_queue()
            else:
                self._tell(job, "pause")

    def resume(self, name: str, gallery: str) -> None:
        """Put a paused job back into the queue, at its place."""
        with self._changed:
            job = self._find_in("resume", name, gallery, ("paused",))
            self._save(replace(job, state="waiting", message=None))
            self._send_queue()
            self._changed.notify_all()

    def stop(self, name: str, gallery: str) -> None:
        """End a job; what is painted is its result.

        A paused job's is the picture that was kept at the pause. One that was begun and has none, since its server was
        killed or the disk was full, is painted for one more step.
        """
        with self._changed:
            job = self._find_in("stop", name, gallery, UNFINISHED)
            run, kept = self._folder(name) / "run", self.file(job, "kept")
            if job.state == "painting":
                self._tell(job, "stop")
            elif kept is None and run.is_dir():
                self._wishes[name] = "stop"
                self._save(replace(job, state="waiting", rank=self._database.first_rank() - 1, message=None))
                self._send_queue()
                self._changed.notify_all()
            else:
                if kept is not None:
                    kept.replace(run / "result.png")
                    shutil.rmtree(run / "checkpoint", ignore_errors=True)
                self._save(replace(job, state="stopped", finished=now(), message=None))
                self._send_queue()

    def rename(self, name: str, gallery: str, new_name: str) -> None:
        """Change a job's name."""
        with self._changed:
            self._save(replace(self.find(name, gallery), name=new_name))

    def reorder(self, names: Sequence[str], gallery: str) -> None:
        """Change the order of the waiting jobs; those that are not named follow in their old order."""
        with self._changed:
            mine = [job for job in self._database.waiting() if job.gallery == gallery]
            first = {name: place for place, name in reversed([*enumerate(names)])}
            order = sorted(mine, key=lambda job: first.get(job.id, len(names)))
            for job, rank in zip(order, [job.rank for job in mine], strict=True):
                if job.rank != rank:
                    self._write(replace(job, rank=rank))
            self._send_queue()

    def delete(self, names: Iterable[str] | None, gallery: str) -> int:
        """Remove jobs, all if None, with picture, run and thumbnails, and the inputs that no other job needs.

        Returns how many there were.
        """
        with self._changed:
            if names is None:
                jobs = self._database.select(gallery)[0]
            else:
                jobs = [self.find(name, gallery) for name in dict.fromkeys(names)]
            for job in jobs:
                self._remove(job)
            used = self.pictures.with_origins(self._database.used_pictures())
            gone = self.pictures.with_origins(each for job in jobs for each in job.pictures) - used
            for picture in (gone | self.pictures.stills_of(gone)) - used:
                with contextlib.suppress(Refusal):  # gone already, or one of the package's
                    self.pictures.delete(picture, gallery)
            self._send_queue()
            return len(jobs)

    def delete_picture(self, picture: str, gallery: str) -> None:
        """Delete a picture that no job needs. Raises Refusal."""
        with self._changed:
            self.pictures.get(picture, gallery)
            if picture in self._database.used_pictures():
                raise Refusal("a job needs this picture.", "Delete the job.", status=409, key="picture-needed")
            self.pictures.delete(picture, gallery)

    def remove_unused(self) -> None:
        """Delete pictures that were sent long ago and that no job needs."""
        with self._changed:
            if not self._closing:
                self.pictures.remove_older(UNUSED_S, self.pictures.with_origins(self._database.used_pictures()))

    # What painters ask and report

    def start(self, painters: Sequence[Painter]) -> None:
        """Let painters work through the queue."""
        with self._changed:
            if self._closing:
                return
            self._painters = (*self._painters, *painters)
        for painter in painters:
            painter.start()

    def take(self) -> StudioJob | None:
        """Wait for the next job of the queue, and mark it as being painted; None at the server's end."""
        with self._changed:
            while not self._closing:
                self.watch_disk()
                job = None if self.disk.is_full else self._database.next_waiting()
                if job is not None:
                    job = replace(job, state="painting", started=job.started or now())
                    self._save(job)
                    self._send_queue()
                    return job
                self._changed.wait(LOOK_S)
        return None

    def order(self, name: str) -> Mapping[str, Any] | None:
        """Return what a painter's child needs of a job; None where it is gone."""
        with self._changed:
            job = self._database.find(name)
            if job is None:
                return None
            wish = "close" if self._closing else self._wishes.get(name, "")
            return {"folder": str(self._folder(name)), "wish": wish, **self.sources(job, job.gallery)}

    def report_step(self, name: str, values: Mapping[str, Any]) -> None:
        """Take the state of a job after a step."""
        with self._changed:
            self._progress[name] = values
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
            wish, state, message = self._wishes.get(name, ""), values["state"], values.get("message")
            if state == "paused" and message is None and wish == "disk":
                message = self.disk.message
            elif state == "paused" and message is None and wish != "pause":  # the server ends
                state = "waiting"
            progress = self._progress.get(name, {})
            known = {each: progress[each] for each in PROGRESS[:-1] if each in progress}
            known["previews"] = progress.get("previews", 0) + job.outcome.get("previews", 0)
            outcome = {**job.outcome, **known, "seconds_left": None, **values.get("outcome", {})}
            finished = None if state in UNFINISHED else now()
            ended = replace(job, state=state, message=message, outcome=outcome, finished=finished)
            self._write(ended)  # which a full disk refuses; the painter then calls again
            for known_of in (self._progress, self._wishes):
                known_of.pop(name, None)
            self._send(ended)
            self._send_queue()

    def watch_disk(self) -> None:
        """Pause what is painted where the disk has no room left; let it go on when there is some again."""
        with self._changed:
            if not self.disk.has_changed():
                return
            self.events.send(EVERYONE, "disk", self.disk.to_dict())
            if self.disk.is_full:
                for job in self._database.of_state("painting"):
                    self._tell(job, "disk")
                return
            for job in self._database.of_state("paused"):
                if job.message is not None and job.message["key"] == KEY:
                    self._save(replace(job, state="waiting", message=None))
            self._changed.notify_all()

    def close(self) -> None:
        """Write checkpoints of what is painted, end all painters, and release the folder."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            for job in self._database.of_state("painting"):
                if job.id not in self._wishes:
                    self._tell(job, "close")
            self._changed.notify_all()
        for painter in self._painters:
            painter.close()
        self._database.close()
        self._claim.release()

    # Inside

    def _tell(self, job: StudioJob, wish: str) -> None:
        """Have a job's painter pause or stop it; one that is just beginning reads the wish in its order."""
        self._wishes[job.id] = wish
        for painter in self._painters:
            painter.tell(job.id, wish)
        self._send(job)

    def _folder(self, name: str) -> Path:
        return self._jobs / name

    def _write(self, job: StudioJob) -> None:
        job.write(self._folder(job.id))
        self._database.put(job)

    def _save(self, job: StudioJob) -> None:
        self._write(job)
        self._send(job)

    def _remove(self, job: StudioJob) -> None:
        self._database.remove(job.id)
        for painter in self._painters:
            painter.drop(job.id)
        hidden = self._jobs / f"{_DELETED}{job.id}"  # the rest is removed at the next start if this process dies now
        with contextlib.suppress(OSError):
            self._folder(job.id).rename(hidden)
        shutil.rmtree(hidden, ignore_errors=True)
        for values in (self._progress, self._sent_s, self._wishes):
            values.pop(job.id, None)
        self.events.send(job.gallery, "removed", {"id": job.id}, job.id)

    def _send(self, job: StudioJob) -> None:
        if self.events.has_readers(job.gallery):
            place = self._database.waiting_ids().index(job.id) if job.state == "waiting" else None
            self.events.send(job.gallery, "job", self._describe(job, place), job.id)

    def _send_queue(self) -> None:
        for gallery in self.events.galleries():
            self.events.send(gallery, "queue", {"order": self.queue(gallery)})

    def _describe(self, job: StudioJob, place: int | None) -> dict[str, Any]:
        progress = {"asked": self._wishes.get(job.id), **self._progress.get(job.id, {})}
        return describe_job(job, self._folder(job.id), self.pictures, progress, place)

    def _find_in(self, verb: str, name: str, gallery: str, states: Sequence[State]) -> StudioJob:
        """Return a job that is in one of the states. Raises Refusal 409."""
        job = self.find(name, gallery)
        if job.state not in states:
            raise Refusal(
                f"the job is {job.state}; expected one that is {' or '.join(states)} to {verb}.",
                "Reload the page.",
                status=409,
                key="job-state",
                values={"state": job.state, "verb": verb},
            )
        return job


def _read_jobs(folder: Path) -> Iterator[StudioJob]:
    """Yield the jobs of all folders. What was painted when a server was killed goes back to the queue."""
    for place in sorted(folder.iterdir()):
        if place.is_symlink() or not place.is_dir():
            continue
        if place.name.startswith(_DELETED) or not any(place.iterdir()):
            shutil.rmtree(place, ignore_errors=True)
            continue
        try:
            job = read_job(place)
        except RunError as error:
            logger.warning("the job in %r is left out: %s", str(place), error)
            continue
        if job.state == "painting":
            last = read_trace(place / "run")[-1:]
            seen = {name: last[0][name] for name in ("step", "steps", "scale", "losses")} if last else {}
            job = replace(job, state="waiting", outcome={**job.outcome, **seen})
            job.write(place)
        if job.id == place.name:
            yield job

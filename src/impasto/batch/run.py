"""A batch being painted: jobs to workers, pictures and events into the folder."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from impasto.batch.jobs import Job, Setup, is_painted, job_key
from impasto.batch.manifest import Manifest
from impasto.batch.reports import Crew, Failed, Lost, Painted, Report, Stepped
from impasto.errors import OutputError
from impasto.system.disk import replace_file

logger = logging.getLogger(__name__)

DEATHS = 3
"""Workers that one picture may cost before it counts as failed."""

WAIT_S = 1.0

TOLD = 20
"""Failures that a tally holds; the manifest holds all."""


@dataclass(slots=True)
class Tally:
    """What has come of a batch so far.

    jobs: of all. kept: done before. done, failed: in this call. failures: the first of them, as in the manifest.
    steps, peak_bytes: all steps, and the most memory of one worker, in this call.
    """

    jobs: int
    kept: int = 0
    done: int = 0
    failed: int = 0
    steps: int = 0
    peak_bytes: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Jobs that are neither done nor failed."""
        return self.jobs - self.kept - self.done - self.failed


@dataclass(frozen=True, slots=True)
class BatchEvent:
    """Something came of a job: it was done before, is begun, is some steps on (see `step`), is done or failed, or its
    worker was lost."""

    kind: Literal["kept", "begun", "step", "done", "failed", "lost"]
    job: Job
    tally: Tally
    step: Stepped | None = None


OnBatch = Callable[[BatchEvent], object]


def paint_batch(
    jobs: Iterable[Job],
    count: int,
    folder: Path,
    setup: Setup,
    hire: Callable[[Job], Crew],
    on_event: OnBatch | None = None,
) -> Tally:
    """What came of the jobs that were not done before, each painted by one of a crew's workers.

    jobs, count: as `check_jobs` accepted them. folder: where pictures and manifest go; it is made. hire: the crew, from
    a job for it to try; not called where nothing is left to do.
    A picture that cannot be painted fails, and the others go on; one whose worker dies goes to another, up to DEATHS
    times. Raises BatchError where another batch paints into the folder, DiskError, OutputError, KeyboardInterrupt, and
    what makes all workers useless; whatever is raised, the same call goes on from there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"output folder {str(folder)!r} cannot be made ({error.strerror or error}).", "Choose another -o."
        ) from error
    with ExitStack() as stack:
        manifest = stack.enter_context(Manifest(folder))
        manifest.begin(count)
        lead = _Lead(folder, setup, manifest, Tally(count), on_event)
        left = lead.find_left(jobs)
        first = next(left, None)
        if first is not None:
            lead.again.append(first)
            crew = hire(first)
            stack.callback(crew.close)
            lead.paint(left, crew)
        return lead.tally


class _Lead:
    """The one process that writes into the folder. again: jobs to be done before those that are left."""

    def __init__(
        self, folder: Path, setup: Setup, manifest: Manifest, tally: Tally, on_event: OnBatch | None
    ) -> None:
        self.folder, self.setup, self.manifest, self.tally = folder, setup, manifest, tally
        self.again: deque[Job] = deque()
        # Of the jobs that are begun, as their inputs were before.
        self._keys: dict[str, str] = {}
        self._on_event = on_event
        self._deaths: Counter[str] = Counter()

    def find_left(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """The jobs that are not done, one by one."""
        for job in jobs:
            key = job_key(job)
            if self._is_done(job, key):
                self.tally.kept += 1
                self._tell("kept", job)
            else:
                self._keys[job.output] = key
                yield job

    def paint(self, left: Iterator[Job], crew: Crew) -> None:
        """Gives jobs to idle workers, never more than they are, until all have come to an end."""
        busy = 0
        while True:
            while crew.idle and (job := self.again.popleft() if self.again else next(left, None)) is not None:
                crew.begin(job)
                busy += 1
                self._tell("begun", job)
            if not busy and not self.again and crew.idle:
                return
            for report in crew.wait(WAIT_S):
                busy -= not isinstance(report, Stepped)
                self._take(report)

    def _is_done(self, job: Job, key: str) -> bool:
        picture, known = self.folder / job.output, self.manifest.done.find_key(job.output)
        if known is not None:
            return known == key and picture.is_file()
        # Between a picture's move to its name and its line the process may have been killed.
        if not is_painted(job, picture):
            return False
        self.manifest.add({"event": "done", "output": job.output, "job": key, "found": True})
        return True

    def _take(self, report: Report) -> None:
        job = report.job
        if isinstance(report, Stepped):
            self._tell("step", job, report)
        elif isinstance(report, Painted):
            self._keep(report)
        elif isinstance(report, Failed):
            self._fail(job, report.error, report.hint)
        else:
            self._retry(job, report)

    def _keep(self, painted: Painted) -> None:
        job, path = painted.job, self.folder / painted.job.output
        for warning in painted.warnings:
            logger.warning("%s: %s", job.output, warning)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"folder {str(path.parent)!r} cannot be made ({error.strerror or error}).", "Choose another -o."
            ) from error
        replace_file(path, BytesIO(painted.picture))
        self._end("done", job, painted.facts)
        self.tally.done += 1
        self.tally.steps += int(painted.facts["steps"])
        self.tally.peak_bytes = max(self.tally.peak_bytes, int(painted.facts["peak_bytes"]))
        self._tell("done", job)

    def _fail(self, job: Job, error: str, hint: str) -> None:
        failure = {"content": job.content, "style": list(job.styles), "error": error, "hint": hint}
        self._end("failed", job, failure)
        self.tally.failed += 1
        if len(self.tally.failures) < TOLD:
            self.tally.failures.append({"output": job.output, **failure})
        self._tell("failed", job)

    def _end(self, event: str, job: Job, facts: Mapping[str, Any]) -> None:
        self._deaths.pop(job.output, None)
        self.manifest.add({"event": event, "output": job.output, "job": self._keys.pop(job.output), **facts})

    def _retry(self, job: Job, lost: Lost) -> None:
        self._deaths[job.output] += 1
        if self._deaths[job.output] >= DEATHS:
            what = f"{DEATHS} workers ended while they painted it, the last {lost.reason}."
            self._fail(job, what, "Lower --size, --max-memory or --jobs.")
            return
        logger.warning("%s: its worker ended (%s); another paints it.", job.output, lost.reason)
        self.again.append(job)
        self._tell("lost", job)

    def _tell(self, kind: Any, job: Job, step: Stepped | None = None) -> None:
        if self._on_event is not None:
            self._on_event(BatchEvent(kind, job, self.tally, step))

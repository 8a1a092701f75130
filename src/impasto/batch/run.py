"""Paint a batch: jobs go to workers, pictures and events into the folder."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from impasto.batch.jobs import Job, Painted, Setup, Step, is_painted, job_key
from impasto.batch.manifest import Manifest
from impasto.errors import OutputError
from impasto.system.disk import replace_file
from impasto.workers.pool import Failed, Finished, Lost, Perform, Progress, Report, Share, WorkerPool

logger = logging.getLogger(__name__)

MOST_DEATHS = 3
"""Workers that one picture may cost before it counts as failed."""

WAIT_S = 1.0

MOST_FAILURES = 20
"""Failures that a tally holds; the manifest holds all."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of a batch so far.

    jobs: all. kept: done before. done, failed: in this call. failures: the first of them, as in the manifest.
    steps, peak_bytes: all steps, and the most memory of one worker, in this call. enlarged: pictures of this call that
    are larger than their photographs.
    """

    jobs: int
    kept: int = 0
    done: int = 0
    failed: int = 0
    steps: int = 0
    peak_bytes: int = 0
    enlarged: int = 0
    failures: tuple[Mapping[str, Any], ...] = ()

    @property
    def left(self) -> int:
        """Jobs that are neither done nor failed."""
        return self.jobs - self.kept - self.done - self.failed


@dataclass(frozen=True, slots=True)
class BatchEvent:
    """A change of one job. kept: done before; begun; step: progress, in `step`; done; failed; lost: its worker died."""

    kind: Literal["kept", "begun", "step", "done", "failed", "lost"]
    job: Job
    tally: Tally
    step: Step | None = None


OnBatch = Callable[[BatchEvent], object]


def build_painter(setup: Setup, first: Job, share: Share) -> Perform:
    """Return the function by which a worker paints jobs, after checking the first one. Imports torch.

    Raises the ImpastoError by which no job like the first can be painted.
    """
    from impasto.batch.painter import Painter

    painter = Painter(setup, share)
    painter.check(first)
    return painter.paint


def paint_batch(
    jobs: Iterable[Job],
    count: int,
    folder: Path,
    start_pool: Callable[[Job], WorkerPool[Any]],
    on_event: OnBatch | None = None,
) -> Tally:
    """Paint the jobs that were not done before, and return the counts.

    jobs, count: as `check_jobs` accepted them. folder: where pictures and manifest go; it is made. start_pool: starts
    the workers, of which each checks the given job first; not called where nothing is left to do.
    A picture that cannot be painted fails, and the others continue; one whose worker dies goes to another, up to
    MOST_DEATHS times. Raises BatchError where another batch paints into the folder, DiskError, OutputError,
    KeyboardInterrupt, and the ImpastoError by which no worker can start. After any of these the same call resumes.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"output folder {str(folder)!r} cannot be made ({error.strerror or error}).", "Choose another -o."
        ) from error
    with Manifest(folder) as manifest:
        manifest.begin(count)
        batch = _Batch(folder, manifest, count, on_event)
        batch.run(jobs, start_pool)
        return batch.tally


class _Batch:
    """A batch in the process that alone writes into its folder."""

    def __init__(self, folder: Path, manifest: Manifest, count: int, on_event: OnBatch | None) -> None:
        self.tally = Tally(count)
        self._folder, self._manifest, self._on_event = folder, manifest, on_event
        # Of jobs that are begun, computed before their inputs were read.
        self._keys: dict[str, str] = {}
        self._retries: deque[Job] = deque()
        self._deaths: Counter[str] = Counter()

    def run(self, jobs: Iterable[Job], start_pool: Callable[[Job], WorkerPool[Any]]) -> None:
        left = self._find_left(jobs)
        first = next(left, None)
        if first is None:
            return
        self._retries.append(first)
        pool = start_pool(first)
        try:
            self._paint(left, pool)
        finally:
            pool.stop()

    def _find_left(self, jobs: Iterable[Job]) -> Iterator[Job]:
        for job in jobs:
            key = job_key(job)
            if self._is_done(job, key):
                self._count("kept", job, kept=self.tally.kept + 1)
            else:
                self._keys[job.output] = key
                yield job

    def _is_done(self, job: Job, key: str) -> bool:
        picture, known = self._folder / job.output, self._manifest.done.find_key(job.output)
        if known is not None:
            return known == key and picture.is_file()
        # The process may have been killed after the picture was moved to its name, and before its line was written.
        if not is_painted(job, picture):
            return False
        self._manifest.add({"event": "done", "output": job.output, "job": key, "found": True})
        return True

    def _paint(self, left: Iterator[Job], pool: WorkerPool[Any]) -> None:
        """Give each idle worker a job until all jobs are finished; no job waits in a queue of the pool."""
        busy = 0
        while True:
            while pool.idle and (job := self._retries.popleft() if self._retries else next(left, None)) is not None:
                pool.submit(job)
                busy += 1
                self._count("begun", job)
            if not busy and not self._retries and pool.idle:
                return
            for report in pool.wait(WAIT_S):
                busy -= not isinstance(report.outcome, Progress)
                self._handle(report)

    def _handle(self, report: Report) -> None:
        match report.outcome:
            case Progress(step):
                self._count("step", report.item, step)
            case Finished(painted, warnings):
                for warning in warnings:
                    logger.warning("%s: %s", report.item.output, warning)
                self._write(report.item, painted)
            case Failed(error, hint):
                self._fail(report.item, error, hint)
            case Lost(reason):
                self._retry(report.item, reason)

    def _write(self, job: Job, painted: Painted) -> None:
        path = self._folder / job.output
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"folder {str(path.parent)!r} cannot be made ({error.strerror or error}).", "Choose another -o."
            ) from error
        replace_file(path, painted.picture)
        self._record("done", job, painted.facts)
        steps = self.tally.steps + int(painted.facts["steps"])
        peak_bytes = max(self.tally.peak_bytes, int(painted.facts["peak_bytes"]))
        enlarged = self.tally.enlarged + bool(painted.facts["enlarged"])
        self._count("done", job, done=self.tally.done + 1, steps=steps, peak_bytes=peak_bytes, enlarged=enlarged)

    def _fail(self, job: Job, error: str, hint: str) -> None:
        failure = {"content": job.content, "style": list(job.styles), "error": error, "hint": hint}
        self._record("failed", job, failure)
        failures = (*self.tally.failures, {"output": job.output, **failure})[:MOST_FAILURES]
        self._count("failed", job, failed=self.tally.failed + 1, failures=failures)

    def _retry(self, job: Job, reason: str) -> None:
        self._deaths[job.output] += 1
        if self._deaths[job.output] >= MOST_DEATHS:
            error = f"{MOST_DEATHS} workers ended while they painted it, the last {reason}."
            self._fail(job, error, "Lower --size, --max-memory or --jobs.")
            return
        logger.warning("%s: its worker ended (%s); another paints it.", job.output, reason)
        self._retries.append(job)
        self._count("lost", job)

    def _record(self, event: str, job: Job, facts: Mapping[str, Any]) -> None:
        self._deaths.pop(job.output, None)
        self._manifest.add({"event": event, "output": job.output, "job": self._keys.pop(job.output), **facts})

    def _count(self, kind: Any, job: Job, step: Step | None = None, **changes: Any) -> None:
        self.tally = replace(self.tally, **changes)
        if self._on_event is not None:
            self._on_event(BatchEvent(kind, job, self.tally, step))

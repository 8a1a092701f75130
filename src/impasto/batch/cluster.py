"""Workers on a Ray cluster, or on this machine as one: an actor each, replaced when it or its machine dies."""

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impasto.batch.connect import connect
from impasto.batch.hand import Hand
from impasto.batch.jobs import Job, Setup
from impasto.batch.reports import Failed, Lost, Report, Stepped
from impasto.errors import ClusterError, ImageReadError, ImpastoError
from impasto.images.formats.decoding import check_file

logger = logging.getLogger(__name__)

KEPT_STYLES = 64
"""Style images that stay in the object store."""

STARTS = 3
"""Actors that may fail in a row before one is ready."""

PATIENCE_S = 60.0
"""Seconds without any running worker after which it is said that the cluster has no room."""

LOOK_EVERY_S = 1.0
"""Seconds between two looks at how far a worker is."""


@dataclass(slots=True, eq=False)
class _Worker:
    actor: Any
    is_ready: bool = False
    job: Job | None = None
    looked_s: float = 0.0


class RayCrew:
    """`Crew` of Ray actors: one for each GPU, or for every `cores` CPU cores where there is none.

    A style image is put once into the object store, and a photograph with its job: no worker needs our disk, and all
    pictures come back to the one process that writes. At most one picture a worker is under way, so that nothing piles
    up. Ray starts an actor where there is room for it, also on machines that join later.
    """

    def __init__(
        self,
        setup: Setup,
        trial: Job,
        *,
        address: str | None = None,
        workers: int | None = None,
        cores: int | None = None,
    ) -> None:
        """trial: as for LocalCrew. address: host:port of a cluster's head; None: RAY_ADDRESS, or the
        cluster of this machine, or one of its own. workers: how many; None: as many as there is room for.
        cores: CPU cores of each; None: half of those of the smallest machine, at most 4.
        Raises MissingExtraError, ClusterError."""
        self._ray = connect(address)
        self._setup, self._trial = setup, trial
        resources = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        gpus = int(sum(each.get("GPU", 0) for each in resources)) if setup.device != "cpu" else 0
        counts = [int(each["CPU"]) for each in resources if each.get("CPU", 0) >= 1]
        self._cores = cores if cores is not None else max(1, min([4, *(count // 2 for count in counts)]))
        room = gpus or sum(count // self._cores for count in counts)
        if not workers and not room:
            raise ClusterError(
                f"the cluster has no machine with {self._cores} free CPU cores, nor a GPU; expected at least one.",
                "Give --cores-per-worker 1, or --jobs N to wait for N workers.",
            )
        self._needs = {"num_gpus": 1, "num_cpus": 1} if gpus else {"num_cpus": self._cores}
        self._threads = None if gpus else self._cores
        self._styles: OrderedDict[str, Any] = OrderedDict()
        self._pending: dict[Any, _Worker] = {}
        self._looks: dict[Any, _Worker] = {}
        self._early: list[Report] = []
        self._stillborn = 0
        self._alone_s: float | None = None
        self._workers: list[_Worker] = []
        for _ in range(workers or room):
            self._start()

    @property
    def idle(self) -> int:
        return sum(worker.is_ready and worker.job is None for worker in self._workers)

    def begin(self, job: Job) -> None:
        worker = next(worker for worker in self._workers if worker.is_ready and worker.job is None)
        try:
            content = _read(job.content, "content_image")
            styles = [self._put_style(path) for path in job.styles]
        except ImpastoError as error:
            self._early.append(Failed(job, error.error, error.hint))
            return
        worker.job, worker.looked_s = job, time.monotonic()
        # Ray takes small arguments along, and puts large ones into the object store until the task has ended.
        self._pending[worker.actor.paint.remote(job, content, *styles)] = worker

    def wait(self, timeout_s: float) -> Sequence[Report]:
        if self._early:
            early, self._early = self._early, []
            return early
        self._look()
        waiting = [*self._pending, *self._looks]
        found, _ = self._ray.wait(waiting, num_returns=1, timeout=timeout_s)
        if found:  # and all that has come with it
            found, _ = self._ray.wait(waiting, num_returns=len(waiting), timeout=0)
        self._warn_if_alone()
        reports: list[Report] = []
        for reference in found:
            if reference in self._looks:
                reports += self._see(reference)
            elif reference in self._pending:  # a look may have gone with its worker, just now
                reports += self._hear(reference)
        return reports

    def close(self) -> None:
        # The cluster's own workers end with it, those of this driver with the driver.
        self._ray.shutdown()

    def _start(self) -> None:
        options = {**self._needs, "max_restarts": 0, "concurrency_groups": {"look": 1}}
        worker = _Worker(self._ray.remote(**options)(Hand).remote(self._setup, self._threads))
        self._workers.append(worker)
        self._pending[worker.actor.check.remote(self._trial)] = worker

    def _put_style(self, path: str) -> Any:
        """The reference of a style image's bytes. Raises ImageReadError."""
        if path not in self._styles:
            self._styles[path] = self._ray.put(_read(path, "style_image"))
        self._styles.move_to_end(path)
        while len(self._styles) > KEPT_STYLES:
            self._styles.popitem(last=False)
        return self._styles[path]

    def _look(self) -> None:
        """Asks busy workers how far they are, each now and then."""
        now = time.monotonic()
        for worker in self._workers:
            if worker.job is not None and now - worker.looked_s > LOOK_EVERY_S and worker not in self._looks.values():
                worker.looked_s = now
                self._looks[worker.actor.look.options(concurrency_group="look").remote()] = worker

    def _see(self, reference: Any) -> list[Report]:
        worker = self._looks.pop(reference)
        try:
            seen = self._ray.get(reference)
        except self._ray.exceptions.RayError:  # its job's reference tells the same
            return []
        return [Stepped(worker.job, *seen)] if seen is not None and worker.job is not None else []

    def _hear(self, reference: Any) -> list[Report]:
        worker = self._pending.pop(reference)
        try:
            told = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return self._bury(worker, error)
        if isinstance(told, ImpastoError):
            raise told
        if told == "ready":
            worker.is_ready, self._stillborn = True, 0
            return []
        job, worker.job = worker.job, None
        assert job is not None
        return [replace(told, job=job)]

    def _bury(self, worker: _Worker, error: Exception) -> list[Report]:
        """Starts another in the place of a worker that died, and tells of its job."""
        reason = describe_death(error)
        if not worker.is_ready:
            self._stillborn += 1
            if self._stillborn >= STARTS * len(self._workers):
                raise ClusterError(
                    f"no worker of the cluster can start: {reason}.",
                    "Install the same impasto on every machine of the cluster, and set RAY_AUTH_MODE=token if it wants "
                    "a token; see docs/batch.md.",
                ) from error
        self._workers.remove(worker)
        self._looks = {reference: other for reference, other in self._looks.items() if other is not worker}
        self._start()
        return [] if worker.job is None else [Lost(worker.job, reason)]

    def _warn_if_alone(self) -> None:
        if any(worker.is_ready for worker in self._workers):
            self._alone_s = None
            return
        self._alone_s = self._alone_s if self._alone_s is not None else time.monotonic()
        if time.monotonic() - self._alone_s > PATIENCE_S:
            self._alone_s = time.monotonic()
            logger.warning("no worker is running: the cluster has no room for one; still waiting.")


def describe_death(error: Exception) -> str:
    """Why an actor died, in the few words of Ray's page that tell it."""
    text = " ".join(str(error).split())
    for pattern in (r"\w*Error: [^.]+", r"The node .*? has been marked dead[^.]*", r"Worker exit type: \w+"):
        # The innermost error is the last.
        if found := re.findall(pattern, text):
            return str(found[-1])
    return text[:160]


def _read(path: str, role: str) -> bytes:
    label = f"{role} {path!r}"
    check_file(Path(path), label)
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ImageReadError(
            f"{label} cannot be read ({error.strerror or error}); expected a picture.", "Look after the disk."
        ) from error

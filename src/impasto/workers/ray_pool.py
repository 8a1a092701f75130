"""A pool of workers on a Ray cluster, or on this machine as a cluster of one."""

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from impasto.errors import ClusterError, ImageReadError, ImpastoError
from impasto.images.formats.decoding import check_file
from impasto.workers.pool import Factory, Failed, Item, Lost, Progress, WorkerPool
from impasto.workers.ray_worker import RayWorker

logger = logging.getLogger(__name__)

MOST_SHARED = 64
"""Shared files that stay in the object store."""

FAILED_STARTS = 3
"""Actors for each worker that may die in a row before one is ready."""

WARN_AFTER_S = 60.0
"""Seconds without any running worker after which there is a warning that the cluster has no room."""

PROGRESS_EVERY_S = 1.0
"""Seconds between two questions to a busy worker for its progress."""


class RayPool(WorkerPool[Any]):
    """Ray actors: one for each GPU, or for every `cores` CPU cores where there is none.

    The bytes of a shared file are put into the object store once, those of other files go with their item: workers need
    no disk of ours, and all results come back here. Ray starts an actor where there is room for it, also on machines
    that join later.
    """

    def __init__(
        self, ray: Any, factory: Factory, *, workers: int | None = None, cores: int | None = None, use_gpus: bool = True
    ) -> None:
        """ray: the module, from `connect`. workers: how many; None: as many as there is room for. cores: CPU cores of
        each; None: half of those of the smallest machine, at most 4. Raises ClusterError."""
        self._ray, self._factory = ray, factory
        resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        gpus = int(sum(each.get("GPU", 0) for each in resources)) if use_gpus else 0
        counts = [int(each["CPU"]) for each in resources if each.get("CPU", 0) >= 1]
        cores = cores if cores is not None else max(1, min([4, *(count // 2 for count in counts)]))
        workers = workers or gpus or sum(count // cores for count in counts)
        if not workers:
            raise ClusterError(
                f"no worker fits: each takes {cores} CPU cores of one machine, and {_describe_room(counts, gpus)}.",
                "Give --cores-per-worker 1, or say how many workers to wait for machines that join later.",
            )
        self._needs = {"num_gpus": 1, "num_cpus": 1} if gpus else {"num_cpus": cores}
        self._room = _describe_room(counts, gpus)
        self._cores = None if gpus else cores
        self._shared: OrderedDict[str, Any] = OrderedDict()
        self._calls: dict[Any, Any] = {}
        self._questions: dict[Any, Any] = {}
        self._asked_s: dict[Any, float] = {}
        self._unsent: list[tuple[Any, Failed]] = []
        self._last_running_s = time.monotonic()
        super().__init__(workers, FAILED_STARTS * workers)

    def stop(self) -> None:
        """Disconnect from the cluster, which ends all workers of this process."""
        self._ray.shutdown()

    def _start(self, number: int) -> Any:
        options = {**self._needs, "max_restarts": 0, "concurrency_groups": {"progress": 1}}
        actor = self._ray.remote(**options)(RayWorker).remote(self._factory, self._cores)
        self._calls[actor.start.remote()] = actor
        return actor

    def _send(self, worker: Any, item: Item) -> None:
        self._asked_s[worker] = time.monotonic()
        try:
            contents = [*map(_read_file, item.files), *map(self._share, item.shared_files)]
        except ImpastoError as error:
            self._unsent.append((worker, Failed(error.error, error.hint)))
            return
        # Ray sends small arguments along, and stores large ones until the call has ended.
        self._calls[worker.perform.remote(item, *contents)] = worker

    def _receive(self, timeout_s: float) -> Sequence[tuple[Any, Any]]:
        if self._unsent:
            unsent, self._unsent = self._unsent, []
            return unsent
        self._ask_for_progress()
        references = [*self._calls, *self._questions]
        found, _ = self._ray.wait(references, num_returns=1, timeout=timeout_s)
        if found:  # and all others that are there
            found, _ = self._ray.wait(references, num_returns=len(references), timeout=0)
        self._warn_without_workers()
        messages = [self._read_answer(reference) for reference in found if reference in self._questions]
        messages += [self._read_result(reference) for reference in found if reference in self._calls]
        return [(worker, message) for worker, message in messages if message is not None]

    def _start_error(self, reason: str) -> ImpastoError:
        return ClusterError(
            f"no worker of the cluster can start: {reason}.",
            "Install the same impasto on every machine of the cluster, and set RAY_AUTH_MODE=token if it wants "
            "a token; see docs/batch.md.",
        )

    def _share(self, path: str) -> Any:
        """Return the reference of a file's bytes in the object store."""
        if path not in self._shared:
            self._shared[path] = self._ray.put(_read_file(path))
        self._shared.move_to_end(path)
        while len(self._shared) > MOST_SHARED:
            self._shared.popitem(last=False)
        return self._shared[path]

    def _ask_for_progress(self) -> None:
        now = time.monotonic()
        for worker in self._items:
            if now - self._asked_s[worker] > PROGRESS_EVERY_S and worker not in self._questions.values():
                self._asked_s[worker] = now
                self._questions[worker.progress.options(concurrency_group="progress").remote()] = worker

    def _read_answer(self, reference: Any) -> tuple[Any, Progress | None]:
        worker = self._questions.pop(reference)
        try:
            value = self._ray.get(reference)
        except self._ray.exceptions.RayError:  # the worker's call fails likewise
            value = None
        return worker, None if value is None else Progress(value)

    def _read_result(self, reference: Any) -> tuple[Any, Any]:
        worker = self._calls.pop(reference)
        try:
            return worker, self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            self._questions = {asked: other for asked, other in self._questions.items() if other is not worker}
            self._asked_s.pop(worker, None)
            return worker, Lost(describe_death(error))

    def _warn_without_workers(self) -> None:
        now = time.monotonic()
        if self._idle or self._items:
            self._last_running_s = now
        elif now - self._last_running_s > WARN_AFTER_S:
            self._last_running_s = now
            each = "a GPU" if self._cores is None else f"{self._cores} CPU cores (--cores-per-worker)"
            logger.warning(
                "no worker is running: %d were asked for, each takes %s of one machine, and %s, which other programs "
                "may use too; still waiting.",
                *(len(self._workers), each, self._room),
            )


def _describe_room(cores: Sequence[int], gpus: int) -> str:
    """Return what machines of a cluster have. cores: of each machine. gpus: of all that may be used."""
    found = " and ".join(map(str, cores)) or "no"
    return f"the cluster's machines have {found} CPU cores and {gpus or 'no'} GPUs"


def describe_death(error: Exception) -> str:
    """Return the few words of Ray's long message that say why an actor died."""
    text = " ".join(str(error).split())
    for pattern in (r"\w*Error: [^.]+", r"The node .*? has been marked dead[^.]*", r"Worker exit type: \w+"):
        # The innermost error is the last.
        if found := re.findall(pattern, text):
            return str(found[-1])
    return text[:160]


def _read_file(path: str) -> bytes:
    check_file(Path(path), f"file {path!r}")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ImageReadError(
            f"file {path!r} cannot be read ({error.strerror or error}); expected a picture.", "Check the disk."
        ) from error

"""A pool of Ray actors, with a Ray of one thread: files to workers, progress, and deaths."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from impasto.errors import ClusterError, DeviceError
from impasto.workers import ray_pool, ray_worker
from impasto.workers.pool import Failed, Finished, Lost, Progress, Report, Share
from impasto.workers.ray_pool import RayPool, describe_death
from impasto.workers.ray_worker import RayWorker


@dataclass(frozen=True)
class Item:
    text: str
    files: Sequence[str] = ()
    shared_files: Sequence[str] = ()

    def with_files(self, files: Sequence[str], shared_files: Sequence[str]) -> "Item":
        return replace(self, files=files, shared_files=shared_files)


class RayError(Exception):
    """What Ray raises for a dead actor."""


@dataclass(eq=False)
class Method:
    """A call of an actor's method, whose answer may be made to wait."""

    ray: "FakeRay"
    actor: "Actor"
    name: str

    def options(self, **options: Any) -> "Method":
        return self

    def remote(self, *arguments: Any) -> "Reference":
        values = [each.value if isinstance(each, Reference) else each for each in arguments]
        return Reference(self.actor, self.name, lambda: getattr(self.actor.worker, self.name)(*values))


@dataclass(eq=False)
class Reference:
    actor: "Actor | None"
    name: str
    compute: Callable[[], Any]
    value: Any = None


@dataclass(eq=False)
class Actor:
    ray: "FakeRay"
    worker: Any
    is_dead: bool = False

    def __getattr__(self, name: str) -> Method:
        return Method(self.ray, self, name)


@dataclass
class FakeRay:
    """The part of the module ray that a pool uses. held: names of methods whose calls do not end yet."""

    cpus: tuple[int, ...] = (2,)
    gpus: int = 0
    held: set[str] = field(default_factory=set)
    actors: list[Actor] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)
    put_count: int = 0
    is_shut: bool = False
    exceptions: Any = field(default_factory=lambda: SimpleNamespace(RayError=RayError))

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": float(count), "GPU": self.gpus}} for count in self.cpus]

    def remote(self, **options: Any) -> Callable[[type], Any]:
        self.options.append(options)

        def create(cls: type) -> Any:
            def start(*arguments: Any) -> Actor:
                self.actors.append(Actor(self, cls(*arguments)))
                return self.actors[-1]

            return SimpleNamespace(remote=start)

        return create

    def put(self, value: Any) -> Reference:
        self.put_count += 1
        return Reference(None, "put", lambda: None, value)

    def wait(self, references: list[Reference], num_returns: int, timeout: float) -> tuple[list[Reference], list[Any]]:
        ended = [each for each in references if each.name not in self.held or (each.actor and each.actor.is_dead)]
        return ended[:num_returns], []

    def get(self, reference: Reference) -> Any:
        if reference.actor and reference.actor.is_dead:
            raise RayError("The actor is dead. Worker exit type: SYSTEM_ERROR Worker exit detail")
        return reference.compute()

    def shutdown(self) -> None:
        self.is_shut = True


@pytest.fixture(autouse=True)
def _workers_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers leave this process as it is, and their folders are removed."""
    workers: list[RayWorker] = []

    class Worker(RayWorker):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            workers.append(self)

    monkeypatch.setattr(ray_pool, "RayWorker", Worker)
    monkeypatch.setattr(ray_worker, "settle_process", lambda: None)
    yield
    for worker in workers:
        worker._folder.cleanup()


def build_reader(share: Share) -> Callable[[Item, Callable[[Any], None]], Any]:
    """What a worker runs: it reads the item's files."""

    def perform(item: Item, on_progress: Callable[[Any], None]) -> Any:
        on_progress(item.text)
        if item.text == "fail":
            raise DeviceError(f"{item.files[0]!r} is odd.", f"Look at {item.shared_files[0]}.")
        return [(Path(path).name, Path(path).read_bytes()) for path in (*item.files, *item.shared_files)]

    return perform


def refuse(share: Share) -> Any:
    raise DeviceError("no such device.", "Take another.")


@pytest.fixture
def item(tmp_path: Path) -> Item:
    for name in ("photos/a.png", "styles/a.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(name)
    return Item("a", (str(tmp_path / "photos" / "a.png"),), (str(tmp_path / "styles" / "a.png"),))


def test_files_go_to_the_worker_and_shared_ones_only_once(item: Item) -> None:
    ray = FakeRay()
    pool = RayPool(ray, build_reader, workers=1)
    assert pool.wait(0) == [] and pool.idle == 1
    for _ in range(2):
        pool.submit(item)
        assert pool.wait(0) == [Report(item, Finished([("a.png", b"photos/a.png"), ("a.png", b"styles/a.png")]))]
    assert ray.put_count == 1
    pool.stop()
    assert ray.is_shut


def test_messages_name_the_files_of_this_machine(item: Item) -> None:
    pool = RayPool(FakeRay(), build_reader, workers=1)
    pool.wait(0)
    bad = replace(item, text="fail")
    pool.submit(bad)
    expected = Failed(f"{item.files[0]!r} is odd.", f"Look at {item.shared_files[0]}.")
    assert pool.wait(0) == [Report(bad, expected)]


def test_a_file_that_cannot_be_read_fails_its_item_alone(item: Item, tmp_path: Path) -> None:
    pool = RayPool(FakeRay(), build_reader, workers=1)
    pool.wait(0)
    missing = replace(item, files=(str(tmp_path / "photos" / "b.png"),))
    pool.submit(missing)
    (report,) = pool.wait(0)
    assert report.item == missing and isinstance(report.outcome, Failed)
    assert "b.png' does not exist" in report.outcome.error and pool.idle == 1


def test_a_busy_worker_is_asked_for_progress(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_pool, "PROGRESS_EVERY_S", -1.0)
    ray = FakeRay(held={"perform", "progress"})
    pool = RayPool(ray, build_reader, workers=1)
    pool.wait(0)
    pool.submit(item)
    assert pool.wait(0) == []
    ray.held.remove("progress")
    assert pool.wait(0) == []  # before the first
    ray.actors[0].worker._set_progress((64, 3, 9))
    assert pool.wait(0) == [Report(item, Progress((64, 3, 9)))]


def test_a_worker_that_dies_is_replaced_and_is_not_asked_any_more(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    """The news of a death, and of a question to the same worker, may come in at once."""
    monkeypatch.setattr(ray_pool, "PROGRESS_EVERY_S", -1.0)
    ray = FakeRay(held={"perform", "progress"})
    pool = RayPool(ray, build_reader, workers=1)
    pool.wait(0)
    pool.submit(item)
    assert pool.wait(0) == []
    ray.actors[0].is_dead = True
    assert pool.wait(0) == [Report(item, Lost("Worker exit type: SYSTEM_ERROR"))]
    assert pool.wait(0) == [] and pool.idle == 1 and len(ray.actors) == 2
    ray.held.clear()
    pool.submit(item)
    assert [type(report.outcome) for report in pool.wait(0)][-1] is Finished


def test_workers_that_cannot_start_end_the_pool() -> None:
    with pytest.raises(DeviceError, match="no such device"):
        RayPool(FakeRay(), refuse, workers=1).wait(0)
    ray = FakeRay(held={"start"})
    pool = RayPool(ray, build_reader, workers=2)

    def wait_while_all_die() -> None:
        for actor in ray.actors:
            actor.is_dead = True
        pool.wait(0)

    wait_while_all_die()
    wait_while_all_die()
    with pytest.raises(ClusterError, match="no worker of the cluster can start: Worker exit type"):
        wait_while_all_die()
    assert len(ray.actors) == 7  # two, and five in their places


@pytest.mark.parametrize(
    ("cpus", "gpus", "given", "count", "needs"),
    [
        ((2,), 0, {}, 2, {"num_cpus": 1}),
        ((16, 4), 0, {}, 10, {"num_cpus": 2}),
        ((16,), 0, {"cores": 3}, 5, {"num_cpus": 3}),
        ((16,), 2, {}, 2, {"num_gpus": 1, "num_cpus": 1}),
        ((16,), 2, {"use_gpus": False}, 4, {"num_cpus": 4}),
        ((2,), 0, {"workers": 7, "cores": 4}, 7, {"num_cpus": 4}),
    ],
)
def test_as_many_workers_as_there_is_room_for(
    cpus: tuple[int, ...], gpus: int, given: dict[str, Any], count: int, needs: dict[str, int]
) -> None:
    ray = FakeRay(cpus=cpus, gpus=gpus)
    RayPool(ray, build_reader, **given)
    assert len(ray.actors) == count and ray.options[0].items() >= needs.items()
    with pytest.raises(ClusterError, match="each takes 3 CPU cores .* have 2 and 1 CPU cores and no GPUs"):
        RayPool(FakeRay(cpus=(2, 1)), build_reader, cores=3)


def test_what_was_asked_and_what_there_is_are_said_while_no_worker_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ray_pool, "WARN_AFTER_S", -1.0)
    pool = RayPool(FakeRay(cpus=(2, 1), held={"start"}), build_reader, workers=7, cores=4)
    pool.wait(0)
    assert "7 were asked for, each takes 4 CPU cores (--cores-per-worker) of one machine" in caplog.text
    assert "the cluster's machines have 2 and 1 CPU cores and no GPUs" in caplog.text


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("The actor is dead. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker unex", "type: SYSTEM_ERROR"),
        ("creation task failed.\n ray::RayWorker()\nModuleNotFoundError: No module named 'impasto'", "No module named"),
        ("something new", "something new"),
    ],
)
def test_a_death_in_few_words(page: str, reason: str) -> None:
    assert reason in describe_death(RuntimeError(page)) and len(describe_death(RuntimeError(page * 9))) <= 160

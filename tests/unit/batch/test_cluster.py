"""A Ray cluster: what a wrong address gives, and what is told of a worker's death."""

import socket
import sys
import threading
from types import SimpleNamespace

import pytest

from impasto.batch import cluster
from impasto.batch.cluster import check_address, connect, describe_death
from impasto.batch.jobs import Job
from impasto.batch.reports import Lost
from impasto.errors import ClusterError, MissingExtraError
from impasto.recipe import Recipe


def test_without_ray_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match="ray is not installed") as caught:
        connect(None)
    assert 'pip install "impasto[cluster]"' in caught.value.mend and caught.value.exit_code == 2


@pytest.mark.parametrize("address", ["nowhere", "host:port", "http://host:6379", ":6379", "ray://host:1"])
def test_a_malformed_address_is_refused(address: str) -> None:
    with pytest.raises(ClusterError, match="malformed; expected host:port"):
        check_address(address)


def test_nobody_at_the_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ClusterError, match=f"there is no Ray cluster at '127.0.0.1:{port}' .*refused"):
        check_address(f"127.0.0.1:{port}")


def test_something_else_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray, which would try for forty seconds, is not waited for."""
    tried = threading.Event()
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=lambda **how: tried.wait(60)))
    monkeypatch.setattr(cluster, "ANSWER_S", 0.1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ClusterError, match=r"no answer within 0\.1 s"):
            connect(f"127.0.0.1:{other.getsockname()[1]}")
    tried.set()


def test_ray_may_take_fifteen_seconds_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cluster.CONNECT_S + cluster.ANSWER_S < 15

    def refuse(**how: object) -> None:
        raise ConnectionError("versions\ndiffer")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=refuse))
    with pytest.raises(ClusterError, match=r"there is no Ray cluster at 'auto' \(versions differ\)"):
        connect("auto")


def test_a_worker_that_dies_takes_its_looks_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """The news of a death, and of a look at the same worker, may come in at once."""

    class RayError(Exception):
        pass

    def get(reference: str) -> None:
        raise RayError("Worker exit type: SYSTEM_ERROR")

    job = Job("a.png", ("b.png",), "a_b.png", Recipe())
    worker = cluster._Worker(actor=None, is_ready=True, job=job)
    crew = cluster.RayCrew.__new__(cluster.RayCrew)
    crew._ray = SimpleNamespace(
        wait=lambda found, **more: (found, []), get=get, exceptions=SimpleNamespace(RayError=RayError)
    )
    crew._workers, crew._pending, crew._looks = [worker], {"paint": worker}, {"look": worker}
    crew._early, crew._alone_s, crew._stillborn = [], None, 0
    monkeypatch.setattr(crew, "_look", lambda: None)
    monkeypatch.setattr(crew, "_start", lambda: None)
    assert crew.wait(1) == [Lost(job, "Worker exit type: SYSTEM_ERROR")]
    assert not crew._workers and not crew._looks


@pytest.mark.parametrize(
    ("address", "given", "used"),
    [
        (None, None, "auto"),
        ("10.9.9.9:6379", None, "auto"),
        ("localhost:6379", None, "auto"),
        ("localhost:6379", "10.9.9.8:6379", "localhost:6379"),
        (None, "10.9.9.8:6379", "10.9.9.8:6379"),
        (None, "10.9.9.9:6379", "auto"),
        ("10.9.9.9:6380", None, "10.9.9.9:6380"),
        ("local", None, "local"),
    ],
)
def test_the_cluster_of_this_machine_is_found_by_any_of_its_names(
    address: str | None, given: str | None, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=lambda address, **how: seen.append(address)))
    monkeypatch.setattr(cluster, "_running_here", lambda: "10.9.9.9:6379")
    monkeypatch.setattr(cluster, "check_address", lambda address: None)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if given:
        monkeypatch.setenv("RAY_ADDRESS", given)
    connect(address)
    assert seen == [used]


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("The actor is dead. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker unex", "type: SYSTEM_ERROR"),
        ("creation task failed.\n ray::Hand()\nModuleNotFoundError: No module named 'impasto'", "No module named"),
        ("something new", "something new"),
    ],
)
def test_a_death_in_few_words(page: str, told: str) -> None:
    assert told in describe_death(RuntimeError(page)) and len(describe_death(RuntimeError(page * 9))) <= 160

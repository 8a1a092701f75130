"""A Ray cluster: what a wrong address gives, and what is told of a worker's death."""

import socket
import sys

import pytest

from impasto.batch import cluster
from impasto.batch.cluster import check_cluster, connect, describe_death
from impasto.errors import ClusterError, MissingExtraError


def test_without_ray_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match="ray is not installed") as caught:
        connect(None)
    assert 'pip install "impasto[cluster]"' in caught.value.mend and caught.value.exit_code == 2


@pytest.mark.parametrize("address", ["nowhere", "host:port", "http://host:6379", ":6379", "ray://host"])
def test_a_malformed_address_is_refused(address: str) -> None:
    with pytest.raises(ClusterError, match="malformed; expected host:port"):
        check_cluster(address)


def test_nobody_at_the_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ClusterError, match=f"there is no Ray cluster at '127.0.0.1:{port}' .*refused"):
        check_cluster(f"127.0.0.1:{port}")


def test_something_else_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setattr(cluster, "ANSWER_S", 0.5)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ClusterError, match=r"no answer within 0\.5 s"):
            check_cluster("127.0.0.1:%d" % other.getsockname()[1])
    assert cluster.CONNECT_S + cluster.ANSWER_S < 15


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

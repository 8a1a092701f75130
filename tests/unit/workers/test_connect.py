"""The connection to a Ray cluster: which one is chosen, and how a wrong address is refused."""

import socket
import sys
import threading
from types import SimpleNamespace

import pytest

from impasto.errors import ClusterError, MissingExtraError
from impasto.workers import connect as module
from impasto.workers.connect import check_address, connect


def test_without_ray_the_message_has_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match="ray is not installed") as caught:
        connect(None)
    assert 'pip install "impasto[cluster]"' in caught.value.hint and caught.value.exit_code == 2


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
    monkeypatch.setattr(module, "ANSWER_S", 0.1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ClusterError, match=r"no answer within 0\.1 s"):
            connect(f"127.0.0.1:{other.getsockname()[1]}")
    tried.set()


def test_ray_may_take_fifteen_seconds_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.CONNECT_S + module.ANSWER_S < 15

    def refuse(**how: object) -> None:
        raise ConnectionError("versions\ndiffer")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=refuse))
    with pytest.raises(ClusterError, match=r"there is no Ray cluster at 'auto' \(versions differ\)"):
        connect("auto")


def test_a_temporary_folder_too_deep_for_sockets_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**how: object) -> None:
        raise OSError("validate_socket_filename failed: AF_UNIX path length cannot exceed 107 bytes: /tmp/aa/ray/x")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=refuse))
    with pytest.raises(ClusterError, match="its sockets would be too long") as caught:
        connect("local")
    assert "TMPDIR=/tmp" in caught.value.hint


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
    monkeypatch.setattr(module, "_find_local_cluster", lambda: "10.9.9.9:6379")
    monkeypatch.setattr(module, "check_address", lambda address: None)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if given:
        monkeypatch.setenv("RAY_ADDRESS", given)
    connect(address)
    assert seen == [used]

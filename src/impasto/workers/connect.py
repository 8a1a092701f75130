"""Connect to a Ray cluster: one at an address, the one of this machine, or a new one."""

import logging
import os
import re
import signal
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

from impasto.errors import ClusterError, MissingExtraError
from impasto.workers.processes import count_cores

CONNECT_S = 5.0
"""Seconds for the network to reach an address."""

ANSWER_S = 8.0
"""Seconds after that for Ray to answer there. Both together are less than the 15 s that a user waits."""


def connect(address: str | None) -> Any:
    """Return the module ray, connected to the cluster at the address, of RAY_ADDRESS, of this machine, or a new one.

    Raises MissingExtraError, and ClusterError, within 15 s, where a given address has no cluster.
    """
    # No usage statistics to Ray's makers, and no warning of Ray's to our users.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(
            "ray is not installed; expected it for --ray.",
            'Run: pip install "impasto[cluster]", or leave --ray out and give --jobs.',
        ) from error
    variable, here = os.environ.get("RAY_ADDRESS"), _find_local_cluster()
    chosen = address or variable or ("auto" if here else "local")
    if here and variable in (None, chosen) and _is_same_address(chosen, here):
        # Ray sends its token to a cluster that it found by itself, never to an address.
        chosen = "auto"
    if chosen == "local":
        _init(ray, chosen, num_cpus=count_cores(), include_dashboard=False)
        return ray
    if chosen != "auto":
        check_address(chosen)
    # Where nothing or something else answers, Ray itself would try for most of a minute.
    errors: list[BaseException] = []

    def init_and_record() -> None:
        try:
            _init(ray, chosen)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=init_and_record, daemon=True)
    thread.start()
    thread.join(ANSWER_S)
    if errors:
        raise errors[0]
    if thread.is_alive():
        raise _no_cluster(chosen, f"no answer within {ANSWER_S:g} s")
    return ray


def _init(ray: Any, address: str, **options: Any) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address, logging_level=logging.CRITICAL, log_to_driver=False, **options)
    except (OSError, RuntimeError, ValueError) as error:
        if "AF_UNIX path length" in str(error):
            raise ClusterError(
                f"Ray cannot start under {tempfile.gettempdir()!r}: the names of its sockets would be too long; "
                "expected a folder of at most about 30 letters.",
                "Set a shorter one: TMPDIR=/tmp impasto ...",
            ) from error
        raise _no_cluster(address, str(error)) from error
    finally:
        # Ray replaces the handler of SIGTERM.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def check_address(address: str) -> None:
    """Accept an address that something listens at. Raises ClusterError, within `CONNECT_S`."""
    found = re.fullmatch(r"\[?([^\[\]/]+?)\]?:(\d+)", address)
    if found is None:
        raise ClusterError(
            f"ray address {address!r} is malformed; expected host:port, auto or local.",
            "Give --ray 10.0.0.1:6379, for example; `ray start --head` prints the address.",
        )
    try:
        socket.create_connection((found[1], int(found[2])), timeout=CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, str(error)) from error


def _find_local_cluster() -> str | None:
    """Return the address of the cluster that `ray start --head` started on this machine, if it still runs."""
    try:
        address = Path(tempfile.gettempdir(), "ray", "ray_current_cluster").read_text("utf-8").strip()
        host, _, port = address.rpartition(":")
        socket.create_connection((host, int(port)), timeout=1).close()
    except (OSError, ValueError):
        return None
    return address


def _is_same_address(address: str, here: str) -> bool:
    host, port = here.rsplit(":", 1)
    return address in {f"{name}:{port}" for name in (host, "127.0.0.1", "localhost")}


def _no_cluster(address: str, reason: str) -> ClusterError:
    return ClusterError(
        f"there is no Ray cluster at {address!r} ({' '.join(reason.split())}); expected one that runs.",
        "Start it with `ray start --head`, which prints its address; set RAY_AUTH_MODE=token if it wants a token; or "
        "give --ray alone for one on this machine.",
    )

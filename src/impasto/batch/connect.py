"""The way to a Ray cluster: one that is named, that of this machine, or a new one."""

import logging
import os
import re
import signal
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

from impasto.batch.local import count_cores
from impasto.errors import ClusterError, MissingExtraError

INSTALL = 'pip install "impasto[cluster]"'

CONNECT_S = 5.0
"""Seconds for the network to reach an address."""

ANSWER_S = 8.0
"""Seconds after that for Ray to answer there. Together within the 15 s after which a user gives up."""


def connect(address: str | None) -> Any:
    """The module ray, connected to the cluster at the address, of RAY_ADDRESS, of this machine, or to a new one here.

    Raises MissingExtraError, and ClusterError, within 15 s, where there is no cluster at an address that was named.
    """
    # No word to Ray's makers about us, and none of its own to our users.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(
            "ray is not installed; expected it for --ray.", f"Run: {INSTALL}, or leave --ray out and give --jobs."
        ) from error
    given, here = os.environ.get("RAY_ADDRESS"), _running_here()
    named = address or given or ("auto" if here else "local")
    if here and given in (None, named) and _is_same_place(named, here):
        # Ray shows its token to a cluster that it found by itself, never to an address.
        named = "auto"
    if named == "local":
        _init(ray, named, num_cpus=count_cores(), include_dashboard=False)
        return ray
    if named != "auto":
        check_address(named)
    # Where something else answers, or nothing, Ray itself would try for most of a minute.
    errors: list[BaseException] = []
    thread = threading.Thread(target=_init_noting, args=(ray, named, errors), daemon=True)
    thread.start()
    thread.join(ANSWER_S)
    if errors:
        raise errors[0]
    if thread.is_alive():
        raise _no_cluster(named, f"no answer within {ANSWER_S:g} s")
    return ray


def _init(ray: Any, named: str, **own: Any) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=named, logging_level=logging.CRITICAL, log_to_driver=False, **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _no_cluster(named, str(error)) from error
    finally:
        # Ray takes SIGTERM for itself.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def _init_noting(ray: Any, named: str, errors: list[BaseException]) -> None:
    try:
        _init(ray, named)
    except BaseException as error:
        errors.append(error)


def check_address(address: str) -> None:
    """Accept an address at which somebody listens. Raises ClusterError, soon."""
    found = re.fullmatch(r"\[?([^\[\]/]+?)\]?:(\d+)", address)
    if found is None:
        raise ClusterError(
            f"ray address {address!r} is malformed; expected host:port, auto or local.",
            "Give --ray 10.0.0.1:6379, for example; `ray start --head` tells the address.",
        )
    try:
        socket.create_connection((found[1], int(found[2])), timeout=CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, str(error)) from error


def _running_here() -> str | None:
    """The address of a cluster that `ray start --head` began on this machine, if it is still there."""
    try:
        address = Path(tempfile.gettempdir(), "ray", "ray_current_cluster").read_text("utf-8").strip()
        host, _, port = address.rpartition(":")
        socket.create_connection((host, int(port)), timeout=1).close()
    except (OSError, ValueError):
        return None
    return address


def _is_same_place(named: str, here: str) -> bool:
    host, port = here.rsplit(":", 1)
    return named in {f"{name}:{port}" for name in (host, "127.0.0.1", "localhost")}


def _no_cluster(address: str, why: str) -> ClusterError:
    return ClusterError(
        f"there is no Ray cluster at {address!r} ({' '.join(why.split())}); expected one that runs.",
        "Start it with `ray start --head`, which tells its address; set RAY_AUTH_MODE=token if it wants a token; or "
        "give --ray alone for one on this machine.",
    )

"""The server: a socket on an address of this machine, and the application behind it until a signal ends it."""

import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from impasto.errors import OutputError

PORT = 8421

CONNECTIONS = 512
"""Requests and streams at once; more are answered with 503."""

KEEP_ALIVE_S = 20


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address; port 0 is any free one. Raises OutputError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
            listening.listen(1024)
        except BaseException:
            listening.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OutputError(
                f"port {port} of {host} is taken by another program; expected a free one.",
                "Give another one: --port 8422, or --port 0 for any that is free.",
            ) from error
        if error.errno == errno.EACCES:
            raise OutputError(
                f"port {port} of {host} may not be used ({error.strerror}); expected one from 1024 on.",
                "Give --port 8421.",
            ) from error
        raise OutputError(
            f"host {host!r} cannot be bound ({error.strerror or error}); expected an address of this machine.",
            "Give --host 127.0.0.1, or 0.0.0.0 for all addresses.",
        ) from error
    return listening


def serve(app: Any, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    """Answer requests until SIGINT or SIGTERM. on_ready: called once it answers."""
    config = uvicorn.Config(
        app,
        log_level="critical",  # the guard reports what fails
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,  # event streams never end by themselves
        lifespan="on",
    )
    server = _Server(config, on_ready)
    with _ending(server):
        server.run(sockets=[listening])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals as they are; `_ending` has them."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()


@contextmanager
def _ending(server: uvicorn.Server) -> Iterator[None]:
    """End the server by SIGINT, SIGTERM and a closed terminal within the block, where this is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as `nohup` sets
        numbers.append(signal.SIGHUP)
    handlers = [signal.signal(number, server.handle_exit) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)

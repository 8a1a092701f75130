"""Server-sent events: what happens in the studio, for every open page."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from impasto.studio.refusal import Refusal

ALIVE_S = 15.0
"""Seconds of silence after which a comment is sent, so that nobody between closes the connection."""

BACKLOG = 1000
"""Events that a slow page may lag behind before its stream is closed; it then opens another and asks for everything."""

EVERYONE = "*"
"""The gallery of events that all pages see."""


class Stream:
    """The events of one page, in order; of a job only the newest is held."""

    def __init__(self, gallery: str, loop: asyncio.AbstractEventLoop) -> None:
        self.gallery = gallery
        self._loop, self._woken = loop, asyncio.Event()
        self._events: dict[tuple[str, str], str] = {}
        self._order: deque[tuple[str, str]] = deque()

    def put(self, name: str, key: str, text: str) -> None:
        """Add an event; from any thread. key: what it is about, such as a job's id."""
        with suppress(RuntimeError):  # the server ends
            self._loop.call_soon_threadsafe(self._add, name, key, text)

    def _add(self, name: str, key: str, text: str) -> None:
        if (name, key) not in self._events:
            self._order.append((name, key))
        self._events[name, key] = text
        self._woken.set()

    async def read(self) -> AsyncIterator[str]:
        """Yield the events as text, and comments while nothing happens, until the page lags too far behind."""
        yield ": welcome\n\n"
        while len(self._order) <= BACKLOG:
            try:
                await asyncio.wait_for(self._woken.wait(), ALIVE_S)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            self._woken.clear()
            while self._order:
                key = self._order.popleft()
                yield f"event: {key[0]}\ndata: {self._events.pop(key)}\n\n"


class Events:
    """All open streams. most: how many there may be."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._streams: list[Stream] = []

    def open(self, gallery: str) -> Stream:
        """Return a new stream of a gallery; call it in the server's loop. Raises Refusal."""
        if len(self._streams) >= self._most:
            raise Refusal(
                f"{self._most} pages follow the events already; expected at most {self._most}.",
                "Close some pages of the studio.",
                status=429,
                key="too-many-streams",
                values={"most": self._most},
            )
        stream = Stream(gallery, asyncio.get_running_loop())
        self._streams = [*self._streams, stream]
        return stream

    def close(self, stream: Stream) -> None:
        """Forget a stream."""
        self._streams = [each for each in self._streams if each is not stream]

    def galleries(self) -> set[str]:
        """Return the galleries that somebody follows."""
        return {stream.gallery for stream in self._streams}

    def has_readers(self, gallery: str) -> bool:
        """Return whether somebody follows a gallery."""
        return gallery in self.galleries()

    def send(self, gallery: str, name: str, values: Mapping[str, Any], key: str = "") -> None:
        """Send an event to all pages of a gallery; from any thread."""
        streams = [each for each in self._streams if gallery in (each.gallery, EVERYONE)]
        text = json.dumps(values) if streams else ""
        for stream in streams:
            stream.put(name, key, text)

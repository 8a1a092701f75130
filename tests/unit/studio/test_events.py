"""Server-sent events: in order, the newest of a job, to those who may see them."""

import asyncio

import pytest

from impasto.studio import events
from impasto.studio.events import EVERYONE, Events
from impasto.studio.refusal import Refusal


def read(sent: Events, gallery: str, count: int, act: object = None) -> list[str]:
    """The first texts of a new stream after `act`."""

    async def follow() -> list[str]:
        stream = sent.open(gallery)
        if callable(act):
            act()
        texts = [text async for text in _first(stream.read(), count)]
        sent.close(stream)
        return texts

    return asyncio.run(follow())


async def _first(texts, count):  # type: ignore[no-untyped-def]
    async for text in texts:
        yield text
        count -= 1
        if count == 0:
            return


def test_of_a_job_the_newest_event_is_sent() -> None:
    sent = Events(5)

    def act() -> None:
        sent.send("main", "job", {"step": 1}, "a")
        sent.send("main", "job", {"step": 1}, "b")
        sent.send("main", "job", {"step": 2}, "a")
        sent.send("other", "job", {"step": 9}, "c")
        sent.send(EVERYONE, "disk", {"free": 0})

    assert read(sent, "main", 4, act) == [
        ": welcome\n\n",
        'event: job\ndata: {"step": 2}\n\n',
        'event: job\ndata: {"step": 1}\n\n',
        'event: disk\ndata: {"free": 0}\n\n',
    ]
    assert not sent.galleries()


def test_a_silent_stream_sends_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "ALIVE_S", 0.001)
    assert read(Events(1), "main", 2)[1] == ": still here\n\n"


def test_a_page_that_lags_behind_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BACKLOG", 2)
    sent = Events(1)

    def act() -> None:
        for number in range(5):
            sent.send("main", "job", {}, str(number))

    async def follow() -> int:
        stream = sent.open("main")
        act()
        await asyncio.sleep(0)
        return len([text async for text in stream.read()])

    assert asyncio.run(follow()) == 1


def test_too_many_streams_are_refused() -> None:
    async def open_two() -> None:
        sent = Events(1)
        sent.open("main")
        with pytest.raises(Refusal, match="expected at most 1") as refused:
            sent.open("main")
        assert refused.value.status == 429

    asyncio.run(open_two())

"""What the guard lets through to the app, what it answers itself, and the headers of all answers."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from impasto.studio.access import Access
from impasto.studio.guard import Guard, Message, Receive, Scope, Send
from impasto.studio.limits import Limits

TOKEN = "t" * 43
OURS = {"host": "127.0.0.1:8421"}
PAGE = {**OURS, "origin": "http://127.0.0.1:8421", "sec-fetch-site": "same-origin"}


@dataclass
class Answer:
    """What came out of the guard, and what the app saw."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    seen: list[Scope] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    @property
    def key(self) -> str:
        values = json.loads(self.body)
        assert set(values) == {"error", "hint", "key", "field", "values"} and values["error"] and values["hint"]
        return str(values["key"])


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that reads the body and answers its length, as a type that a browser would run."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    headers = [(b"content-type", b"text/html"), (b"server", b"x"), (b"access-control-allow-origin", b"*")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": str(size).encode()})


def ask(
    method: str = "GET",
    path: str = "/api/jobs",
    headers: Mapping[str, str] | list[tuple[str, str]] = OURS,
    body: tuple[bytes, ...] = (b"",),
    *,
    app: Any = echo,
    limits: Limits | None = None,
    **access: Any,
) -> Answer:
    answer = Answer()

    async def sleep(seconds: float) -> None:
        answer.delays.append(seconds)

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        answer.seen.append(scope)
        await app(scope, receive, send)

    async def run() -> None:
        parts: list[bytes] = []

        async def receive() -> Message:
            part = parts.pop(0) if parts else None
            if part is None:
                await asyncio.sleep(60)
            if part == b"gone":
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": part, "more_body": len(body) > 1}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
                assert len(answer.headers) == len(message["headers"])
            else:
                answer.body += message["body"]

        guard = Guard(watched, access=Access(port=8421, **access), limits=limits or Limits(), sleep=sleep)
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs]
        scope = {"type": "http", "method": method, "path": path, "headers": raw, "client": ("10.0.0.9", 5)}
        for _ in range(3 if "again" in dict(pairs) else 1):
            answer.body = b""
            parts[:] = body
            await guard(scope, receive, send)

    asyncio.run(run())
    return answer


def test_every_answer_has_the_headers_and_none_that_opens() -> None:
    for answer in (ask(), ask(path="/"), ask(headers={"host": "evil.example"})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "server" not in answer.headers and "access-control-allow-origin" not in answer.headers
    assert ask().headers["cache-control"] == "no-store"


def test_the_api_never_answers_what_a_browser_runs() -> None:
    answer = ask()
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    assert ask(path="/").headers["content-type"] == "text/html"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:80", "", "127.0.0.1:8421@evil.example"])
def test_a_foreign_host_is_refused(host: str) -> None:
    answer = ask(headers={"host": host})
    assert (answer.status, answer.key, answer.seen) == (403, "guard-host", [])
    forwarded = {"host": host, "x-forwarded-host": "127.0.0.1:8421", "forwarded": "host=127.0.0.1:8421"}
    assert ask(headers=forwarded).status == 403


def test_a_header_that_decides_is_given_once() -> None:
    answer = ask(headers=[("host", "127.0.0.1:8421"), ("host", "evil.example")])
    assert (answer.status, answer.key) == (400, "guard-headers")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1:8421"}, 200),
        ({"origin": "http://127.0.0.1:8421", "sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "same-origin"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "http://localhost:8421"}, 403),
        ({"origin": "http://127.0.0.1:8421", "sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://127.0.0.1:8421.evil.example"}, 403),
    ],
)
def test_changes_come_from_our_page_or_from_no_browser(method: str, headers: dict[str, str], status: int) -> None:
    answer = ask(method, headers={**OURS, **headers})
    assert answer.status == status and bool(answer.seen) is (status == 200)


def test_pages_of_others_may_only_link_to_ours() -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert ask(path="/", headers={**OURS, **link}).status == 200
    assert ask(path="/api/jobs", headers={**OURS, **link}).status == 403
    for site in ("cross-site", "same-site"):
        picture = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
        assert ask(path="/api/pictures/1", headers={**OURS, **picture}).key == "guard-origin"


@pytest.mark.parametrize("method", ["OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND"])
def test_other_methods_are_refused(method: str) -> None:
    assert ask(method).status == 405


@pytest.mark.parametrize("path", ["/static/../api/jobs", "/static/..", "/static/a\\b", "/\0"])
def test_a_path_that_climbs_is_refused(path: str) -> None:
    assert (ask(path=path).status, ask(path=path).seen) == (400, [])


def test_a_token_opens_its_gallery_by_header_or_cookie() -> None:
    tokens = {TOKEN: "ann", "u" * 43: "bob"}
    bearer = {**OURS, "authorization": f"Bearer {TOKEN}"}
    assert ask(headers=bearer, tokens=tokens).seen[0]["gallery"] == "ann"
    cookie = {**OURS, "cookie": f"a=b; impasto-8421={'u' * 43}"}
    assert ask(headers=cookie, tokens=tokens).seen[0]["gallery"] == "bob"
    assert ask().seen[0]["gallery"] == "main"


@pytest.mark.parametrize("path", ["/api/jobs", "/openapi.json", "/docs", "/staticfile", "//", "/api/pictures/1"])
def test_without_a_token_only_the_page_is_served(path: str) -> None:
    tokens = {TOKEN: "ann"}
    answer = ask(path=path, tokens=tokens)
    assert (answer.status, answer.key, answer.seen) == (401, "guard-token", [])
    assert answer.delays == []
    for page in ("/", "/static/app.js", "/favicon.ico"):
        assert ask(path=page, tokens=tokens).status == 200


def test_wrong_tokens_are_answered_ever_later() -> None:
    headers = {**OURS, "authorization": f"Bearer {'w' * 43}", "again": "1"}
    answer = ask(headers=headers, tokens={TOKEN: "ann"})
    assert answer.status == 401 and answer.delays == [0.5, 1.0, 2.0]


def test_login_sets_a_cookie_that_scripts_cannot_read() -> None:
    tokens = {TOKEN: "ann"}
    answer = ask("POST", "/api/login", {**PAGE, "authorization": f"Bearer {TOKEN}"}, tokens=tokens)
    assert answer.status == 204 and answer.body == b"" and answer.seen == []
    assert answer.headers["set-cookie"] == f"impasto-8421={TOKEN}; Path=/; HttpOnly; SameSite=Strict"
    assert ask("POST", "/api/login", PAGE, tokens=tokens).status == 401
    proxied = {"host": "studio.example", "origin": "https://studio.example", "authorization": f"Bearer {TOKEN}"}
    answer = ask("POST", "/api/login", proxied, tokens=tokens, allowed_hosts=("studio.example",))
    assert answer.headers["set-cookie"].endswith("; Secure")


def test_a_body_is_refused_by_its_length_or_when_it_has_grown_too_large() -> None:
    limits = Limits(body_bytes=10, upload_bytes=100)
    answer = ask("POST", "/api/jobs", {**OURS, "content-length": "11"}, limits=limits)
    assert (answer.status, answer.key, answer.seen) == (413, "guard-body", [])
    answer = ask("POST", "/api/jobs", OURS, (b"x" * 6, b"x" * 6), limits=limits)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert ask("POST", "/api/pictures", {**OURS, "content-length": "101"}, limits=limits).status == 200
    assert ask("POST", "/api/pictures", {**OURS, "content-length": "70000"}, limits=limits).status == 413
    assert ask("POST", "/api/jobs", {**OURS, "content-length": "-1"}, limits=limits).status == 400


def test_an_app_that_answers_a_broken_body_otherwise_is_overruled() -> None:
    async def swallow(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await echo(scope, receive, send)
        except Exception:
            await send({"type": "http.response.start", "status": 400, "headers": []})
            await send({"type": "http.response.body", "body": b"no"})

    answer = ask("POST", "/api/jobs", OURS, (b"x" * 6, b"x" * 6), app=swallow, limits=Limits(body_bytes=10))
    assert (answer.status, answer.key) == (413, "guard-body")


def test_a_body_that_does_not_come_and_an_answer_that_does_not_begin_are_given_up() -> None:
    answer = ask("POST", "/api/jobs", OURS, (b"x", b"x"), limits=Limits(idle_s=0.01))
    assert (answer.status, answer.key) == (408, "guard-late")

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.sleep(60)

    answer = ask(app=slow, limits=Limits(request_s=0.01))
    assert (answer.status, answer.key) == (503, "guard-slow")


def test_an_error_of_ours_is_answered_without_its_text() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("/home/ann/secret")

    answer = ask(app=broken)
    assert (answer.status, answer.key) == (500, "guard-failed") and b"secret" not in answer.body


def test_a_connection_that_breaks_off_is_nothing_to_warn_of(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        raise RuntimeError("the client is gone")

    assert ask("POST", "/api/jobs", OURS, (b"x", b"gone"), app=broken).status == 0
    assert caplog.records == []


def test_open_event_streams_are_counted() -> None:
    answer = ask(path="/api/events", limits=Limits(streams=0))
    assert (answer.status, answer.key) == (429, "guard-streams")
    assert ask(path="/api/events", headers={**OURS, "again": "1"}, limits=Limits(streams=1)).status == 200


def test_a_web_socket_is_closed() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/api/events", "headers": []}
    asyncio.run(Guard(echo, access=Access(port=1), limits=Limits())(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]

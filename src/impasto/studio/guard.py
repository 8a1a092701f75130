"""The guard in front of the studio: who may ask, from which page, how much and how long; and what answers forbid.

It is ASGI middleware of its own, the outermost layer, so that no handler can be reached around it.
"""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from impasto.studio.access import MAIN, Access
from impasto.studio.limits import Limits
from impasto.studio.refusal import Refusal, error_body
from impasto.studio.rules import check_site, check_target, guarded_headers, is_page, read_headers

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

GALLERY = "gallery"
"""Key of the ASGI scope: the gallery that the request may see."""

LOGIN, UPLOAD, FILMS, EVENTS = "/api/login", "/api/pictures", "/api/films", "/api/events"

FORM_BYTES = 65_536
"""Of an upload beside the file: boundaries and headers of its form."""

FIRST_DELAY_S, LONGEST_DELAY_S, MOST_DELAYED = 0.5, 8.0, 16
"""A wrong token is answered after a pause, twice as long after each; so many answers wait at once."""

READ_ON_S = 1.0
"""Seconds in which the rest of a body that is too large is read."""

MOST_ADDRESSES = 1_000
"""Addresses whose wrong tokens are counted."""


class Guard:
    """An ASGI app that lets through to another what the rules allow.

    access: names and tokens. limits: of requests. sleep: waits for seconds, before a wrong token is answered.
    """

    def __init__(
        self,
        app: App,
        *,
        access: Access,
        limits: Limits,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._app, self._access, self._limits, self._sleep = app, access, limits, sleep
        self._streams = self._delayed = 0
        self._wrong: OrderedDict[str, int] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the app do it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            answer = _Answer(scope, send, self._limits)
            try:
                await self._pass(scope, receive, answer)
            except Refusal as error:
                if error.status == 413:
                    await _read_on(receive)
                await answer.refuse(error)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _pass(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        headers = read_headers(scope)
        self._check_host(headers)
        path, method = scope["path"], scope["method"]
        check_target(path, method)
        check_site(headers, method, path)
        gallery = MAIN
        if self._access.tokens and (path == LOGIN or not is_page(path)):
            gallery = await self._check_token(scope, headers)
        if path == LOGIN and method == "POST":
            await answer.send_cookie(self._cookie(headers))
            return
        uploads = {UPLOAD: self._limits.upload_bytes, FILMS: self._limits.film_bytes} if method == "POST" else {}
        body = _Body(receive, headers, self._limits, upload_bytes=uploads.get(path))
        is_stream = path == EVENTS
        if is_stream and self._streams >= self._limits.streams:
            raise Refusal(
                f"{self._streams} event streams are open; expected at most {self._limits.streams}.",
                "Close other windows of the studio.",
                status=429,
                key="guard-streams",
            )
        self._streams += is_stream
        try:
            await self._run({**scope, GALLERY: gallery}, body, answer)
        finally:
            self._streams -= is_stream

    async def _run(self, scope: Scope, body: "_Body", answer: "_Answer") -> None:
        try:
            async with asyncio.timeout(self._limits.request_s) as timer:
                await self._app(scope, body.receive, answer.watched(body, timer))
        except Refusal:
            raise
        except Exception as error:
            if timer.expired():
                raise _late(self._limits.request_s, body.is_complete) from error
            if body.is_broken_off:
                return  # nobody waits for an answer
            if body.problem is None:
                logger.exception("%s %s failed", scope["method"], scope["path"])
                raise Refusal(
                    "the studio failed at this request.",
                    "See its messages in the terminal.",
                    status=500,
                    key="guard-failed",
                ) from error
        if body.problem is not None:
            raise body.problem

    def _check_host(self, headers: Mapping[str, str]) -> None:
        host = headers.get("host", "")
        if not self._access.allows_host(host):
            raise Refusal(
                f"Host is {host!r:.100}; expected 127.0.0.1:{self._access.port}, or a name of --allow-host.",
                "Open the address that the studio printed, or start it with --allow-host NAME.",
                status=403,
                key="guard-host",
            )

    async def _check_token(self, scope: Scope, headers: Mapping[str, str]) -> str:
        token = self._find_token(headers)
        if token is None:
            raise _no_token("no token is given")
        gallery = self._access.find_gallery(token)
        if gallery is None:
            await self._delay(str((scope.get("client") or ("",))[0]))
            raise _no_token("the token is wrong")
        return gallery

    def _find_token(self, headers: Mapping[str, str]) -> str | None:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return token.strip()
        for part in headers.get("cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == self._cookie_name:
                return value
        return None

    async def _delay(self, address: str) -> None:
        if self._delayed >= MOST_DELAYED:
            raise Refusal("too many wrong tokens at once.", "Wait a little.", status=429, key="guard-tries")
        tries = self._wrong.pop(address, 0)
        self._wrong[address] = tries + 1
        if len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)
        self._delayed += 1
        try:
            await self._sleep(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(tries, 10)))
        finally:
            self._delayed -= 1

    @property
    def _cookie_name(self) -> str:
        return f"impasto-{self._access.port}"  # browsers send cookies to all ports of a host

    def _cookie(self, headers: Mapping[str, str]) -> str:
        token = self._find_token(headers) or ""
        # Behind a proxy only the browser knows that its side is encrypted.
        secure = "; Secure" if headers.get("origin", "").startswith("https:") else ""
        return f"{self._cookie_name}={token}; Path=/; HttpOnly; SameSite=Strict{secure}"


async def _read_on(receive: Receive) -> None:
    """Read and forget what still comes of a body that is too large: who is cut off while sending sees no answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(READ_ON_S):
            while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                pass


class _Body:
    """The body of a request: no longer than allowed, and not too slow.

    problem: what was wrong with it; the app may have answered something else. is_complete: whether all of it came.
    is_broken_off: whether the connection ended.
    """

    def __init__(
        self, receive: Receive, headers: Mapping[str, str], limits: Limits, *, upload_bytes: int | None
    ) -> None:
        self._receive, self._limits, self._taken = receive, limits, 0
        self._most = limits.body_bytes if upload_bytes is None else upload_bytes + FORM_BYTES
        self._shown = limits.body_bytes if upload_bytes is None else upload_bytes
        self.problem: Refusal | None = None
        self.is_complete = self.is_broken_off = False
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            raise Refusal(
                f"Content-Length is {length!r:.40}; expected bytes.", "Leave it out.", status=400, key="guard-length"
            )
        if int(length[:20]) > self._most:
            raise self._too_large()

    async def receive(self) -> Message:
        """Return the next message of the request. Raises Refusal."""
        if self.problem is not None:
            raise self.problem
        if self.is_complete:
            return self._noted(await self._receive())
        try:
            async with asyncio.timeout(self._limits.idle_s):
                message = await self._receive()
        except TimeoutError as error:
            self.problem = _late(self._limits.idle_s, is_complete=False)
            raise self.problem from error
        self._noted(message)
        self._taken += len(message.get("body", b""))
        if self._taken > self._most:
            self.problem = self._too_large()
            raise self.problem
        self.is_complete = not message.get("more_body", False)
        return message

    def _noted(self, message: Message) -> Message:
        self.is_broken_off |= message["type"] == "http.disconnect"
        return message

    def _too_large(self) -> Refusal:
        return Refusal(
            f"the request is larger than {self._shown:,} bytes; expected at most that.",
            "Send a smaller picture.",
            values={"limit": self._shown},
            status=413,
            key="guard-body",
        )


class _Answer:
    """The answer to a request, with the headers that all have."""

    def __init__(self, scope: Scope, send: Send, limits: Limits) -> None:
        self._send, self._limits, self._path = send, limits, scope["path"]
        self._is_head = scope["method"] == "HEAD"
        self._is_begun = False

    def watched(self, body: _Body, timer: asyncio.Timeout) -> Send:
        """Return the app's `send`. From the first message on only the reader's pace is watched; where the body has a
        problem, nothing is sent, as `refuse` will."""

        async def send(message: Message) -> None:
            if body.problem is not None and not self._is_begun:
                return
            if not self._is_begun:
                timer.reschedule(None)
            await self._pass(message)

        return send

    async def refuse(self, error: Refusal) -> None:
        """Send an error. An answer that has begun is left unfinished, at which servers close the connection."""
        if self._is_begun:
            logger.info("%s: the answer breaks off: %s", self._path, error)
            return
        headers = [(b"content-type", b"application/json")]
        if error.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if error.status in (408, 413):
            headers.append((b"connection", b"close"))  # the rest of the body is not read
        await self._send_all(error.status, headers, json.dumps(error_body(error)).encode())

    async def send_cookie(self, cookie: str) -> None:
        """Send nothing but a cookie."""
        await self._send_all(204, [(b"set-cookie", cookie.encode("latin-1"))], b"")

    async def _send_all(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        if status != 204:
            headers.append((b"content-length", str(len(body)).encode()))
        await self._pass({"type": "http.response.start", "status": status, "headers": headers})
        await self._pass({"type": "http.response.body", "body": b"" if self._is_head else body})

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._is_begun = True
            message = {**message, "headers": guarded_headers(message.get("headers", ()), self._path)}
        try:
            async with asyncio.timeout(self._limits.idle_s):
                await self._send(message)
        except TimeoutError as error:
            raise _late(self._limits.idle_s, is_complete=False) from error


def _no_token(what: str) -> Refusal:
    return Refusal(
        f"{what}; expected the one behind # in the address that the studio printed, or of its --token-file.",
        "Open that address again; programs send the header Authorization: Bearer TOKEN.",
        status=401,
        key="guard-token",
    )


def _late(seconds: float, is_complete: bool) -> Refusal:
    if is_complete:
        return Refusal(
            f"the answer is not ready after {seconds:g} s; expected sooner.",
            "Try again later.",
            status=503,
            key="guard-slow",
        )
    return Refusal(
        f"the request did not arrive within {seconds:g} s.",
        "Check the connection and send it again.",
        status=408,
        key="guard-late",
    )

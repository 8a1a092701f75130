"""Access: the names under which the studio is reached, and the tokens that open its galleries."""

import hashlib
import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from impasto.errors import OutputError

MAIN = "main"
"""The gallery of a studio without tokens, and that of a token made at its start."""

TOKEN_BYTES = 32
"""256 bits: no number of tries finds one."""

MAKE_TOKEN = f'python -c "import secrets; print(secrets.token_urlsafe({TOKEN_BYTES}))"'

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where the studio listens, the names under which requests may ask for it, and its tokens.

    host, port: the address it is bound to. allowed_hosts: further names, of a proxy for example, with a port or for
    any. tokens: the gallery that each opens; none: everybody who reaches the server is let in.
    """

    port: int
    host: str = "127.0.0.1"
    allowed_hosts: tuple[str, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name in self.allowed_hosts:
            if not _HOST.fullmatch(name):
                raise OutputError(
                    f"allow-host is {name!r:.100}; expected a name as in an address, in small letters.",
                    "Give --allow-host studio.example, without http:// and without a path.",
                )

    def allows_host(self, asked: str) -> bool:
        """Return whether a request's Host is one of ours. Bound to all addresses, any number of one will do: pages of
        others can point a name at this machine, never its number."""
        found = _HOST.fullmatch(asked.lower())
        if found is None:
            return False
        name, port = found[1], int(found[2] or 80)
        if name in self.allowed_hosts or found[0] in self.allowed_hosts:
            return True
        own = name in _LOOPBACK or (_is_wildcard(self.host) and _is_number(name)) or name == _bracketed(self.host)
        return own and port == self.port

    def find_gallery(self, token: str) -> str | None:
        """Return the gallery of a token, None of a wrong one, in a time that tells nothing about the right ones."""
        given = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        opened = None
        for known, gallery in self.tokens.items():
            if hmac.compare_digest(hashlib.sha256(known.encode()).digest(), given):
                opened = gallery
        return opened

    def page_address(self, token: str = "") -> str:
        """Return the address of the page; a token stands behind `#`, which browsers do not send."""
        host = _own_address() if _is_wildcard(self.host) else self.host
        return f"http://{_bracketed(host)}:{self.port}/" + (f"#{token}" if token else "")


def is_loopback(host: str) -> bool:
    """Return whether an address to bind to is reached from this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def make_tokens() -> dict[str, str]:
    """Return one new token, of the main gallery."""
    return {secrets.token_urlsafe(TOKEN_BYTES): MAIN}


def read_tokens(path: Path) -> dict[str, str]:
    """Read tokens from a file, one a line, each with a gallery of its own; empty lines and # comments are left aside.

    Raises OutputError: no such file, no token in it, or one of less than 256 bits.
    """
    label = f"token file {str(path)!r}"
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(
            f"{label} cannot be read ({error}); expected a text file, a token a line.", f"Make one: {MAKE_TOKEN}"
        ) from error
    numbered = [(number, line.strip()) for number, line in enumerate(lines, start=1)]
    tokens = [(number, text) for number, text in numbered if text and not text.startswith("#")]
    for number, text in tokens:
        if not _TOKEN.fullmatch(text):
            raise OutputError(
                f"{label}, line {number} is no token; expected 43 or more of A-Z, a-z, 0-9, - and _ (256 bits).",
                f"Make one: {MAKE_TOKEN}",
            )
    if not tokens:
        raise OutputError(f"{label} has no token; expected one a line.", f"Make one: {MAKE_TOKEN}")
    return {text: hashlib.sha256(b"gallery " + text.encode()).hexdigest()[:16] for _, text in tokens}


def _is_wildcard(host: str) -> bool:
    return host in ("", "0.0.0.0", "::")


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host.lower()


def _own_address() -> str:
    """Return this machine's address in its network. Nothing is sent: the address is from the documentation's range."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"

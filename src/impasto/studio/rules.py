"""The rules of requests and answers: which methods, targets and pages are accepted, and what headers forbid."""

import logging
from collections.abc import Mapping
from typing import Any

from impasto.studio.refusal import Refusal

logger = logging.getLogger(__name__)

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")

SAFE_TYPES = (
    *("application/json", "application/toml", "text/plain", "text/event-stream", "application/octet-stream"),
    *("image/png", "image/jpeg", "image/webp", "image/gif", "image/tiff", "video/mp4", "application/zip"),
)
"""What answers of the API may be; anything else is sent as bytes to save."""

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; media-src 'self'; "
    "manifest-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
API_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"

HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=(), usb=(), payment=()",
}


def read_headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers by their names in small letters. Raises Refusal for two of one that decides something."""
    found: dict[str, str] = {}
    for name, value in ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]):
        if name in found and name == "cookie":
            value = f"{found[name]}; {value}"  # HTTP/2 may split it
        elif name in found and name in ("host", "origin", "authorization", "content-length", "sec-fetch-site"):
            raise Refusal(
                f"the header {name} is given twice; expected it once.", "Send one.", status=400, key="guard-headers"
            )
        found[name] = value
    return found


def check_target(path: str, method: str) -> None:
    if method not in METHODS:
        raise Refusal(
            f"the method is {method!r:.40}; expected one of {', '.join(METHODS)}.",
            "Send another.",
            status=405,
            key="guard-method",
        )
    if "\\" in path or "\0" in path or ".." in path.split("/"):
        raise Refusal(
            f"the path is {path!r:.100}; expected one without '..'.", "Leave it out.", status=400, key="guard-path"
        )


def check_site(headers: Mapping[str, str], method: str, path: str) -> None:
    """Accept a request of our own page, or of a program that is no browser.

    A browser says from which page a request comes: Origin, with all that can change something, and Sec-Fetch-Site.
    Pages of others may lead to ours, by a link, and nothing else.
    """
    origin, site, host = headers.get("origin"), headers.get("sec-fetch-site"), headers["host"].lower()
    if method in ("GET", "HEAD"):
        is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        good = site in (None, "same-origin", "none") or (is_link and is_page(path))
    elif origin is None:
        good = site is None
    else:
        good = origin.lower() in (f"http://{host}", f"https://{host}") and site in (None, "same-origin")
    if not good:
        raise Refusal(
            f"the request comes from another page (Origin {origin!r:.100}, Sec-Fetch-Site {site!r:.40}); expected the "
            "studio's own.",
            "Open the studio in a window of its own; programs leave both headers out.",
            status=403,
            key="guard-origin",
        )


def is_page(path: str) -> bool:
    """Whether a path is of the page itself, which has no secrets, and which a token is entered into."""
    return path in ("/", "/favicon.ico") or path.startswith("/static/")


def guarded_headers(headers: Any, path: str) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with ours in place of its own."""
    page = is_page(path)
    ours = {**HEADERS, b"content-security-policy": (PAGE_POLICY if page else API_POLICY).encode()}
    ours[b"cache-control"] = b"no-cache" if page else b"no-store"
    kept = []
    for name, value in ((name.lower(), value) for name, value in headers):
        if name in ours or name == b"server" or name.startswith(b"access-control-"):
            continue
        if name == b"content-type" and not page and value.split(b";")[0].strip().lower().decode() not in SAFE_TYPES:
            logger.warning("%s answers %s, which is sent as bytes to save", path, value)
            value = b"application/octet-stream"
            ours[b"content-disposition"] = b"attachment"
        kept.append((name, value))
    return [*((name, value) for name, value in kept if name not in ours), *ours.items()]

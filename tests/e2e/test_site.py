"""The built site in a real browser: every page readable in light and dark, none wider than a phone, no script fails."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from browser import bad_findings, needs_browser, open_browser, overflow

SITE = Path(__file__).parents[2] / "build" / "site"
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if path.name != "404.html")

pytestmark = [*needs_browser, pytest.mark.skipif(not PAGES, reason="the site is tried after `make docs`")]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Address of the site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(SITE))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("language", ["English", "Chinese"])
@pytest.mark.parametrize(("scheme", "size"), [("light", (390, 844)), ("dark", (1280, 900))])
def test_every_page_is_readable(address: str, language: str, scheme: str, size: tuple[int, int]) -> None:
    width, height = size
    found: list[str] = []
    with open_browser() as browser:
        page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": height})
        page.on("pageerror", lambda error: found.append(str(error)))
        for name in PAGES:
            if name.startswith("zh/") != (language == "Chinese"):
                continue
            page.goto(f"{address}/{name}")
            found += [f"{name}: {one}" for one in bad_findings(page)]
            found += [f"{name} is {overflow(page)} pixels too wide"] * (overflow(page) > 0)
    assert found == []

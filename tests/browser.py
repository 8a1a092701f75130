"""A real browser for tests of pages: Debian's Chromium, without a window; tests are skipped where it is missing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="pages are tried with playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe checks need axe-playwright-python")

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
BROWSER = os.environ.get("CHROMIUM") or next(filter(os.path.exists, BROWSERS), "")

needs_browser = [
    pytest.mark.slow,
    pytest.mark.skipif(not BROWSER, reason="no Chromium: install it, or name it in the variable CHROMIUM"),
]


@contextmanager
def open_browser(*options: str) -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", *options])
        try:
            yield browser
        finally:
            browser.close()


def bad_findings(page: Any) -> list[str]:
    """Findings of axe that are serious or critical."""
    found = axe.Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")]


def overflow(page: Any) -> int:
    """Pixels by which the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))

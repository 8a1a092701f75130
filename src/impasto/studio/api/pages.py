"""The page and its files, as they are in the package."""

from importlib import resources
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from impasto.studio.folder import child
from impasto.studio.refusal import Refusal

router = APIRouter(include_in_schema=False)

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".woff2": "font/woff2",
}
"""Media types of the files that are served, by suffix; others are not."""

PAGES = Path(str(resources.files("impasto.studio"))) / "pages"


@router.get("/")
def get_page() -> Response:
    """Return the page."""
    return get_file("index.html")


@router.get("/static/{path:path}")
def get_file(path: str) -> Response:
    """Return a file of the page."""
    file = child(PAGES, *path.split("/"))
    if not file.is_file() or file.suffix not in TYPES:
        raise Refusal("there is no such file.", "Open / instead.", status=404, key="file-unknown")
    return FileResponse(file, media_type=TYPES[file.suffix], headers={"Cache-Control": "no-cache"})

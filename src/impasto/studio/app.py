"""The studio's web application: the page, the API, and the errors of both in one shape."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from impasto import __version__
from impasto.errors import ImpastoError
from impasto.studio.api import events, jobs, machine, pages, pictures
from impasto.studio.decode import start_decoding
from impasto.studio.limits import Limits
from impasto.studio.painter import Painter
from impasto.studio.quick import Quick
from impasto.studio.refusal import Refusal, error_body, error_status
from impasto.studio.studio import Studio

ABOUT = """Paint photographs in the style of paintings: upload pictures, create a job, follow it, fetch the result.

Errors have the shape {"error", "hint", "key", "field", "values"}."""


def create_app(folder: Path, *, limits: Limits | None = None, device: str = "auto", **options: Any) -> FastAPI:
    """Return the application, which holds the folder until its end. options: further ones of `RunOptions`.

    It is without the guard, which the server puts around it. Raises OutputError where the folder cannot be used.
    """
    limits = limits if limits is not None else Limits()
    studio, quick = Studio(folder, limits), Quick({"device": device, **options})

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        threading.Thread(target=_start_painters, args=(studio, quick, options), daemon=True).start()
        try:
            yield {"studio": studio, "quick": quick}
        finally:
            quick.close()
            studio.close()

    app = FastAPI(
        title="impasto studio",
        version=__version__,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=run,
    )
    app.add_exception_handler(ImpastoError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    for each in (pages, machine, pictures, jobs, events):
        app.include_router(each.router)
    return app


def _start_painters(studio: Studio, quick: Quick, options: dict[str, Any]) -> None:
    start_decoding()
    devices = quick.ask_machine()["devices"]
    studio.start([Painter(studio, {"device": device, **options}) for device in devices])


def _answer_error(request: Request, error: Any) -> JSONResponse:
    return JSONResponse(error_body(error), error_status(error))


def _answer_validation(request: Request, error: Any) -> JSONResponse:
    first = error.errors()[0]
    place = [str(part) for part in first["loc"][1:]]
    named = ".".join(place) or "the request"
    refusal = Refusal(
        f"{named} is wrong: {first['msg']}.",
        "See /openapi.json.",
        key="request-malformed",
        field=next(iter(place), None),
    )
    return JSONResponse(error_body(refusal), 422)


def _answer_http(request: Request, error: Any) -> JSONResponse:
    refusal = Refusal(f"{request.method} {request.url.path[:100]}: {error.detail}.", "See /openapi.json.", key="http")
    return JSONResponse(error_body(refusal), error.status_code, error.headers)

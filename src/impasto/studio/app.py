"""The studio's web application: the page, the API, and the errors of both in one shape."""

import logging
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from impasto import __version__
from impasto.errors import ImpastoError
from impasto.studio.api import events, films, jobs, machine, pages, pictures
from impasto.studio.decode import start_decoding
from impasto.studio.limits import Limits
from impasto.studio.painter import Painter
from impasto.studio.quick import Quick
from impasto.studio.refusal import Refusal, error_body, error_status
from impasto.studio.samples import store_samples
from impasto.studio.studio import Studio

logger = logging.getLogger(__name__)

ABOUT = """Paint photographs in the style of paintings: upload pictures, create a job, follow it, fetch the result.

Errors have the shape {"error", "hint", "key", "field", "values"}."""


def create_app(folder: Path, *, limits: Limits | None = None, device: str = "auto", **options: Any) -> FastAPI:
    """Return the application, which holds the folder until its end. options: further ones of `RunOptions`.

    It is without the guard, which the server puts around it. Raises OutputError where the folder cannot be used.
    """
    limits = limits if limits is not None else Limits()
    options = {"device": device, "max_memory": limits.memory, **options}
    studio, quick = Studio(folder, limits), Quick(options)

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        threading.Thread(target=start_work, args=(studio, quick, options), daemon=True).start()
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
    app.add_exception_handler(Exception, _answer_fault)
    for each in (pages, machine, pictures, films, jobs, events):
        app.include_router(each.router)
    return app


def start_work(studio: Studio, quick: Quick, options: Mapping[str, Any]) -> None:
    """Start a painter for each device, and store the samples. Runs on a thread, as it takes seconds."""
    start_decoding()
    try:
        devices = quick.ask_machine()["devices"]
    except Refusal as error:
        logger.warning("the machine could not be asked for its devices: %s", error)
        devices = [options["device"]]
    studio.remove_unused()
    studio.start([Painter(studio, {**options, "device": device}) for device in devices])
    store_samples(studio.pictures)


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


def _answer_fault(request: Request, error: Any) -> JSONResponse:
    fault = Refusal(f"the studio failed ({type(error).__name__}).", "Please report it.", key="fault")
    return JSONResponse(error_body(fault), 500)

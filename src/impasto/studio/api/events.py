"""Server-sent events."""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from impasto.studio.api.scope import Gallery, TheStudio

router = APIRouter(prefix="/api", tags=["events"])


@router.get("/events", response_class=StreamingResponse)
async def follow_events(studio: TheStudio, gallery: Gallery) -> StreamingResponse:
    """Server-sent events: `job` (a job), `removed` {id}, `queue` {order}, `disk` {free, message}."""
    stream = studio.events.open(gallery)

    async def read() -> AsyncIterator[str]:
        try:
            async for text in stream.read():
                yield text
        finally:
            studio.events.close(stream)

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(read(), media_type="text/event-stream", headers=headers)

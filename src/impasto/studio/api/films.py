"""Films: upload, and take a still."""

from typing import Any

from fastapi import APIRouter, Request

from impasto.studio.api.bodies import StillRequest
from impasto.studio.api.pictures import FORM
from impasto.studio.api.scope import Gallery, TheStudio

router = APIRouter(prefix="/api/films", tags=["films"])


@router.post("", status_code=201, openapi_extra=FORM)
async def upload_film(request: Request, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """Store a film: MP4, MOV, WebM, MKV or AVI, as the field `file` of a form. Returns its first picture, a still."""
    stored = await studio.pictures.receive(request, gallery, is_film=True)
    return stored.to_dict()


@router.post("/{id}/still", status_code=201)
def take_still(id: str, body: StillRequest, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """Store the picture of a film at a time as a still. id: of any of its stills."""
    return studio.pictures.take_still(id, body.time_s, gallery).to_dict()

"""Pictures: upload, show, crop, find faces, delete."""

from io import BytesIO
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from impasto.studio.api.bodies import CropRequest
from impasto.studio.api.scope import Gallery, TheQuick, TheStudio

router = APIRouter(prefix="/api/pictures", tags=["pictures"])

NO_STORE = {"Cache-Control": "no-store"}

_FILE = {"type": "string", "format": "binary", "description": "a picture"}
_SCHEMA = {"type": "object", "required": ["file"], "properties": {"file": _FILE}}
FORM = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _SCHEMA}}}}


@router.post("", status_code=201, openapi_extra=FORM)
async def upload_picture(request: Request, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """Store a picture: PNG, JPEG, WebP, TIFF, AVIF, GIF or HEIC, as the field `file` of a form."""
    stored = await studio.pictures.receive(request, gallery)
    return stored.to_dict()


@router.get("/{id}", response_class=FileResponse)
def get_picture(id: str, studio: TheStudio, gallery: Gallery) -> Response:
    """Return the picture, upright and in sRGB."""
    path, media_type = studio.pictures.served_file(id, gallery)
    return FileResponse(path, media_type=media_type, headers=NO_STORE)


@router.get("/{id}/thumbnail", response_class=FileResponse)
def get_thumbnail(id: str, studio: TheStudio, gallery: Gallery) -> Response:
    """Return the picture with a long edge of at most 256 pixels."""
    return Response(studio.pictures.read_thumbnail(id, gallery), media_type="image/jpeg", headers=NO_STORE)


@router.post("/{id}/crop", status_code=201)
def crop_picture(id: str, body: CropRequest, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """Store a part of the picture as a picture of its own, without loss."""
    box = (body.left, body.top, body.width, body.height)
    return studio.pictures.crop(id, box, gallery).to_dict()


@router.post("/{id}/faces")
def find_faces(id: str, studio: TheStudio, quick: TheQuick, gallery: Gallery) -> dict[str, Any]:
    """Find faces, and store a mask of them: white where a face is."""
    found = quick.ask("faces", content=str(studio.pictures.painting_file(id, gallery)))
    mask = studio.pictures.store(BytesIO(found["mask"]), "faces.png", gallery)
    return {"mask": mask.to_dict(), "count": found["count"]}


@router.delete("/{id}", status_code=204)
def delete_picture(id: str, studio: TheStudio, gallery: Gallery) -> None:
    """Delete a picture that no job needs."""
    studio.delete_picture(id, gallery)

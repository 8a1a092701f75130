"""What an endpoint gets of its request: the studio, the quick process, and the gallery that it may see."""

from typing import Annotated

from fastapi import Depends, Request

from impasto.studio.job import StudioJob
from impasto.studio.quick import Quick
from impasto.studio.studio import Studio


def _studio(request: Request) -> Studio:
    studio: Studio = request.state.studio
    return studio


def _quick(request: Request) -> Quick:
    quick: Quick = request.state.quick
    return quick


def _gallery(request: Request) -> str:
    return str(request.scope.get("gallery", "main"))


TheStudio = Annotated[Studio, Depends(_studio)]
TheQuick = Annotated[Quick, Depends(_quick)]
Gallery = Annotated[str, Depends(_gallery)]


def _job(id: str, studio: TheStudio, gallery: Gallery) -> StudioJob:
    return studio.find(id, gallery)


TheJob = Annotated[StudioJob, Depends(_job)]

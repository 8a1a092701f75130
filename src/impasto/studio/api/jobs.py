"""Jobs: create, list, change, delete, and fetch what they painted."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response

from impasto.recipe.recipe import Recipe, format_toml
from impasto.runs.trace import read_trace
from impasto.studio.api.bodies import (
    AgainRequest,
    DeleteRequest,
    JobRequest,
    NameRequest,
    QueueRequest,
    SweepRequest,
)
from impasto.studio.api.scope import Gallery, TheJob, TheStudio
from impasto.studio.job import SEVERAL, SINGLE, StudioJob, new_id
from impasto.studio.job_body import check_job, check_name
from impasto.studio.refusal import Refusal

router = APIRouter(prefix="/api", tags=["jobs"])

NO_STORE = {"Cache-Control": "no-store"}

MOST = 200
"""Jobs of one answer, and pictures of one sweep."""


@router.post("/jobs", status_code=201)
def create_job(body: JobRequest, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """Put a job at the end of the queue."""
    job = check_job(body.model_dump(exclude_unset=True), studio.pictures, studio.limits, gallery)
    return studio.add([job], gallery)[0]


@router.post("/jobs/sweep", status_code=201)
def create_sweep(body: SweepRequest, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """Put several jobs into the queue that differ in one field of the recipe."""
    values = body.model_dump(exclude_unset=True)
    field, choices = values.pop("field"), values.pop("values")
    if not 1 <= len(choices) <= MOST:
        raise Refusal(
            f"values has {len(choices)} values; expected 1 to {MOST}.", "Give a few.", key="sweep-size", field="values"
        )
    bodies = []
    for choice in choices:
        recipe = {**values.get("recipe", {}), field: choice}
        bodies.append(check_job({**values, "recipe": recipe}, studio.pictures, studio.limits, gallery))
    group = new_id()
    return {"group": group, "jobs": studio.add(bodies, gallery, group)}


@router.get("/jobs")
def list_jobs(
    studio: TheStudio,
    gallery: Gallery,
    search: Annotated[str, Query(max_length=200)] = "",
    group: str | None = None,
    before: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> dict[str, Any]:
    """Return jobs, the newest first. before: the id of the last job of the page before."""
    return studio.list_jobs(gallery, search=search, group=group, before=before, limit=limit)


@router.get("/jobs/{id}")
def get_job(id: str, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """Return a job."""
    return studio.show(id, gallery)


@router.put("/jobs/{id}")
def rename_job(id: str, body: NameRequest, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """Change a job's name."""
    studio.rename(id, gallery, check_name(body.name))
    return studio.show(id, gallery)


@router.post("/jobs/{id}/pause")
def pause_job(id: str, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """Pause a job after its step; it goes on exactly there."""
    studio.pause(id, gallery)
    return studio.show(id, gallery)


@router.post("/jobs/{id}/resume")
def resume_job(id: str, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """Put a paused job back into the queue."""
    studio.resume(id, gallery)
    return studio.show(id, gallery)


@router.post("/jobs/{id}/stop")
def stop_job(id: str, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """End a job after its step; the best picture so far is its result."""
    studio.stop(id, gallery)
    return studio.show(id, gallery)


@router.post("/jobs/{id}/again", status_code=201)
def paint_again(job: TheJob, body: AgainRequest, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """Put a copy of a job into the queue, with changes."""
    changes = body.model_dump(exclude_unset=True)
    kept = ("kind", "film", *SINGLE, *SEVERAL)
    values = {name: getattr(job, name) for name in kept if name in JobRequest.model_fields}
    values |= {name: list(values[name]) for name in SEVERAL}
    preset = changes.get("preset") or job.preset
    recipe = {**_beside(job, preset), **(changes.pop("recipe", None) or {})}
    recipe = {name: value for name, value in recipe.items() if value is not None}
    values |= {"name": job.name, **changes, "preset": preset, "recipe": recipe}
    return studio.add([check_job(values, studio.pictures, studio.limits, gallery)], gallery)[0]


@router.put("/queue")
def reorder_queue(body: QueueRequest, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """Change the order of the waiting jobs."""
    studio.reorder(body.order, gallery)
    return {"order": studio.queue(gallery)}


@router.delete("/jobs/{id}", status_code=204)
def delete_job(id: str, studio: TheStudio, gallery: Gallery) -> None:
    """Delete a job with its picture, run, thumbnails, and the inputs that no other job needs."""
    studio.delete([id], gallery)


@router.delete("/jobs")
def delete_jobs(body: DeleteRequest, studio: TheStudio, gallery: Gallery) -> dict[str, Any]:
    """Delete several jobs, or all."""
    return {"deleted": studio.delete(None if body.all else body.ids, gallery)}


@router.get("/jobs/{id}/preview", response_class=FileResponse)
def get_preview(job: TheJob, studio: TheStudio) -> Response:
    """Return the picture as it is being painted, a JPEG."""
    return _file(studio, job, "image/jpeg", "preview")


@router.get("/jobs/{id}/thumbnail", response_class=FileResponse)
def get_thumbnail(job: TheJob, studio: TheStudio) -> Response:
    """Return the finished picture with a long edge of at most 256 pixels, or the preview; a JPEG."""
    return _file(studio, job, "image/jpeg", "thumbnail" if studio.file(job, "thumbnail") else "preview")


@router.get("/jobs/{id}/result", response_class=FileResponse)
def get_result(job: TheJob, studio: TheStudio) -> Response:
    """Return the finished picture, a PNG with its recipe inside."""
    return _file(studio, job, "image/png", "result")


@router.get("/jobs/{id}/film", response_class=FileResponse)
def get_film(job: TheJob, studio: TheStudio) -> Response:
    """Return the painted film, of a stopped or paused job the frames so far; an MP4, or a range of its bytes."""
    return _file(studio, job, "video/mp4", "film")


@router.get("/jobs/{id}/evolution", response_class=FileResponse)
def get_evolution(job: TheJob, studio: TheStudio) -> Response:
    """Return how the picture was painted, an animated WebP."""
    return _file(studio, job, "image/webp", "evolution")


@router.get("/jobs/{id}/recipe", response_class=Response)
def get_recipe(job: TheJob) -> Response:
    """Return the recipe as TOML, for `impasto stylize --recipe`."""
    headers = {**NO_STORE, "Content-Disposition": f"inline; filename*=UTF-8''{quote(f'{job.name}.toml')}"}
    return Response(format_toml(job.recipe), media_type="application/toml", headers=headers)


@router.get("/jobs/{id}/curve")
def get_curve(job: TheJob, studio: TheStudio) -> dict[str, Any]:
    """Return the losses after every step so far."""
    path = studio.file(job, "trace")
    lines = [] if path is None else read_trace(path.parent)
    names = dict.fromkeys(name for line in lines for name in line["losses"])
    by_name = {name: [line["losses"].get(name) for line in lines] for name in names}
    return {
        "steps": [line["step"] for line in lines],
        "scales": [line.get("scale") for line in lines],
        "total": by_name.pop("total", []),
        "by_name": by_name,
    }


def _beside(job: StudioJob, preset: str) -> dict[str, Any]:
    """Return the fields of a job's recipe beside a preset's."""
    if preset == job.preset:
        return dict(job.changed)
    known = Recipe.preset(preset).to_dict()
    return {name: value for name, value in job.changed.items() if known.get(name) != value}


def _file(studio: TheStudio, job: StudioJob, media_type: str, what: str) -> Response:
    path = studio.file(job, what)
    if path is None:
        raise Refusal(f"the job has no {what}.", "Look at its `has` first.", status=404, key="job-file-missing")
    name = f"{job.name}{'-evolution' if what == 'evolution' else ''}{path.suffix}"
    return FileResponse(
        path, media_type=media_type, headers=NO_STORE, filename=name, content_disposition_type="inline"
    )

"""The machine and what can be chosen: status, samples, the recipe's fields; instant pictures and estimates."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from impasto import __version__
from impasto.studio.api.bodies import InstantRequest, JobRequest
from impasto.studio.api.scope import Gallery, TheQuick, TheStudio
from impasto.studio.fields import describe_recipe
from impasto.studio.job_body import check_job, check_recipe
from impasto.studio.refusal import Refusal
from impasto.studio.samples import describe_samples

router = APIRouter(prefix="/api", tags=["machine"])


@router.get("/status")
def get_status(studio: TheStudio, quick: TheQuick) -> dict[str, Any]:
    """Return version, device, what is installed, and the limits."""
    machine = quick.machine
    return {
        "version": __version__,
        "device": ", ".join(machine["devices"]) if machine else None,
        "instant": machine.get("instant", False),
        "faces": machine.get("faces", False),
        "ready": bool(machine),
        "styles": [],
        "limits": studio.limits.to_dict(),
        "disk_free": studio.disk.free_bytes(),
        "disk": studio.disk.to_dict(),
        "folder": str(studio.folder),
    }


@router.get("/samples")
def get_samples(studio: TheStudio) -> dict[str, Any]:
    """Return free pictures to try with."""
    return describe_samples(studio.pictures)


@router.get("/recipe")
def get_recipe_fields() -> dict[str, Any]:
    """Return all presets and the fields of a recipe, with their ranges and help texts."""
    return describe_recipe()


@router.post("/instant", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
def paint_instantly(body: InstantRequest, studio: TheStudio, quick: TheQuick, gallery: Gallery) -> Response:
    """Paint in one pass of a network, in about a second. Returns a JPEG."""
    fields = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None}
    content, styles = fields.pop("content"), fields.pop("styles")
    network = fields.pop("network", None)
    if network is not None:
        raise Refusal(
            f"network is {network!r}; expected null, as no trained network comes with this version.",
            "Leave it out.",
            field="network",
            key="network-unknown",
        )
    fields = check_recipe(fields, studio.pictures, studio.limits, gallery)
    paths = [str(studio.pictures.painting_file(each, gallery)) for each in (content, *styles)]
    data = quick.ask("instant", content=paths[0], styles=paths[1:], fields=fields)
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post("/estimate")
def estimate(body: JobRequest, studio: TheStudio, quick: TheQuick, gallery: Gallery) -> dict[str, Any]:
    """Return seconds and memory of a job."""
    job = check_job(body.model_dump(exclude_unset=True), studio.pictures, studio.limits, gallery)
    try:
        found = quick.ask("estimate", order=studio.sources(job, gallery))
    except Refusal as refusal:
        if refusal.key != "MemoryLimitError":
            raise
        none = dict.fromkeys(("seconds", "peak_bytes", "width", "height"))
        return {**none, "parts": [], "fits": False, "message": refusal.error, "hint": refusal.hint}
    size = found["size"]
    costs = {name: found[name] for name in ("seconds", "peak_bytes", "parts")}
    return {**costs, "width": size["width"], "height": size["height"], "fits": True, "message": None}

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
from impasto.studio.samples import describe_samples, sample_id, shipped_styles

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
        "film": machine.get("film", False),
        "ready": bool(machine),
        "styles": _describe_styles(),
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
    content, styles = fields.pop("content"), fields.pop("styles", [])
    network = fields.pop("network", None)
    fields = check_recipe(fields, studio.pictures, studio.limits, gallery)
    photograph, *paintings = (str(studio.pictures.painting_file(each, gallery)) for each in (content, *styles))
    if network is None:
        data = quick.ask("instant", content=photograph, styles=paintings, fields=fields)
    else:
        fields = {name: value for name, value in fields.items() if name in ("strength", "color", "size")}
        data = quick.ask("network", content=photograph, network=_check_network(network), fields=fields)
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


def _check_network(name: str) -> str:
    """Accept the name of a style that comes with the package. Raises Refusal."""
    known = [*shipped_styles()]
    if name not in known:
        expected = f"one of {', '.join(known)}" if known else "null, as none comes with this version"
        error = f"network is {name!r:.100}; expected {expected}."
        raise Refusal(error, "Or leave it out.", field="network", key="network-unknown")
    return name


def _describe_styles() -> list[dict[str, Any]]:
    """Return the styles of trained networks, each with the address of its painting's thumbnail."""
    return [
        {"name": name, "title": style.title, "thumbnail": f"/api/pictures/{sample_id(f'{name}.jpg')}/thumbnail"}
        for name, style in shipped_styles().items()
    ]

"""The body of a job's request, checked: its pictures exist, its recipe is complete and names no files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from impasto.errors import RecipeError
from impasto.recipe.recipe import Recipe
from impasto.studio.limits import Limits
from impasto.studio.refusal import Refusal
from impasto.studio.uploads import Pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class JobBody:
    """A job as it was asked for."""

    kind: str
    name: str
    preset: str
    content: str | None
    styles: tuple[str, ...]
    only: str | None
    protect: str | None
    fine_style: str | None
    content_masks: tuple[str, ...]
    style_masks: tuple[str, ...]
    init: str | None
    recipe: Recipe
    changed: Mapping[str, Any]


def check_recipe(values: object, pictures: Pictures, limits: Limits, gallery: str = "main") -> dict[str, Any]:
    """Accept changes of a recipe."""
    if not isinstance(values, Mapping):
        raise Refusal("recipe is no object.", "Give fields with values.", field="recipe")
    if values.get("weights", "oxford") not in ("oxford", "tiny"):
        raise Refusal("weights is a file.", "Leave it out.", field="weights")
    return dict(values)


def check_job(body: object, pictures: Pictures, limits: Limits, gallery: str = "main") -> JobBody:
    """Accept the body of a job."""
    if not isinstance(body, Mapping):
        raise Refusal("the body is no object.", "Give JSON.")
    kind = body.get("kind", "stylize")
    preset = body.get("preset") or ("texture" if kind == "texture" else "standard")
    changed = check_recipe(body.get("recipe", {}), pictures, limits, gallery)
    try:
        recipe = Recipe.preset(preset, **changed)
    except RecipeError as error:
        raise Refusal(error.error, error.hint, key="RecipeError", field=error.error.partition(" ")[0]) from error
    styles = tuple(body.get("styles", ()))
    content = body.get("content")
    names = [pictures.get(each, gallery).name for each in (content, *styles) if each is not None]
    return JobBody(
        kind=kind,
        name=str(body.get("name") or " + ".join(name.rpartition(".")[0] or name for name in names)),
        preset=preset,
        content=content,
        styles=styles,
        only=body.get("only"),
        protect=body.get("protect"),
        fine_style=body.get("fine_style"),
        content_masks=tuple(body.get("content_masks", ())),
        style_masks=tuple(body.get("style_masks", ())),
        init=None,
        recipe=recipe,
        changed=changed,
    )

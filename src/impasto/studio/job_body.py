"""The body of a request that paints, checked: known fields, ids of pictures, and no file or address anywhere."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from impasto.errors import RecipeError
from impasto.recipe.fields import check_names, check_written_size, nearest_name, shown, split_side
from impasto.recipe.files import init_file
from impasto.recipe.presets import preset_names
from impasto.recipe.recipe import Recipe, field_names
from impasto.recipe.shipped import shipped_styles
from impasto.recipe.words import INITS
from impasto.studio.access import MAIN
from impasto.studio.limits import Limits
from impasto.studio.refusal import Refusal

KINDS = ("stylize", "texture", "film")

METHODS = ("instant", "optimize")
"""How a film is painted; or by a trained network, by its name."""

SHIPPED_WEIGHTS = ("oxford", "random", "tiny")
"""Networks that come with the package; the others are files, or fetched from an address."""

FACES = "faces"

LONGEST_NAME = 200

FIELDS = (
    *("kind", "name", "preset", "recipe", "content", "styles", "fine_style"),
    *("only", "protect", "content_masks", "style_masks", "film"),
)

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


class Found(Protocol):
    """A picture's name, and its size in pixels."""

    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def film(self) -> Mapping[str, Any] | None: ...


class PictureFinder(Protocol):
    """What finds a picture by its id, in a gallery, or raises Refusal: `uploads.Pictures`."""

    def get(self, identity: object, gallery: str) -> Found: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobBody:
    """What a request asks to be painted. All pictures are ids, and exist.

    name: the pictures' if none was given. changed: fields of the recipe beside the preset's. recipe: all of it. init:
    the id of the start image, which is the recipe's `init` then; None where that is a word or a color. protect: an id,
    or "faces". style_masks: None for a whole painting. film: of a film, its method and the part that is painted.
    """

    kind: Literal["stylize", "texture", "film"]
    name: str
    preset: str
    changed: Mapping[str, Any]
    recipe: Recipe
    content: str | None
    styles: tuple[str, ...]
    fine_style: str | None
    only: str | None
    protect: str | None
    content_masks: tuple[str, ...]
    style_masks: tuple[str | None, ...]
    init: str | None
    film: Mapping[str, Any] | None = None


def check_job(body: object, pictures: PictureFinder, limits: Limits, gallery: str = MAIN) -> JobBody:
    """Return the body of a job as it is painted. Raises Refusal 422, with the field that is wrong."""
    if not isinstance(body, Mapping):
        raise _wrong("body", body, "an object with the fields " + ", ".join(FIELDS), field=None)
    if unknown := [name for name in body if name not in FIELDS]:
        near = nearest_name(str(unknown[0]), FIELDS)
        raise _wrong("field", unknown[0], f"one of {', '.join(FIELDS)}", field=str(unknown[0])[:100], hint=near)
    kind = body.get("kind", KINDS[0])
    if kind not in KINDS:
        raise _wrong("kind", kind, " or ".join(KINDS))
    preset = body.get("preset") or ("texture" if kind == "texture" else "standard")
    if not isinstance(preset, str) or preset not in preset_names():
        raise _wrong("preset", preset, f"one of {', '.join(preset_names())}")
    name = check_name(body.get("name") or "")
    find = _Finder(pictures, gallery)
    content = find.one(body, "content")
    if (content is None) != (kind == "texture"):
        raise _wrong("content", content, "none for a texture" if kind == "texture" else "a picture, the photograph")
    film = _check_film(body, pictures.get(content, gallery)) if kind == "film" else None
    styles = find.several(body, "styles", limits.styles)
    if not styles and (film is None or film["method"] in METHODS):
        raise _wrong("styles", [], f"1 to {limits.styles} pictures")
    changed = check_recipe(body.get("recipe") or {}, pictures, limits, gallery)
    recipe = build_recipe(preset, changed)
    _check_size(recipe, limits, None if content is None else pictures.get(content, gallery))
    protect = body.get("protect")
    return JobBody(
        kind=kind,
        name=name or " + ".join(find.names([*([] if content is None else [content]), *styles])),
        preset=preset,
        changed=changed,
        recipe=recipe,
        content=content,
        styles=styles,
        fine_style=find.one(body, "fine_style"),
        only=find.one(body, "only"),
        protect=FACES if protect == FACES else find.one(body, "protect"),
        content_masks=find.several(body, "content_masks", limits.masks),
        style_masks=find.several_or_none(body, "style_masks", limits.masks),
        init=init_file(recipe),
        film=film,
    )


def _check_film(body: Mapping[str, Any], still: Found) -> dict[str, Any]:
    """Return how a film is painted: method, start_s, duration_s, morph. Raises Refusal 422."""
    if still.film is None:
        raise _wrong("content", body.get("content"), "a still of a film", hint="Send the film first: POST /api/films. ")
    given = body.get("film") or {}
    if not isinstance(given, Mapping) or not {*given} <= {"method", "start_s", "duration_s", "morph"}:
        raise _wrong("film", given, "an object with method, start_s, duration_s and morph")
    methods = (*METHODS, *shipped_styles())
    if (method := given.get("method", METHODS[0])) not in methods:
        raise _wrong("film", method, f"a method, one of {', '.join(methods)}")
    heeded = ("only", "protect", "content_masks") if method == "optimize" else ("only",)
    for name in ("only", "protect", "content_masks", "style_masks", "fine_style"):
        if body.get(name) and name not in heeded:
            raise _wrong(name, body[name], f"none for a film painted by {method!r}", hint="Leave it out.")
    morph = bool(given.get("morph"))
    recipe = body.get("recipe") or {}
    is_blended = body.get("content_masks") or (isinstance(recipe, Mapping) and recipe.get("style_blend"))
    if morph and (method not in METHODS or len(body.get("styles") or ()) < 2 or is_blended):
        expected = "two paintings or more, without regions and style_blend, and the method instant or optimize"
        raise _wrong("morph", morph, expected, field="film")
    times = {"start_s": given.get("start_s", 0.0), "duration_s": given.get("duration_s")}
    return {"method": method, **times, "morph": morph}


def check_name(name: object) -> str:
    """Return a job's name, at most 200 letters in one line. Raises Refusal 422."""
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not name.isprintable():
        raise _wrong("name", name, f"at most {LONGEST_NAME} letters in one line")
    return name


def check_recipe(values: object, pictures: PictureFinder, limits: Limits, gallery: str = MAIN) -> dict[str, Any]:
    """Return some fields of a recipe, none of which names a file or an address.

    `init` is a word, a color or the id of a picture; `weights` a network of the package. Raises Refusal 422.
    """
    if not isinstance(values, Mapping):
        raise _wrong("recipe", values, "an object with fields of the recipe")
    changes = {name: value for name, value in values.items() if name != "format_version"}
    try:
        check_names(changes, field_names(), "recipe has no field")
        check_written_size(changes.get("size"))
    except RecipeError as error:
        raise _refuse(error) from error
    weights = changes.get("weights", SHIPPED_WEIGHTS[0])
    if weights not in SHIPPED_WEIGHTS:
        raise _wrong("weights", weights, f"one of {', '.join(SHIPPED_WEIGHTS)}", hint="Files are not read here. ")
    init = changes.get("init", INITS[0])
    if not isinstance(init, str) or (init not in INITS and not _COLOR.fullmatch(init)):
        _Finder(pictures, gallery).check("init", init, f"{', '.join(INITS)}, a color #rrggbb, or ")
    for name, most in (("size", limits.size), ("steps", limits.steps), ("history", limits.steps)):
        if isinstance(changes.get(name), int) and changes[name] > most:
            raise _wrong(name, changes[name], f"at most {most}")
    return changes


def build_recipe(preset: str, changes: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a preset with changes from `check_recipe`. Raises Refusal 422."""
    try:
        return Recipe.preset(preset, **changes)
    except RecipeError as error:
        raise _refuse(error) from error


def strip_files(recipe: Recipe) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the recipe out of a picture without the files that it names, and a sentence about each."""
    values, left_out = recipe.to_dict(), []
    if (init := init_file(recipe)) is not None:
        del values["init"]
        left_out.append(f"Its start image {shown(init)} is not taken; send that picture and choose it.")
    if recipe.weights not in SHIPPED_WEIGHTS:
        del values["weights"]
        left_out.append(f"Its network {shown(recipe.weights)} is not taken; the package's is used.")
    return values, tuple(left_out)


@dataclass(frozen=True, slots=True)
class _Finder:
    pictures: PictureFinder
    gallery: str

    def check(self, field: str, identity: object, other: str = "") -> str:
        """Return the id of a picture that exists. other: what the field may be beside that."""
        try:
            self.pictures.get(identity, self.gallery)
        except Refusal as error:
            hint = "Send the picture first: POST /api/pictures. Paths and addresses are not read. "
            raise _wrong(field, identity, f"{other}the id of a picture", hint=hint) from error
        return str(identity)

    def names(self, identities: list[str]) -> list[str]:
        return [self.pictures.get(each, self.gallery).name.rpartition(".")[0] or "picture" for each in identities]

    def one(self, body: Mapping[str, Any], field: str) -> str | None:
        identity = body.get(field)
        return None if identity is None else self.check(field, identity)

    def several(self, body: Mapping[str, Any], field: str, most: int) -> tuple[str, ...]:
        return tuple(self.check(field, identity) for identity in self._list(body, field, most))

    def several_or_none(self, body: Mapping[str, Any], field: str, most: int) -> tuple[str | None, ...]:
        found = self._list(body, field, most)
        return tuple(None if identity is None else self.check(field, identity) for identity in found)

    @staticmethod
    def _list(body: Mapping[str, Any], field: str, most: int) -> list[Any]:
        found = body.get(field) or []
        if not isinstance(found, list) or len(found) > most:
            raise _wrong(field, found, f"a list of at most {most} ids of pictures")
        return found


def _refuse(error: RecipeError) -> Refusal:
    word = error.error.partition(" ")[0]
    return Refusal(error.error, error.hint, key="recipe", field=word if word in field_names() else "recipe")


def _check_size(recipe: Recipe, limits: Limits, content: Found | None) -> None:
    """Accept a recipe that paints at most `limits.size` pixels on the long edge, its style images no larger."""
    size: Any = recipe.size
    ratio = max(content.width, content.height) / min(content.width, content.height) if content is not None else 1.0
    if size == "content":
        edge = float(max(content.width, content.height)) if content is not None else 0.0
    elif isinstance(size, str):
        side = split_side(size)
        edge = (side[0] if side is not None else 0) * ratio  # at most: a side may be the long one
    else:
        edge = float(max(size) if isinstance(size, tuple) else size)
    if edge > limits.size:
        raise _wrong("size", size, f"at most {limits.size} pixels on the long edge")
    style = recipe.style_size if isinstance(recipe.style_size, int) else edge
    if style * recipe.style_scale > limits.size:
        field = "style_size" if isinstance(recipe.style_size, int) else "style_scale"
        raise _wrong(field, getattr(recipe, field), f"style images of at most {limits.size} pixels")
    if recipe.steps > limits.steps:
        raise _wrong("steps", recipe.steps, f"at most {limits.steps}")


def _wrong(name: str, value: object, expected: str, *, field: str | None = "", hint: str = "") -> Refusal:
    return Refusal(
        f"{name} is {shown(value)}; expected {expected}.",
        f"{hint}GET /api/recipe lists the fields of a recipe." if name in ("recipe", "body") else hint or "Change it.",
        field=name if field == "" else field,
        key="job-field",
    )

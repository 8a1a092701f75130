"""A finished picture painted again, from the recipe inside it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack, cast

from impasto.errors import ImageReadError, ImageSizeError, RecipeError, RunError
from impasto.images.io import ImageSource, read_metadata
from impasto.images.picture import NOUNS, Role
from impasto.optimize.events import OnStep
from impasto.optimize.schedule import RunPlan
from impasto.painting.options import How
from impasto.painting.painting import Painting
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import INITS
from impasto.runs.places import list_runs, runs_folder
from impasto.runs.record import Record
from impasto.runs.result import Result
from impasto.system.disk import file_sha256
from impasto.transfer.preparation import prepare_pastiche, prepare_reconstruction, prepare_texture
from impasto.transfer.resume import as_recorded, check_weights

BESIDE: tuple[tuple[Role, str], ...] = (
    ("fine_style", "fine_style"),
    ("content_mask", "content_masks"),
    ("style_mask", "style_masks"),
    ("only", "only"),
    ("protect", "protect"),
)
"""Roles of inputs beside photograph and style images, and the keyword argument of each."""

ROLES: tuple[Role, ...] = ("content", "style", *(role for role, _ in BESIDE))


def rerun(
    picture: str | os.PathLike[str],
    *,
    content: ImageSource | None = None,
    styles: Sequence[ImageSource] = (),
    changes: Mapping[str, Any] | None = None,
    force: bool = False,
    on_step: OnStep | None = None,
    **how: Unpack[How],
) -> Result:
    """A picture of ours painted again, from the recipe inside it; with nothing replaced, to the byte.

    content, styles: other inputs than those that it was painted from, which are looked for by name and SHA-256: in the
    working folder, beside the picture, and where the user's runs had them. changes: fields of the recipe.
    force: even if a file of an input's name is another one now. how: as for `stylize`.
    Raises RunError (an input has changed), ImageReadError (it is gone), RecipeError (no recipe inside, a frame of a
    morph), and what `stylize` raises.
    """
    painting = prepare_rerun(picture, content=content, styles=styles, changes=changes, force=force, **how)
    return painting.paint(on_step)


def prepare_rerun(
    picture: str | os.PathLike[str],
    *,
    content: ImageSource | None = None,
    styles: Sequence[ImageSource] = (),
    changes: Mapping[str, Any] | None = None,
    force: bool = False,
    **how: Unpack[How],
) -> Painting:
    """What `rerun` will paint: its `estimate()` tells the cost, its `paint()` is the rest."""
    picture = Path(picture)
    metadata = read_metadata(picture) or {}
    values, inputs = metadata.get("recipe"), metadata.get("inputs")
    if not isinstance(values, dict) or not _are_inputs(inputs):
        raise RecipeError(
            f"{str(picture)!r} has no recipe inside; expected a picture that impasto wrote.",
            "Use the picture as impasto wrote it: many programs drop what they do not know.",
        )
    located = _locate(values, picture)
    recipe = Recipe.from_dict(located).replace(**(changes or {}))
    if "frame" in metadata and recipe.frames > 1:
        raise RecipeError(
            f"{str(picture)!r} is of a morph of {recipe.frames} frames, each painted on from the one before; expected "
            "a picture that was painted alone.",
            f"Paint the whole again: `impasto recipe save {picture.name} -o morph.toml`, and `impasto stylize` with "
            "--recipe morph.toml.",
        )
    contents = _find_inputs(picture, inputs, "content", [] if content is None else [content], force)
    style_images = _find_inputs(picture, inputs, "style", styles, force)
    beside = {name: _find_inputs(picture, inputs, role, [], force) for role, name in BESIDE}
    same = content is None and not styles and not changes
    chosen = [how.get(name) for name in ("threads", "max_memory", "plan")]
    if same and "run" in metadata and not any(chosen) and how.get("precision", "auto") == "auto":
        how["plan"] = RunPlan.from_dict(cast(Mapping[str, Any], metadata["run"]))
    try:
        painting = _prepare_as(recipe, contents, style_images, beside, how)
    except ImageSizeError as error:
        if same or not any(sources for name, sources in beside.items() if name != "fine_style"):
            raise
        # Perhaps the new picture has another aspect than the masks.
        hint = "rerun keeps the masks of the old picture; `impasto stylize` takes others."
        raise ImageSizeError(error.error, f"{error.hint} {hint}") from error
    if same:
        painting.told = as_recorded(painting.recipe, values)
    weights: Any = metadata.get("weights")
    if isinstance(weights, dict) and "weights" not in (changes or {}):
        check_weights(painting, str(weights.get("sha256")), f"{str(picture)!r} was painted", force)
    return painting


def _are_inputs(inputs: object) -> bool:
    def is_input(each: object) -> bool:
        return isinstance(each, dict) and each.get("role") in ROLES and {"name", "sha256"} <= each.keys()

    return isinstance(inputs, list) and inputs != [] and all(map(is_input, inputs))


def _locate(values: Mapping[str, Any], picture: Path) -> dict[str, Any]:
    """The recipe's values, with files that lie beside the picture instead of where they were."""
    located = dict(values)
    for name in ("init", "weights"):
        text = str(located.get(name, ""))
        beside = picture.parent / text
        if text and text not in INITS and not Path(text).is_file() and beside.is_file():
            located[name] = str(beside)
    return located


def _find_inputs(
    picture: Path, inputs: Any, role: Role, given: Sequence[ImageSource], force: bool
) -> list[ImageSource]:
    """The pictures of one role: those given instead, or those that were painted from."""
    recorded = [entry for entry in inputs if entry["role"] == role]
    if given and not recorded:
        raise RecipeError(
            f"a {role} image is given, and {str(picture)!r} was painted without one.", f"Leave --{role} out."
        )
    if given:
        return list(given)
    # Faces are found again: there is no file of them.
    return [
        entry["name"] if "boxes" in entry else _find_input(picture, role, entry["name"], entry["sha256"], force)
        for entry in recorded
    ]


def _find_input(picture: Path, role: Role, name: str, sha256: str, force: bool) -> Path:
    named = [path for path in (Path(name), picture.parent / name) if name and path.is_file()]
    for path in (*named, *_known_paths(sha256)):
        if path.is_file() and file_sha256(path) == sha256:
            return path
    if named and force:
        return named[0]
    noun = NOUNS[role]
    if named:
        raise RunError(
            f"{str(named[0])!r} is not the {noun} that {str(picture)!r} was painted from (its SHA-256 differs).",
            f"{_option(role, 'gives the right one') or 'Put the old one back'}; --force takes this one.",
        )
    told = f"{noun} {name!r}" if name else f"{noun}, which was no file,"
    raise ImageReadError(
        f"the {told} of {str(picture)!r} is neither here nor beside it nor known from a run.",
        f"{_option(role, 'FILE gives it, or another one') or 'Put it beside the picture, or use `impasto stylize`'}.",
    )


def _option(role: Role, does: str) -> str:
    """What an option of `impasto rerun` does, or "" where it has none for the role."""
    return f"--{role} {does}" if role in ("content", "style") else ""


def _known_paths(sha256: str) -> Iterator[Path]:
    """Where the user's runs had a file of this hash."""
    try:
        runs = list_runs(runs_folder())
    except RunError:  # no home
        return
    for folder in reversed(runs):
        try:
            sources = Record.read(folder).sources
        except RunError:
            continue
        yield from (Path(source.path) for source in sources if source.path and source.sha256 == sha256)


def _prepare_as(
    recipe: Recipe,
    contents: list[ImageSource],
    styles: list[ImageSource],
    beside: Mapping[str, list[ImageSource]],
    how: How,
) -> Painting:
    """A painting by the command that such a recipe and such inputs are of."""
    if contents and styles:
        single = {name: beside[name][0] for name in ("fine_style", "only", "protect") if beside[name]}
        masks = {name: beside[name] for name in ("content_masks", "style_masks")}
        return prepare_pastiche(contents[0], styles, recipe, **single, **masks, **how)  # type: ignore[arg-type]
    if contents:
        layers, weights = recipe.content_layers, recipe.content_layer_weights
        return prepare_reconstruction(
            contents[0], content_layers=layers, content_layer_weights=weights, recipe=recipe, **how
        )
    if isinstance(recipe.size, tuple):
        return prepare_texture(styles, recipe=recipe, **how)
    layers, weights = recipe.style_layers, recipe.style_layer_weights
    return prepare_reconstruction(styles[0], style_layers=layers, style_layer_weights=weights, recipe=recipe, **how)

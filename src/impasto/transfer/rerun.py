"""Rerun: a finished picture painted again, from the recipe inside it."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack, cast

from impasto.errors import ImageReadError, ImageSizeError, RecipeError, RunError
from impasto.features.weights import RECORDS
from impasto.images.io import ImageSource, read_metadata
from impasto.optimize.events import OnStep
from impasto.optimize.schedule import RunPlan
from impasto.painting.inputs import Inputs, read_inputs
from impasto.painting.job import Job, prepare
from impasto.painting.options import PaintFields, RunOptions, split_fields
from impasto.painting.paint import paint
from impasto.painting.recorder import start_recorder
from impasto.recipe.files import init_file
from impasto.recipe.recipe import Recipe
from impasto.runs.folders import list_runs, runs_folder
from impasto.runs.record import NOUNS, Record, Role
from impasto.runs.result import Result
from impasto.system.disk import file_sha256
from impasto.system.memory import format_memory
from impasto.transfer.pastiche import check_pastiche
from impasto.transfer.reconstruction import Kind, check_reconstruction, check_weighed
from impasto.transfer.resume import check_weights
from impasto.transfer.texture import check_texture, prepare_sampled

logger = logging.getLogger(__name__)


def rerun(
    picture: str | os.PathLike[str],
    *,
    content: ImageSource | None = None,
    styles: Sequence[ImageSource] = (),
    force: bool = False,
    on_step: OnStep | None = None,
    **fields: Unpack[PaintFields],
) -> Result:
    """Paint a picture that impasto wrote again, from the recipe inside it; with nothing replaced, to the byte.

    content, styles: other inputs than those that it was painted from, which are looked for by name and SHA-256: in the
    working folder, beside the picture, and where the user's runs had them.
    force: even if a file of an input's name is another one now. fields: changes of the recipe, and run options, as for
    `stylize`.
    Raises RunError (an input has changed), ImageReadError (it is gone), RecipeError (no recipe inside, a frame of a
    morph), and what `stylize` raises.
    """
    job = prepare_rerun(picture, content=content, styles=styles, force=force, **fields)
    return paint(job, start_recorder(job), on_step)


def prepare_rerun(
    picture: str | os.PathLike[str],
    *,
    content: ImageSource | None = None,
    styles: Sequence[ImageSource] = (),
    force: bool = False,
    **fields: Unpack[PaintFields],
) -> Job:
    """Return the job that `rerun` paints."""
    picture = Path(picture)
    changes, run, _ = split_fields("rerun", fields, ["content", "styles", "force"])
    metadata = read_metadata(picture) or {}
    values, recorded = metadata.get("recipe"), metadata.get("inputs")
    if not isinstance(values, dict) or not _are_inputs(recorded):
        raise RecipeError(
            f"{str(picture)!r} has no recipe inside; expected a picture that impasto wrote.",
            "Use the picture as impasto wrote it: many programs drop what they do not know.",
        )
    known = Recipe.from_dict(values)
    recipe = known.replace(**changes)
    if "frame" in metadata and recipe.frames > 1:
        raise RecipeError(
            f"{str(picture)!r} is of a morph of {recipe.frames} frames, each started from the one before; expected "
            "a picture that was painted alone.",
            f"Paint the whole again: `impasto recipe save {picture.name} -o morph.toml`, and `impasto stylize` with "
            "--recipe morph.toml.",
        )
    is_same = content is None and not styles and not changes
    chosen = [run.get(name) for name in ("threads", "max_memory", "plan")]
    if is_same and "run" in metadata and not any(chosen) and run.get("precision", "auto") == "auto":
        run["plan"] = RunPlan.from_dict(cast(Mapping[str, Any], metadata["run"]))
    options = RunOptions(**run)
    search = _Search(picture, cast("list[Mapping[str, Any]]", recorded), force)
    contents = search.find("content", [] if content is None else [content])
    style_images = search.find("style", styles)
    has_masks = any(entry["role"] in ("content_mask", "style_mask", "only", "protect") for entry in search.recorded)
    try:
        inputs = read_inputs(
            *(recipe, options, contents[0] if contents else None, style_images),
            fine_style=search.find_one("fine_style"),
            content_masks=search.find("content_mask"),
            style_masks=search.find("style_mask"),
            only=search.find_one("only"),
            protect=search.find_one("protect"),
            init=None if "init" in changes else search.find_init(init_file(recipe)),
            weights="" if "weights" in changes or recipe.weights in RECORDS else search.beside(recipe.weights),
        )
        is_texture = not contents and isinstance(known.size, tuple)
        job = _prepare(recipe, inputs, options, is_texture=is_texture)
        limit = job.planner.budget.limit_bytes
        if is_same and job.plan.needed_bytes > limit:
            needed = format_memory(job.plan.needed_bytes)
            logger.warning(
                "%r was painted in %s, and %s may be taken here: it is planned anew and may differ in its last digits.",
                *(str(picture), needed, format_memory(limit)),
            )
            job = _prepare(recipe, inputs, replace(options, plan=None), is_texture=is_texture)
    except ImageSizeError as error:
        if is_same or not has_masks:
            raise
        # Perhaps the new picture has another aspect than the masks.
        hint = "rerun keeps the masks of the old picture; `impasto stylize` takes others."
        raise ImageSizeError(error.error, f"{error.hint} {hint}") from error
    weights: Any = metadata.get("weights")
    if isinstance(weights, dict) and "weights" not in changes:
        check_weights(job.weights, str(weights.get("sha256")), f"{str(picture)!r} was painted", force)
    return job


def _prepare(recipe: Recipe, inputs: Inputs, options: RunOptions, *, is_texture: bool) -> Job:
    """Return the job: of a texture, a pastiche or a reconstruction, as the inputs are."""
    if is_texture:
        check_texture(recipe)
        return prepare_sampled(recipe, inputs, options)
    if inputs.content is not None and inputs.styles:
        check_pastiche(recipe)
        return prepare(recipe, inputs, options)
    check_reconstruction(recipe)
    kind: Kind
    kind, other = ("style", "content") if inputs.content is None else ("content", "style")
    check_weighed(recipe, kind)
    return prepare(recipe.replace(**{f"{other}_layers": ()}), inputs, options)


def _are_inputs(inputs: object) -> bool:
    def is_input(each: object) -> bool:
        texts = [each.get(name) for name in ("role", "name", "sha256")] if isinstance(each, dict) else [None]
        return all(isinstance(text, str) for text in texts) and texts[0] in NOUNS

    return isinstance(inputs, list) and inputs != [] and all(map(is_input, inputs))


class _Search:
    """Finds the files that a picture was painted from. recorded: its inputs as its metadata have them."""

    def __init__(self, picture: Path, recorded: Sequence[Mapping[str, Any]], force: bool) -> None:
        self.recorded = recorded
        self._picture = picture
        self._force = force

    def find(self, role: Role, given: Sequence[ImageSource] = ()) -> list[ImageSource]:
        """Return the pictures of one role: those given instead, or those recorded.

        Raises RecipeError, RunError, ImageReadError.
        """
        entries = [entry for entry in self.recorded if entry["role"] == role]
        if given and not entries:
            raise RecipeError(
                f"a {role} image is given, and {str(self._picture)!r} was painted without one.",
                f"Leave --{role} out.",
            )
        if given:
            return list(given)
        # Faces are found again: there is no file of them.
        return [
            entry["name"] if "boxes" in entry else self._find(role, entry["name"], entry["sha256"]) for entry in entries
        ]

    def find_one(self, role: Role) -> ImageSource | None:
        """Return the only picture of a role, or None."""
        found = self.find(role)
        return found[0] if found else None

    def find_init(self, init: str | None) -> ImageSource | None:
        """Return the start image. init: its path in the recipe, None where the recipe names none."""
        if init is None:
            return None
        entries = [entry for entry in self.recorded if entry["role"] == "init"]
        if entries:
            return self._find("init", init, entries[0]["sha256"])
        return self.beside(init) or None  # until version 0.1 its hash was not recorded

    def beside(self, name: str) -> str:
        """Return the path of a file that lies beside the picture instead of where it was, or ""."""
        path = self._picture.parent / name
        return str(path) if name and not _is_file(Path(name)) and _is_file(path) else ""

    def _find(self, role: Role, name: str, sha256: str) -> Path:
        places = (Path(name), self._picture.parent / name, self._picture.parent / Path(name).name)
        named = [path for path in places if name and _is_file(path)]
        for path in (*named, *_known_paths(sha256)):
            if path.is_file() and file_sha256(path) == sha256:
                return path
        if named and self._force:
            return named[0]
        noun = NOUNS[role]
        if named:
            raise RunError(
                f"{str(named[0])!r} is not the {noun} that {str(self._picture)!r} was painted from (its SHA-256 "
                "differs).",
                f"{_option(role, 'gives the right one') or 'Put the old one back'}; --force takes this one.",
            )
        what = f"{noun} {name!r}" if name else f"{noun}, which was no file,"
        raise ImageReadError(
            f"the {what} of {str(self._picture)!r} is neither here nor beside it nor known from a run.",
            f"{_option(role, 'FILE gives it') or 'Put it beside the picture, or use `impasto stylize`'}.",
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than the system takes
        return False


def _option(role: Role, does: str) -> str:
    """Return what an option of `impasto rerun` does, or "" where it has none for the role."""
    return f"--{role} {does}" if role in ("content", "style", "init") else ""


def _known_paths(sha256: str) -> Iterator[Path]:
    """Yield where the user's runs had a file of this hash."""
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

"""Rerun: a finished picture painted again, from the recipe inside it."""

import itertools
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard, Unpack, cast

from impasto.errors import ImageReadError, ImageSizeError, RecipeError, RunError
from impasto.fast.instant import NAME
from impasto.features.weights import RECORDS
from impasto.images.io import ImageSource, read_metadata
from impasto.optimize.events import OnStep
from impasto.optimize.schedule import RunPlan
from impasto.painting.inputs import Inputs, read_inputs, to_list
from impasto.painting.job import Job, prepare
from impasto.painting.options import ImageSources, PasticheFields, RunOptions, split_fields
from impasto.painting.paint import paint
from impasto.painting.recorder import start_recorder
from impasto.recipe.files import init_file
from impasto.recipe.recipe import Recipe
from impasto.runs.folders import list_runs, runs_folder
from impasto.runs.record import MASKS, NOUNS, Record, Role
from impasto.runs.result import Result
from impasto.system.disk import file_sha256, to_path
from impasto.system.memory import format_memory
from impasto.transfer.instant import check_network, one_pass_error, paint_start
from impasto.transfer.pastiche import check_pastiche
from impasto.transfer.reconstruction import Kind, check_reconstruction, check_weighed
from impasto.transfer.resume import check_weights
from impasto.transfer.texture import check_texture, prepare_sampled

logger = logging.getLogger(__name__)


def rerun(
    picture: str | os.PathLike[str],
    *,
    content: ImageSource | None = None,
    styles: ImageSources = (),
    force: bool = False,
    on_step: OnStep | None = None,
    **fields: Unpack[PasticheFields],
) -> Result:
    """Paint a picture that impasto wrote again, from the recipe inside it; with nothing replaced, to the byte.

    content, styles: other inputs than those that it was painted from, which are looked for by name and SHA-256: in the
    working folder, beside the picture, and where the user's runs had them. A picture painted with `strip` names none:
    all of them must be given, and whether they are the same cannot be checked.
    force: even if a file of an input's name is another one now. fields: changes of the recipe, run options, fine style
    and masks, as for `stylize`.
    Raises RunError (an input has changed, or must be given), ImageReadError (it is gone), RecipeError (no recipe
    inside, a frame of a morph), and what `stylize` raises.
    """
    job = prepare_rerun(picture, content=content, styles=styles, force=force, **fields)
    return paint(job, start_recorder(job), on_step)


def prepare_rerun(
    picture: str | os.PathLike[str],
    *,
    content: ImageSource | None = None,
    styles: ImageSources = (),
    force: bool = False,
    **fields: Unpack[PasticheFields],
) -> Job:
    """Return the job that `rerun` paints."""
    picture = to_path(picture, "picture", ImageReadError)
    own = ("content", "styles", "force", *PasticheFields.__annotations__)
    changes, run, pictures = split_fields("rerun", fields, own)
    metadata = read_metadata(picture) or {}
    values, recorded = metadata.get("recipe"), metadata.get("inputs")
    if not isinstance(values, dict) or not _are_inputs(recorded):
        raise RecipeError(
            f"{str(picture)!r} has no recipe inside; expected a picture that impasto wrote.",
            "Use the picture as impasto wrote it: many programs drop what they do not know.",
        )
    known = Recipe.from_dict(values)
    if isinstance(by := metadata.get("network"), dict):
        raise one_pass_error(str(picture), known, by, [str(entry["name"]) for entry in recorded])
    recipe = known.replace(**changes)
    network = ""
    if known.init == NAME:  # its start image is painted again
        network = "".join(str(entry["sha256"]) for entry in recorded if entry["role"] == "init")
        recorded = [entry for entry in recorded if entry["role"] != "init"]
    if "frame" in metadata and recipe.frames > 1:
        raise RecipeError(
            f"{str(picture)!r} is of a morph of {recipe.frames} frames, each started from the one before; expected "
            "a picture that was painted alone.",
            f"Paint the whole again: `impasto recipe save {picture.name} -o morph.toml`, and `impasto stylize` with "
            "--recipe morph.toml.",
        )
    given = _by_role({**pictures, "content": content, "styles": to_list(styles)})
    if "init" in changes:
        given["init"] = [recipe.init]
    search = _Search(picture, recorded, given, force)
    search.check_stripped()
    is_same = given.keys() <= search.stripped and changes.keys() <= given.keys()
    chosen = [run.get(name) for name in ("threads", "max_memory", "plan")]
    if is_same and "run" in metadata and not any(chosen) and run.get("precision", "auto") == "auto":
        run["plan"] = RunPlan.from_dict(cast(Mapping[str, Any], metadata["run"]))
    options = RunOptions(**run)
    weights: Any = None if "weights" in changes else metadata.get("weights")
    contents, style_images = search.find("content"), search.find("style")
    keeps_masks = any(entry["role"] in MASKS and entry["role"] not in given for entry in search.recorded)
    try:
        inputs = read_inputs(
            *(recipe, options, contents[0] if contents else None, style_images),
            fine_style=search.find_one("fine_style"),
            content_masks=search.find("content_mask"),
            style_masks=search.find("style_mask"),
            only=search.find_one("only"),
            protect=search.find_one("protect"),
            init=None if "init" in changes else search.find_init(init_file(recipe)),
            weights=search.find_weights(recipe.weights, weights) if isinstance(weights, dict) else "",
        )
        is_texture = not contents and isinstance(known.size, tuple)
        if given and options.plan is not None:
            # Another picture than that of the plan, if it is planned in other sizes.
            planned = _prepare(recipe, inputs, replace(options, plan=None), is_texture=is_texture).plan
            if not planned.has_sizes_of(options.plan):
                options = replace(options, plan=None)
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
        if is_same or not keeps_masks:
            raise
        # Perhaps the new picture has another aspect than the masks.
        hint = "rerun keeps the masks of the old picture, unless it is given others."
        raise ImageSizeError(error.error, f"{error.hint} {hint}") from error
    if network and job.inputs.init is not None and recipe.init == NAME:
        check_network(job.inputs.init.sha256, network, f"{str(picture)!r} was begun", force)
    if isinstance(weights, dict):
        check_weights(job.weights, str(weights.get("sha256")), f"{str(picture)!r} was painted", force)
    return job


def _prepare(recipe: Recipe, inputs: Inputs, options: RunOptions, *, is_texture: bool) -> Job:
    """Return the job: of a texture, a pastiche or a reconstruction, as the inputs are."""
    if is_texture:
        check_texture(recipe)
        return prepare_sampled(recipe, inputs, options)
    if inputs.content is not None and inputs.styles:
        check_pastiche(recipe)
        return paint_start(prepare(recipe, inputs, options))
    check_reconstruction(recipe)
    kind: Kind
    kind, other = ("style", "content") if inputs.content is None else ("content", "style")
    check_weighed(recipe, kind)
    return prepare(recipe.replace(**{f"{other}_layers": ()}), inputs, options)


def _are_inputs(inputs: object) -> TypeGuard[list[Mapping[str, Any]]]:
    def is_input(each: object) -> bool:
        texts = [each.get(name) for name in ("role", "name", "sha256")] if isinstance(each, dict) else [None]
        return all(isinstance(text, str) for text in texts) and texts[0] in NOUNS

    return isinstance(inputs, list) and inputs != [] and all(map(is_input, inputs))


def _by_role(pictures: Mapping[str, Any]) -> dict[Role, list[ImageSource]]:
    """Return the pictures among keyword arguments by role; roles of which there is none are left out."""
    roles = {role: pictures.get(role, pictures.get(f"{role}s")) for role in NOUNS}
    given = {role: to_list(sources) for role, sources in roles.items() if sources is not None}
    return {role: sources for role, sources in given.items() if sources}


class _Search:
    """Finds the files that a picture was painted from.

    recorded: its inputs as its metadata have them. given: what to take instead, by role.
    stripped: the roles of inputs whose names and SHA-256 were left out.
    """

    def __init__(
        self,
        picture: Path,
        recorded: Sequence[Mapping[str, Any]],
        given: Mapping[Role, list[ImageSource]],
        force: bool,
    ) -> None:
        self.recorded = recorded
        self.stripped = {entry["role"] for entry in recorded if not entry["sha256"] and "boxes" not in entry}
        self._picture = picture
        self._given = given
        self._force = force

    def check_stripped(self) -> None:
        """Accept a picture whose stripped inputs are all given, with a warning. Raises RunError."""
        roles = [role for role in NOUNS if role in self.stripped]
        if missing := [role for role in roles if role not in self._given]:
            raise RunError(
                f"{str(self._picture)!r} was painted with --strip and does not name its inputs; expected its "
                f"{', '.join(NOUNS[role] for role in missing)}.",
                f"Give {' '.join(f'{_option(role)} FILE' for role in missing)}.",
            )
        if roles:
            logger.warning(
                "%r was painted with --strip: whether the %s given here is what it was painted from cannot be checked.",
                *(str(self._picture), ", ".join(NOUNS[role] for role in roles)),
            )

    def find(self, role: Role) -> list[ImageSource]:
        """Return the pictures of one role: those given instead, or those recorded.

        Raises RecipeError, RunError, ImageReadError.
        """
        entries = [entry for entry in self.recorded if entry["role"] == role]
        if role in self._given and not entries:
            raise RecipeError(
                f"a {NOUNS[role]} is given, and {str(self._picture)!r} was painted without one.",
                f"Leave {_option(role)} out.",
            )
        if role in self._given:
            return self._given[role]
        # Faces are found again: there is no file of them.
        return [
            entry["name"] if "boxes" in entry else self._find(role, entry["name"], entry["sha256"]) for entry in entries
        ]

    def find_one(self, role: Role) -> ImageSource | None:
        """Return the only picture of a role, or None."""
        found = self.find(role)
        return found[0] if found else None

    def find_init(self, init: str | None) -> ImageSource | None:
        """Return the start image. init: its name in the recipe, None where the recipe names none."""
        if init is None:
            return None
        entries = [entry for entry in self.recorded if entry["role"] == "init"]
        if entries and str(entries[0]["name"]).endswith(".safetensors") and not Path(init).suffix:
            version = (read_metadata(self._picture) or {}).get("version")
            raise RunError(
                f"{str(self._picture)!r} was begun by the style {init!r}, which this impasto does not have; expected "
                f"its network {entries[0]['name']}.",
                f"Install the version that painted it: pip install impasto=={version}. Or give --init.",
            )
        if entries:
            return self._find("init", init, entries[0]["sha256"])
        named = self._named(init)  # until version 0.1 its hash was not recorded
        return named[0] if named else None

    def find_weights(self, name: str, recorded: Mapping[str, Any]) -> str:
        """Return the path of the weights file of this name, "" where there is none. recorded: its SHA-256."""
        if name in RECORDS:
            return ""
        named = self._named(name)
        found = _with_hash(named, str(recorded.get("sha256"))) or (named[0] if named else "")
        return str(found)

    def _find(self, role: Role, name: str, sha256: str) -> Path:
        named = self._named(name)
        if (found := _with_hash(named, sha256)) is not None:
            return found
        if named and self._force:
            return named[0]
        noun = NOUNS[role]
        if named:
            raise RunError(
                f"{str(named[0])!r} is not the {noun} that {str(self._picture)!r} was painted from (its SHA-256 "
                "differs).",
                f"{_option(role)} gives the right one; --force takes this one.",
            )
        what = f"{noun} {name!r}" if name else f"{noun}, which was no file,"
        raise ImageReadError(
            f"the {what} of {str(self._picture)!r} is neither here nor beside it nor known from a run.",
            f"{_option(role)} FILE gives it.",
        )

    def _named(self, name: str) -> list[Path]:
        """Return the files of a name: in the working folder, and beside the picture."""
        beside = self._picture.parent
        return [path for path in (Path(name), beside / name, beside / Path(name).name) if name and _is_file(path)]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than the system takes
        return False


def _option(role: Role) -> str:
    """Return the option of `impasto rerun` that gives a picture of this role."""
    return f"--{role.replace('_', '-')}"


def _with_hash(named: Sequence[Path], sha256: str) -> Path | None:
    """Return the first file of this hash: among those named, or where the user's runs had one."""
    there = (path for path in itertools.chain(named, _known_paths(sha256)) if path.is_file())
    return next((path for path in there if file_sha256(path) == sha256), None)


def _known_paths(sha256: str) -> Iterator[Path]:
    """Yield where the user's runs had a file of this hash."""
    try:
        runs = list_runs(runs_folder())
    except RunError:  # no home
        return
    for folder in reversed(runs):
        try:
            record = Record.read(folder)
        except RunError:
            continue
        yield from (Path(source.path) for source in record.sources if source.path and source.sha256 == sha256)
        yield from (Path(file["path"]) for file in record.files.values() if file["sha256"] == sha256)

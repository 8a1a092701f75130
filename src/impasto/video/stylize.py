"""Paint a film: by optimization, by a trained network, or in the style of any painting at once."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from impasto.errors import RecipeError, VideoReadError
from impasto.fast.instant import find_files
from impasto.fast.model import read_style_or_model
from impasto.images.formats.decoding import check_file
from impasto.painting.inputs import check_given, to_list
from impasto.painting.options import PaintFields, RunOptions, check_callback, choose_recipe, split_fields
from impasto.recipe.checks import check_aspect, check_blend
from impasto.recipe.fields import shown, to_plain
from impasto.recipe.recipe import ONE_PASS, Recipe
from impasto.system.disk import to_path
from impasto.transfer.apply import RECIPE_FIELDS as TRAINED_FIELDS
from impasto.transfer.apply import Painter
from impasto.transfer.instant import RECIPE_FIELDS as INSTANT_FIELDS
from impasto.video.film import RATE
from impasto.video.flow import import_opencv
from impasto.video.frames import Source
from impasto.video.job import INSTANT, OPTIMIZE, VideoJob, is_film, open_film
from impasto.video.paint import Video, painter_factory
from impasto.video.painters import build_frames
from impasto.video.result import OnVideo, VideoResult
from impasto.video.run import run_folder
from impasto.video.sink import check_film_output
from impasto.video.source import open_source
from impasto.workers.processes import ProcessPool

Path = str | os.PathLike[str]

PICTURE_FIELDS = ("depth", "dpi", "keep_profile", "strip", "frames")
"""Recipe fields of single pictures, which a film does not have."""

OPTIONS = ("device", "threads", "precision", "max_pixels", "max_memory")


class VideoFields(PaintFields, total=False):
    """The keyword arguments of `stylize_video` beside those of its signature: fields of `Recipe`, and run options.

    rate: frames a second of a folder of pictures, 25 if left out. start, duration: the part of the film that is
    painted, in seconds; all of it if left out. every: paint one of so many frames, each shown as long as all of them.
    morph: from the first style through all to the last, evenly over the film. passes: over each scene of an optimized
    film, the second one backwards, and so on: Ruder et al., section 4.4. steady: False paints each frame of a network
    by itself, which flickers.
    content_masks, style_masks, only, protect: as for `stylize`, but paths; a film or a folder has a mask of each frame.
    """

    rate: float | None
    start: float
    duration: float | None
    every: int
    morph: bool
    passes: int
    steady: bool
    content_masks: Path | Sequence[Path]
    style_masks: Path | Sequence[Path]
    only: Path | None
    protect: Path | None


OWN_FIELDS = tuple(name for name in VideoFields.__annotations__ if name not in PaintFields.__annotations__)


def stylize_video(
    video: Path,
    style_images: Path | Sequence[Path],
    output: Path,
    recipe: Recipe | None = None,
    *,
    with_: str = OPTIMIZE,
    workers: int = 1,
    on_event: OnVideo | None = None,
    **fields: Unpack[VideoFields],
) -> VideoResult:
    """Paint a film, with its sound, in the style of the style images; called again after a stop, it continues.

    video: a film, an animation, or a folder of numbered pictures. style_images: paintings; of a trained network the
    names of its styles, which may be (). output: .mp4, .mov, .mkv, .webm, .gif, .webp, or a folder for pictures.
    with_: "optimize" paints each frame by the recipe, from the last one carried along the motion: Ruder, Dosovitskiy
    and Brox 2016 (arXiv 1604.08610); "instant" by the network of `stylize_instantly`; else the name of a shipped style
    or the file of a network. recipe: for "optimize"; networks take the fields of `PainterFields`, `InstantFields`.
    workers: processes among which the scenes of a network's film are shared. on_event: called with a `VideoEvent` after
    each frame and step; may return "stop".
    Until the film is finished, its parts are in a folder beside it, named `OUT.parts`. On a CPU a film that was stopped
    and continued has the same frames. Needs the extra `video`.
    Raises VideoReadError, OutputError, RecipeError, MissingExtraError, RunLockedError, and what `stylize`,
    `load_painter` and `stylize_instantly` raise.
    """
    check_callback("on_event", on_event)
    if not isinstance(workers := to_plain(workers), int) or isinstance(workers, bool) or workers < 1:
        raise RecipeError(f"workers is {shown(workers)}; expected a whole number of at least 1.", "Or leave it out.")
    prepared = prepare_video(video, style_images, output, recipe, with_=with_, **fields)
    check_workers(prepared, workers > 1)
    factory = painter_factory(prepared.options)
    return prepared.paint(on_event, None if workers == 1 else lambda: ProcessPool(factory, workers))


def prepare_video(
    video: Path,
    style_images: Path | Sequence[Path],
    output: Path,
    recipe: Recipe | None = None,
    *,
    with_: str = OPTIMIZE,
    **fields: Unpack[VideoFields],
) -> Video:
    """Return the film that `stylize_video` paints, checked, with its networks loaded."""
    own = ("recipe", "with_", "workers", "on_event", *OWN_FIELDS)
    changes, run, rest = split_fields("stylize_video", fields, own, OPTIONS)
    options = RunOptions(**run)
    import_opencv()
    source = open_source(video, rate=to_plain(rest.get("rate")))
    chosen, styles, network = _choose(with_, recipe, changes, _to_texts("style image", style_images))
    check_aspect(chosen.size)
    values: dict[str, Any] = {
        name: to_plain(rest[name]) for name in ("every", "morph", "passes", "steady") if name in rest
    }
    values |= {name: _to_texts(name, rest.get(name) or ()) for name in ("content_masks", "style_masks")}
    values |= {name: next(iter(_to_texts(name, rest.get(name) or ())), None) for name in ("only", "protect")}
    job = VideoJob(
        source=os.fspath(video),
        rate=source.rate,
        method=with_,
        recipe=chosen,
        styles=styles,
        network=network,
        start_s=to_plain(rest.get("start", 0.0)),
        duration_s=to_plain(rest.get("duration")),
        **values,
    )
    _check_masks(job, source)
    folder = run_folder(to_path(output, "film"), job.key())
    path = check_film_output(output, inputs=job.paths, is_resumed=folder.exists())
    return Video(job=job, source=source, output=path, options=options, painter=build_frames(job, options))


def check_workers(video: Video, is_shared: bool) -> None:
    """Accept workers for a film that a network paints. Raises RecipeError."""
    if is_shared and video.job.is_optimized:
        raise RecipeError(
            "workers is given for a film that is optimized, whose frames follow from each other; expected a network.",
            "Leave --workers and --ray out, or paint --with instant.",
        )


def _choose(
    method: str, recipe: Recipe | None, changes: Mapping[str, Any], styles: tuple[str, ...]
) -> tuple[Recipe, tuple[str, ...], str]:
    """Return recipe, styles and the network's SHA-256. Raises RecipeError, WeightsError, ImageReadError."""
    model = None if method in (OPTIMIZE, INSTANT) else read_style_or_model(method)
    _check_heeded(changes, method)
    if recipe is not None and method != OPTIMIZE:
        raise RecipeError(
            f"recipe is given with {method!r}, a network, which is not optimized; expected its fields alone.",
            "Leave --preset and --recipe out, or paint --with optimize.",
        )
    if model is not None:
        chosen, names = Painter(model, device="cpu").choose({**changes, **({"style": styles} if styles else {})})
        return chosen, tuple(names), model.sha256
    check_given("style image", styles)
    for style in styles:
        check_file(to_path(style, "style image"), f"style image {style!r}")
    if method == INSTANT:
        find_files()
        recipe = ONE_PASS.replace(size="content")
    chosen = choose_recipe(recipe, "standard", changes)
    check_blend(chosen.style_blend, len(styles))
    return chosen, styles, ""


def _check_heeded(changes: Mapping[str, Any], method: str) -> None:
    """Accept fields that a method heeds. Raises RecipeError."""
    fields = {OPTIMIZE: (*Recipe.__dataclass_fields__,), INSTANT: (*INSTANT_FIELDS, "only_feather")}
    heeded = [name for name in fields.get(method, TRAINED_FIELDS) if name not in PICTURE_FIELDS]
    for name in changes:
        if name in PICTURE_FIELDS:
            raise RecipeError(f"{name} is given for a film; expected none, since it is of a picture.", "Leave it out.")
        if name not in heeded:
            raise RecipeError(
                f"{name} is given for a film painted with {method!r}; expected one of {', '.join(heeded)}.",
                "Leave it out, or paint --with optimize.",
            )


def _check_masks(job: VideoJob, source: Source) -> None:
    """Accept masks that the method has, each as long as the film. Raises RecipeError, VideoReadError."""
    has = {OPTIMIZE: ("content_masks", "style_masks", "only", "protect"), INSTANT: ("only",)}
    for name in ("content_masks", "style_masks", "only", "protect"):
        if getattr(job, name) and name not in has.get(job.method, ("content_masks", "only")):
            option = f"--{name.removesuffix('s').replace('_', '-')}"
            raise RecipeError(
                f"{option} is given for a film painted with {job.method!r}, which has no such mask; expected none.",
                "Leave it out, or paint --with optimize.",
            )
    for path in (path for paths in job.masks().values() for path in paths if not is_film(path)):
        check_file(to_path(path, "mask"), f"mask {path!r}")
    ends = [end for end in (source.duration_s, job.end_s) if end is not None]
    for path in (path for paths in job.masks().values() for path in paths if is_film(path)):
        length_s, tick_s = open_film(path, job.rate).duration_s, 1 / (source.rate or RATE)
        if length_s is not None and ends and length_s < min(ends) - tick_s:
            raise VideoReadError(
                f"mask {path!r} is {length_s:.2f} s long, the film is painted up to second {min(ends):.2f}; expected a "
                "mask for each frame.",
                "Give a longer mask, or a --duration.",
            )


def _to_texts(noun: str, files: Any) -> tuple[str, ...]:
    return tuple(os.fspath(to_path(file, noun)) if not isinstance(file, str) else file for file in to_list(files))

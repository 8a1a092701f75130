"""`impasto video`: a film painted by optimization, by a trained network, or in any style at once."""

import contextlib
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.batch import AUTO, RayOption
from impasto.cli.estimate import describe_gib
from impasto.cli.options import (
    ContentMasks,
    DryRun,
    Machine,
    Protect,
    Report,
    StyleMasks,
    build_recipe,
    complete,
    takes_changes,
)
from impasto.cli.progress import Progress, show_progress
from impasto.cli.report import STOPPED, print_json, print_line
from impasto.cli.signatures import takes_options
from impasto.cost.pace import describe_seconds
from impasto.recipe.presets import preset_names
from impasto.recipe.recipe import Recipe

if TYPE_CHECKING:
    from impasto.video.paint import Video
    from impasto.video.result import VideoEstimate, VideoEvent, VideoResult
    from impasto.workers.pool import WorkerPool

LINE_EVERY_S, LINES = 10.0, 20
"""Seconds between two lines of progress at least, and about how many a long film has."""


def _complete_method(incomplete: str) -> list[str]:
    from impasto.recipe.shipped import shipped_styles

    return complete(["optimize", "instant", *shipped_styles()])(incomplete)


In = Annotated[
    Path,
    typer.Argument(metavar="IN", help="a film, an animation, or a folder of numbered pictures", show_default=False),
]
Styles = Annotated[
    list[str] | None,
    typer.Argument(metavar="STYLE", help="paintings; with a trained network, names of its styles", show_default=False),
]
Output = Annotated[
    Path,
    typer.Option(
        "-o", "--output", metavar="OUT", help="the film: .mp4, .mov, .mkv, .webm, .gif, .webp; or a folder"
    ),
]
With = Annotated[
    str,
    typer.Option(
        "--with",
        metavar="NAME",
        help="optimize: best, slow; instant: quick; a style of `impasto styles`, or a file of `impasto train`",
        autocompletion=_complete_method,
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        metavar="N", help="frames a second of a folder of pictures", show_default="25", rich_help_panel="Look"
    ),
]
Start = Annotated[float, typer.Option("--start", min=0.0, metavar="S", help="begin at this second of the film")]
Duration = Annotated[
    float | None, typer.Option("--duration", metavar="S", help="paint so many seconds; default: to the end")
]
Every = Annotated[int, typer.Option(min=1, metavar="N", help="paint every N-th frame, N times as long")]
Morph = Annotated[
    bool,
    typer.Option("--morph", metavar="", help="from the first STYLE through all to the last", rich_help_panel="Look"),
]
Steady = Annotated[
    bool,
    typer.Option("--steady/--no-steady", help="steady a network's frames along the motion", rich_help_panel="Look"),
]
Passes = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="N",
        help="passes over each scene with optimize: forwards, backwards, ...",
        rich_help_panel="Optimization",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="preset of optimize; default: standard",
        rich_help_panel="Recipe",
        autocompletion=complete(preset_names()),
    ),
]
RecipeFile = Annotated[
    Path | None,
    typer.Option("--recipe", metavar="FILE.toml", help="recipe file instead of a preset", rich_help_panel="Recipe"),
]
OnlyFilm = Annotated[
    str | None,
    typer.Option(
        "--only",
        metavar="FILE|DIR",
        help="black and white picture or film: white is painted, black stays",
        rich_help_panel="Masks",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, metavar="N", help="processes that share a network's scenes", rich_help_panel="Machine"
    ),
]
Cores = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="with --ray: CPU cores of a worker without GPU", rich_help_panel="Machine"),
]


@takes_options
@takes_changes
def video(
    context: typer.Context,
    film: In,
    styles: Styles = None,
    output: Output = ...,  # type: ignore[assignment]
    with_: With = "optimize",
    rate: Rate = None,
    start: Start = 0.0,
    duration: Duration = None,
    every: Every = 1,
    morph: Morph = False,
    passes: Passes = 1,
    steady: Steady = True,
    preset: Preset = None,
    recipe: RecipeFile = None,
    *,
    changes: Mapping[str, Any],
    content_mask: ContentMasks = None,
    style_mask: StyleMasks = None,
    only: OnlyFilm = None,
    protect: Protect = None,
    workers: Workers = None,
    ray: RayOption = None,
    cores_per_worker: Cores = None,
    machine: Machine,
    dry_run: DryRun = False,
    report: Report,
) -> None:
    """Repaint a film, with its sound.

    impasto video film.mp4 --with starry-night -o painted.mp4
    impasto video film.mp4 painting.jpg --with instant -o painted.mp4
    impasto video film.mp4 painting.jpg -o painted.mp4 --start 4 --duration 2

    Called again after a stop, it continues from what is in OUT.parts.
    """
    from impasto.errors import RecipeError
    from impasto.video.stylize import check_workers, prepare_video

    chosen: Recipe | None = None
    if preset is not None or recipe is not None:
        chosen = build_recipe(preset, recipe, {})
    if cores_per_worker is not None and ray is None:
        raise RecipeError("--cores-per-worker is given without --ray; expected both.", "Give --workers N here.")
    keywords: Any = {**machine.keywords(), **changes, "content_masks": content_mask or (), "only": only}
    keywords |= {"style_masks": style_mask or (), "protect": protect, "morph": morph, "passes": passes}
    keywords |= {"steady": steady}
    keywords |= {"rate": rate, "start": start, "duration": duration, "every": every, "with_": with_}
    prepared = prepare_video(film, styles or (), output, chosen, **keywords)
    check_workers(prepared, ray is not None or (workers or 1) > 1)
    if dry_run or not report.quiet:
        _report_estimate(prepared.estimate(), report, dry_run=dry_run)
    with contextlib.ExitStack() as stack:
        if ray is not None:  # it prints news of dead workers on stdout, which is for the result
            stack.enter_context(contextlib.redirect_stdout(stack.enter_context(open(os.devnull, "w"))))
        shown = VideoProgress(stack.enter_context(show_progress(quiet=report.quiet)))
        pool = ray is not None or (workers or 1) > 1
        result = prepared.paint(
            context.obj.on_step(shown.on_event),
            (lambda: _start_pool(prepared, ray, workers, cores_per_worker)) if pool else None,
        )
        context.obj.start_saving()
    for warning in result.warnings:
        print_line(f"impasto: warning: {warning}", file=sys.stderr)
    if report.json:
        print_json(result.to_dict())
    else:
        print_line(_describe(result))
    raise typer.Exit(STOPPED if result.end == "stopped" else 0)


class VideoProgress:
    """Shows how many frames are done, how fast, and the time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._first: tuple[float, int] | None = None
        self._shown_s = 0.0

    def on_event(self, event: "VideoEvent") -> None:
        """Show an event."""
        if event.kind == "read":
            self._progress.update("reading the film", event.frame, event.frames, detail=True)
            return
        self._progress.remove("reading the film")
        now = time.monotonic()
        if self._first is None:
            self._first = now, event.frame
        began_s, before = self._first
        done, total = event.frame - before, event.frames or 1
        pace = (now - began_s) / done if done else 0.0
        left = f"{1 / pace:.2g} frames/s, {describe_seconds(pace * (total - event.frame))} left" if pace else ""
        if event.step is not None:
            left = ", ".join(filter(None, [f"step {event.step.step} of {event.step.steps}", left]))
        is_due = now - self._shown_s >= max(LINE_EVERY_S, pace * (total - before) / LINES)
        if is_due:
            self._shown_s = now
        self._progress.update("painting, frames", event.frame, event.frames, left, detail=not is_due)


def _start_pool(video: "Video", ray: str | None, workers: int | None, cores: int | None) -> "WorkerPool[Any]":
    from impasto.video.paint import painter_factory

    factory = painter_factory(video.options)
    if ray is None:
        from impasto.workers.processes import ProcessPool

        return ProcessPool(factory, workers or 1)
    from impasto.workers.connect import connect
    from impasto.workers.ray_pool import RayPool

    cluster = connect(None if ray == AUTO else ray)
    return RayPool(cluster, factory, workers=workers, cores=cores, use_gpus=video.options.device != "cpu")


def _report_estimate(estimate: "VideoEstimate", report: Report, *, dry_run: bool) -> None:
    """Print the time that the film will take, and a quicker way; a dry run ends the command."""
    if dry_run and report.json:
        print_json(estimate.to_dict())
        raise typer.Exit
    height, width = estimate.size
    time = f"{describe_seconds(estimate.frame_s)} each"
    if estimate.seconds is not None:
        time = f"about {describe_seconds(estimate.seconds)}"
    frames = "frames" if estimate.frames is None else f"{estimate.frames} frames"
    lines = [f"{frames} of {width}x{height} pixels: {time}, needs {describe_gib(estimate.peak_bytes)}"]
    if estimate.method == "optimize":
        quicker = "" if estimate.instant_s is None else f", about {describe_seconds(estimate.instant_s)}"
        lines.append(f"quicker: --with instant{quicker}; or a network of `impasto styles`")
    for line in lines:
        print_line(line, file=sys.stdout if dry_run else sys.stderr)
    if dry_run:
        raise typer.Exit


def _describe(result: "VideoResult") -> str:
    height, width = result.size
    pace = ""
    if result.painted:
        speed = result.painted / max(result.seconds, 1e-9)
        pace = f", {result.painted} painted in {describe_seconds(result.seconds)} ({speed:.2g} frames/s)"
    end = "; stopped: call it again for the rest" if result.end == "stopped" else ""
    return f"{result.output}: {width}x{height}, {result.frames} frames, {result.fps:.4g} frames/s{pace}{end}"

"""`impasto batch`: paint many photographs in many styles, on this machine or a cluster."""

import contextlib
import os
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.batch_progress import BatchProgress
from impasto.cli.estimate import describe_gib
from impasto.cli.options import STYLIZE_FIELDS, Machine, Report, complete, takes_recipe
from impasto.cli.progress import show_progress
from impasto.cli.report import print_json, print_line
from impasto.cli.signatures import takes_options
from impasto.cost.pace import describe_seconds
from impasto.recipe.recipe import Recipe

if TYPE_CHECKING:
    from impasto.batch.forecast import Forecast
    from impasto.batch.jobs import Job, Setup
    from impasto.batch.run import Tally
    from impasto.workers.pool import WorkerPool

SOME_FAILED = 3
"""Exit code of a batch of which some pictures failed."""

AUTO = "auto"
"""Stands for --ray without an address: RAY_ADDRESS, the cluster of this machine, or a new one."""

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CONTENTS STYLES", help="photographs and paintings: a folder, a file, or a pattern in quotes"
    ),
]
Folder = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="folder for the pictures")]
From = Annotated[
    Path | None,
    typer.Option(
        "--from", metavar="LIST", help=".csv or .jsonl: content, style, output and any recipe field, a picture a row"
    ),
]
PairsOption = Annotated[
    str,
    typer.Option(
        "--pairs",
        metavar="all|zip",
        help="every photograph in every style, or first in first, ...",
        autocompletion=complete(("all", "zip")),
    ),
]
Template = Annotated[
    str, typer.Option(metavar="NAME", help="names of the pictures: content, style, index and recipe fields in braces")
]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="pictures at a time, sharing cores and memory", rich_help_panel="Machine"),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="CPU threads a picture; default: its share", rich_help_panel="Machine"),
]
RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="[ADDRESS]",
        help="paint on a Ray cluster: host:port, or that of this machine, or a new one",
        rich_help_panel="Machine",
    ),
]
Cores = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="with --ray: CPU cores of a worker without GPU", rich_help_panel="Machine"),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", metavar="", help="show what is left to do, and paint nothing", rich_help_panel="Report"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMachine(Machine):
    """Options of `Machine` for each of several pictures at a time."""

    threads: Threads = None


@takes_options
@takes_recipe("standard", without=STYLIZE_FIELDS)
def batch(
    context: typer.Context,
    output: Folder,
    recipe: Recipe,
    inputs: Inputs = None,
    list_file: From = None,
    pairs: PairsOption = "all",
    name_template: Template = "{content}_{style}.png",
    jobs: Jobs = None,
    ray: RayOption = None,
    cores_per_worker: Cores = None,
    *,
    machine: BatchMachine,
    dry_run: DryRun = False,
    report: Report,
) -> None:
    """Repaint many photographs in many styles.

    impasto batch photos paintings -o out

    Called again, it paints only what is missing, changed or failed; manifest.jsonl in DIR records
    every picture. One bad file does not stop the others: the exit code is then 3.
    """
    from impasto.batch.forecast import forecast
    from impasto.batch.jobs import Setup
    from impasto.batch.plan import check_jobs
    from impasto.batch.run import paint_batch
    from impasto.errors import BatchError

    keywords: Any = machine.keywords()
    setup = Setup(**keywords)
    planned = _list_jobs(inputs or [], list_file, pairs, name_template, recipe, output)
    if cores_per_worker is not None and ray is None:
        raise BatchError("--cores-per-worker is given without --ray; expected both.", "Give --jobs N on one machine.")
    count = check_jobs(planned, output)
    if dry_run:
        _print_forecast(forecast(planned, count, output, setup, jobs or 1), output, jobs or 1, as_json=report.json)
        return

    def start_pool(first: "Job") -> "WorkerPool[Any]":
        return _start_pool(setup, first, ray, min(jobs or 1, count) if ray is None else jobs, cores_per_worker)

    started = time.perf_counter()
    try:
        with contextlib.ExitStack() as stack:
            if ray is not None:  # it prints news of dead workers on stdout, which is for the result
                stack.enter_context(contextlib.redirect_stdout(stack.enter_context(open(os.devnull, "w"))))
            progress = BatchProgress(stack.enter_context(show_progress(quiet=report.quiet)))
            tally = paint_batch(planned, count, output, start_pool, progress.on_event)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"stopped; {str(output)!r} holds all pictures finished so far.") from error
    if tally.enlarged and not report.quiet:
        share = f"{tally.enlarged} of {tally.done}"
        print_line(f"enlarged: {share} beyond their photographs; --size content keeps their sizes", file=sys.stderr)
    _print_tally(tally, output, recipe, time.perf_counter() - started, as_json=report.json)
    if tally.failed:
        raise typer.Exit(SOME_FAILED)


def fill_ray(words: Sequence[str]) -> list[str]:
    """Return the words of a command line with an address after each --ray, since Typer has no optional values."""
    filled = list(words)
    for index, (word, following) in enumerate(zip(words, [*words[1:], ""], strict=False)):
        if word == "--":
            break
        if word == "--ray" and not re.fullmatch(r"(ray://)?[^/\s]+:\d+/?|auto|local", following):
            filled[index] = f"--ray={AUTO}"
    return filled


def _list_jobs(
    inputs: Sequence[str], list_file: Path | None, pairs: str, template: str, recipe: Recipe, folder: Path
) -> "Iterable[Job]":
    from impasto.batch.joblist import JobList
    from impasto.batch.naming import NameTemplate
    from impasto.batch.pairs import Pairs
    from impasto.errors import BatchError

    if len(inputs) != (0 if list_file is not None else 2):
        expected = "none beside --from" if list_file is not None else "two, CONTENTS and STYLES"
        shown = " ".join(inputs[:4]) or "missing"
        raise BatchError(
            f"the inputs are {shown}{' ...' if len(inputs) > 4 else ''}; expected {expected}.",
            "Put patterns into quotes, so that the shell leaves them: impasto batch 'photos/*.jpg' paintings -o out.",
        )
    names = NameTemplate(template)
    if list_file is not None:
        return JobList(list_file, names, recipe)
    contents, styles = inputs
    return Pairs([contents], [styles], pairs, names, recipe, folder)


def _start_pool(
    setup: "Setup", first: "Job", ray: str | None, workers: int | None, cores: int | None
) -> "WorkerPool[Any]":
    from impasto.batch.run import build_painter

    factory = partial(build_painter, setup, first)
    if ray is None:
        from impasto.workers.processes import ProcessPool

        return ProcessPool(factory, workers or 1)
    from impasto.workers.connect import connect
    from impasto.workers.ray_pool import RayPool

    cluster = connect(None if ray == AUTO else ray)
    return RayPool(cluster, factory, workers=workers, cores=cores, use_gpus=setup.device != "cpu")


def _print_forecast(found: "Forecast", folder: Path, workers: int, *, as_json: bool) -> None:
    if as_json:
        print_json(found.to_dict())
        return
    print_line(f"{folder}: {_count(found.jobs)}, {found.done} done, {found.left} left")
    for name in found.next_outputs:
        print_line(f"  {name}")
    if found.left > len(found.next_outputs):
        print_line(f"  and {found.left - len(found.next_outputs)} more")
    if found.estimate is not None:
        at_a_time = f", {workers} at a time" if workers > 1 else ""
        seconds, peak_bytes = found.estimate.seconds, workers * found.estimate.peak_bytes
        print_line(
            f"about {describe_seconds(seconds)} a picture as the first of them{at_a_time}: "
            f"{describe_seconds(seconds * found.left / workers)} in all, needs {describe_gib(peak_bytes)} of memory"
        )
    if found.replaced:
        verb = "exists and would" if found.replaced == 1 else "exist and would"
        print_line(f"{_count(found.replaced)} of these {verb} be replaced by different ones; another -o keeps them")


def _count(pictures: int) -> str:
    return f"{pictures} picture{'' if pictures == 1 else 's'}"


def _print_tally(tally: "Tally", folder: Path, recipe: Recipe, seconds: float, *, as_json: bool) -> None:
    if as_json:
        names = ("jobs", "kept", "done", "failed", "left", "failures", "steps", "peak_bytes")
        values = {name: getattr(tally, name) for name in names}
        place = {"output": str(folder), "manifest": str(folder / "manifest.jsonl")}
        print_json({**place, **values, "seconds": round(seconds, 3), "recipe": recipe.to_dict()})
        return
    kept = f", {tally.kept} were done before" if tally.kept else ""
    print_line(f"{folder}: {tally.done} painted, {tally.failed} failed in {describe_seconds(seconds)}{kept}")
    for failure in tally.failures:
        print_line(f"  {failure['output']}: {failure['error']} {failure['hint']}")
    if tally.failed > len(tally.failures):
        print_line(f"  and {tally.failed - len(tally.failures)} more; see {folder / 'manifest.jsonl'}")

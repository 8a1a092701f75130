"""`impasto batch`: many photographs in many styles, on this machine or a cluster."""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from impasto.cli.batch_progress import showing_batch
from impasto.cli.options import STYLIZE_FIELDS, Machine, Report, takes_recipe
from impasto.cli.progress import describe_seconds
from impasto.cli.report import print_json, print_line
from impasto.cli.signatures import takes_options
from impasto.recipe.recipe import Recipe

if TYPE_CHECKING:
    from impasto.batch.jobs import Job, Setup
    from impasto.batch.reports import Crew
    from impasto.batch.run import Tally

SOME_FAILED = 3
"""Exit code of a batch of which some pictures failed."""

AUTO = "auto"
"""What --ray without an address becomes: RAY_ADDRESS, the cluster of this machine, or one of its own."""

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CONTENTS STYLES", help="photographs and paintings: a folder, a file, or a pattern in quotes"
    ),
]
Folder = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="the folder that the pictures go to")]
From = Annotated[
    Path | None,
    typer.Option(
        "--from", metavar="LIST", help=".csv or .jsonl: content, style, output and any recipe field, a picture a row"
    ),
]
PairsOption = Annotated[
    str, typer.Option("--pairs", metavar="all|zip", help="every photograph in every style, or one beside the other")
]
Template = Annotated[
    str, typer.Option(metavar="NAME", help="the pictures' names, of content, style, index and recipe fields in braces")
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
    typer.Option("--dry-run", metavar="", help="tell what is left to do, and paint nothing", rich_help_panel="Report"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMachine(Machine):
    """The same for each of several pictures at a time."""

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

    Called again, it paints only what is missing, changed or failed; manifest.jsonl in DIR tells
    of every picture. One bad file does not stop the others: the exit code is then 3.
    """
    from impasto.batch.jobs import Setup
    from impasto.batch.plan import check_jobs
    from impasto.batch.run import paint_batch

    how: Any = machine.keywords()
    setup = Setup(**how)
    planned = _plan(inputs or [], list_file, pairs, name_template, recipe, output)
    _check_engine(ray, jobs, cores_per_worker)
    count = check_jobs(planned, output)
    if dry_run:
        _tell_plan(planned, count, output, setup, jobs or 1, as_json=report.json)
        return
    started = time.perf_counter()
    try:
        with contextlib.ExitStack() as stack:
            if ray is not None:  # it tells of dead workers on stdout, which is for the result
                stack.enter_context(contextlib.redirect_stdout(stack.enter_context(open(os.devnull, "w"))))
            progress = stack.enter_context(showing_batch(count, quiet=report.quiet))
            hire = _hiring(setup, ray, jobs, cores_per_worker, count)
            tally = paint_batch(planned, count, output, setup, hire, progress.on_event)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"stopped; {str(output)!r} holds all pictures finished so far.") from error
    _report(tally, output, recipe, time.perf_counter() - started, as_json=report.json)
    if tally.failed:
        raise typer.Exit(SOME_FAILED)


def fill_ray(words: Sequence[str]) -> list[str]:
    """The words of a command line with the address that --ray leaves out. Typer knows no option whose value may be."""
    filled = list(words)
    for place, word in enumerate(words):
        if word == "--":
            break
        following = words[place + 1] if place + 1 < len(words) else ""
        if word == "--ray" and not re.fullmatch(r"(ray://)?[^/\s]+:\d+/?|auto|local", following):
            filled[place] = f"--ray={AUTO}"
    return filled


def _plan(
    inputs: Sequence[str], list_file: Path | None, pairs: str, template: str, recipe: Recipe, folder: Path
) -> "Iterable[Job]":
    from impasto.batch.joblist import JobList
    from impasto.batch.naming import NameTemplate
    from impasto.batch.pairs import Pairs
    from impasto.errors import BatchError

    if len(inputs) != (0 if list_file is not None else 2):
        wanted = "none beside --from" if list_file is not None else "two, CONTENTS and STYLES"
        shown = " ".join(inputs[:4]) or "missing"
        raise BatchError(
            f"the inputs are {shown}{' ...' if len(inputs) > 4 else ''}; expected {wanted}.",
            "Put patterns into quotes, so that the shell leaves them: impasto batch 'photos/*.jpg' paintings -o out.",
        )
    names = NameTemplate(template)
    if list_file is not None:
        return JobList(list_file, names, recipe)
    contents, styles = inputs
    return Pairs(contents, styles, cast("Literal['all', 'zip']", pairs), names, recipe, folder)


def _check_engine(ray: str | None, jobs: int | None, cores: int | None) -> None:
    from impasto.errors import BatchError

    if cores is not None and ray is None:
        raise BatchError("--cores-per-worker is given without --ray; expected both.", "Give --jobs N on one machine.")


def _hiring(
    setup: "Setup", ray: str | None, jobs: int | None, cores: int | None, count: int
) -> "Callable[[Job], Crew]":
    def hire(trial: "Job") -> "Crew":
        if ray is None:
            from impasto.batch.local import LocalCrew

            return LocalCrew(setup, min(jobs or 1, count), trial)
        from impasto.batch.cluster import RayCrew

        return RayCrew(setup, trial, address=None if ray == AUTO else ray, workers=jobs, cores=cores)

    return hire


def _tell_plan(
    planned: "Iterable[Job]", count: int, folder: Path, setup: "Setup", jobs: int, *, as_json: bool
) -> None:
    from impasto.batch.forecast import forecast

    seen = forecast(planned, count, folder, setup, jobs)
    if as_json:
        print_json(seen.to_dict())
        return
    print_line(f"{folder}: {count} jobs, {seen.kept} done, {seen.left} left")
    for name in seen.next_outputs:
        print_line(f"  {name}")
    if seen.left > len(seen.next_outputs):
        print_line(f"  and {seen.left - len(seen.next_outputs)} more")
    if seen.picture_s is not None:
        workers = f", {jobs} at a time" if jobs > 1 else ""
        print_line(
            f"about {describe_seconds(seen.picture_s)} a picture as the first of them{workers}: "
            f"{describe_seconds(seen.picture_s * seen.left / jobs)} in all"
        )


def _report(tally: "Tally", folder: Path, recipe: Recipe, seconds: float, *, as_json: bool) -> None:
    if as_json:
        values: dict[str, Any] = {
            "output": str(folder),
            "manifest": str(folder / "manifest.jsonl"),
            "jobs": tally.jobs,
            "kept": tally.kept,
            "done": tally.done,
            "failed": tally.failed,
            "left": tally.left,
            "failures": tally.failures,
            "steps": tally.steps,
            "seconds": round(seconds, 3),
            "peak_bytes": tally.peak_bytes,
            "recipe": recipe.to_dict(),
        }
        print_json(values)
        return
    kept = f", {tally.kept} were done before" if tally.kept else ""
    print_line(f"{folder}: {tally.done} painted, {tally.failed} failed in {describe_seconds(seconds)}{kept}")
    for failure in tally.failures:
        print_line(f"  {failure['output']}: {failure['error']} {failure['hint']}")
    if tally.failed > len(tally.failures):
        print_line(f"  and {tally.failed - len(tally.failures)} more; see {folder / 'manifest.jsonl'}")

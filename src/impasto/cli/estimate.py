"""The cost of a run, reported before it: a few lines on stderr, or with --dry-run all of it on stdout."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from impasto.cli.options import Report
from impasto.cli.progress import show_steps
from impasto.cli.report import print_json, print_line
from impasto.cost.pace import describe_seconds

if TYPE_CHECKING:
    from impasto.cost.estimate import Estimate
    from impasto.painting.job import Job
    from impasto.transfer.morph import Morph

LONG_S = 60.0
"""Seconds of a run from which on a quicker preset is named."""

MUCH_QUICKER = 2 / 3
"""Share of a run's time that a preset takes at most to be named."""


def report_estimate(
    job: "Job | Morph", report: Report, *, dry_run: bool = False, has_presets: bool = False
) -> "Estimate | None":
    """Print time and memory, quicker presets, the size of a print, and that the photograph is enlarged; unless quiet.

    has_presets: whether the command line could name another preset. Returns the estimate, None if quiet.
    A dry run prints all of the estimate and ends the command (typer.Exit).
    """
    if report.quiet and not dry_run:
        return None
    with show_steps(quiet=report.quiet):
        estimate = job.estimate()
        quicker = estimate_quicker(job, estimate) if has_presets else {}
    lines = [describe_estimate(estimate, describe_free(job)), *describe_quicker(quicker), *_describe_size(job)]
    if not dry_run:
        for line in lines:
            print_line(line, file=sys.stderr)
        return estimate
    if report.json:
        print_json(estimate.to_dict())
    else:
        for line in (*lines, *describe_parts(estimate.to_dict()["parts"])):
            print_line(line)
    raise typer.Exit


def describe_estimate(estimate: "Estimate", free: str) -> str:
    """Return the estimate in one line: `512x384 pixels, 240 steps: about 55 s, needs 1.2 GiB of 20 GiB free`.

    free: the memory there is, in words.
    """
    plan = estimate.plan
    height, width = plan.size
    size = f"{width}x{height} pixels, {_count(plan.steps, 'step')}"
    if estimate.frames > 1:
        size = f"{estimate.frames} frames of {width}x{height} pixels"
    fine = f", the first {describe_seconds(estimate.fine_s)} for the fine strokes" if estimate.fine_s else ""
    tiled = ", computed in tiles to fit" if plan.parts[-1].memory.tile is not None else ""
    memory = f"needs {describe_gib(estimate.peak_bytes)}{free}{tiled}"
    return f"{size}: about {describe_seconds(estimate.seconds)}{fine}, {memory}"


def describe_free(job: "Job | Morph") -> str:
    """Return the memory that a job may use, in words: " of 20 GiB free"; "" where the system does not say."""
    from impasto.system.memory import free_bytes, used_bytes

    single = _single(job)
    if single.options.max_memory is not None:
        return f" of {describe_gib(single.options.max_memory)} allowed"
    free = free_bytes(single.device)
    return "" if free is None else f" of {describe_gib(free + used_bytes(single.device))} free"


def estimate_quicker(job: "Job | Morph", estimate: "Estimate") -> dict[str, float]:
    """Return the presets that paint a long run much quicker, by name, and the seconds that each will take."""
    from impasto.painting.job import vary
    from impasto.recipe.quicker import quicker_recipes

    if estimate.seconds < LONG_S:
        return {}
    single, seconds = _single(job), dict[str, float]()
    for name, recipe in quicker_recipes(single.recipe, max(single.plan.size)).items():
        varied = replace(vary(single, recipe, single.inputs, single.regions), fine_jobs=single.fine_jobs)
        morph: Any = job
        seconds[name] = (varied if job is single else replace(morph, job=varied)).estimate().seconds
    return {name: each for name, each in seconds.items() if each <= MUCH_QUICKER * estimate.seconds}


def describe_quicker(seconds: Mapping[str, float]) -> list[str]:
    """Return a line that names quicker presets, if there are any. seconds: that each will take."""
    named = [f"--preset {name}, about {describe_seconds(each)}" for name, each in seconds.items()]
    return [f"quicker: {'; '.join(named)}"] if named else []


def _describe_size(job: "Job | Morph") -> list[str]:
    single = _single(job)
    lines, content, dpi = list[str](), single.inputs.content, single.recipe.dpi
    if dpi is not None:
        height, width = (f"{round(2.54 * side / dpi, 1):g} cm" for side in single.plan.size)
        longest = width if single.plan.size[1] >= single.plan.size[0] else height
        edge = f"; {longest} is the long edge" if isinstance(single.recipe.size, int) else ""
        lines.append(f"print: {width} wide x {height} high at {dpi:g} dpi{edge}")
    if content is not None and single.is_enlarged:
        factor, (H, W) = max(single.plan.size) / max(content.size), content.size
        lines.append(
            f"enlarged {factor:.2g} times: the photograph has {W}x{H} pixels, finer detail is made up; "
            "--size content keeps its size"
        )
    return lines


def describe_parts(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a table, a line for each size in turn: its steps, time, memory and tiles. parts: of an estimate's JSON."""
    sizes: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    for part in parts:
        sizes.setdefault((part["width"], part["height"]), []).append(part)
    rows = [("painted at", "steps", "time", "memory", "")]
    for (width, height), group in sizes.items():
        steps, seconds = (sum(part[name] for part in group) for name in ("steps", "seconds"))
        tiles, memory = (max(part[name] for part in group) for name in ("tiles", "peak_bytes"))
        in_tiles = f"in {tiles} tiles" if tiles > 1 else ""
        rows.append((f"{width}x{height}", str(steps), describe_seconds(seconds), describe_gib(memory), in_tiles))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _single(job: "Job | Morph") -> "Job":
    painted: Any = job
    single: Job = getattr(painted, "job", painted)  # a morph has one
    return single


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def describe_gib(size: int) -> str:
    """Return a size in words: `1.2 GiB`."""
    return f"{size / 2**30:.{2 if size < 10 * 2**30 else 3}g} GiB"

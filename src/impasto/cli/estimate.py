"""The cost of a run, reported before it: one line on stderr, or with --dry-run all of it on stdout."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from impasto.cli.options import Report
from impasto.cli.progress import describe_seconds, show_steps
from impasto.cli.report import print_json, print_line

if TYPE_CHECKING:
    from impasto.cost.estimate import Estimate
    from impasto.painting.job import Job
    from impasto.transfer.morph import Morph


def report_estimate(job: "Job | Morph", report: Report, *, dry_run: bool = False) -> None:
    """Print the estimate in a line; in others the size of a print, and that the photograph is enlarged; unless quiet.

    A dry run prints all of the estimate and ends the command (typer.Exit).
    """
    if report.quiet and not dry_run:
        return
    with show_steps(quiet=report.quiet):
        estimate = job.estimate()
    lines = [describe_estimate(estimate), *_describe_size(job)]
    if not dry_run:
        for line in lines:
            print_line(line, file=sys.stderr)
        return
    if report.json:
        print_json(estimate.to_dict())
    else:
        for line in (*lines, *describe_parts(estimate.to_dict())):
            print_line(line)
    raise typer.Exit


def describe_estimate(estimate: "Estimate") -> str:
    """Return the estimate in one line: `512x384, 3 scales, 240 steps, bfloat16: about 55 s, 1.2 GiB`."""
    plan = estimate.plan
    (height, width), scales = plan.size, len({part.size for part in plan.parts})
    tile = plan.parts[-1].memory.tile
    facts = [f"{width}x{height}", _count(scales, "scale"), _count(plan.steps, "step"), plan.precision]
    facts += [f"tiles of {tile}"] if tile is not None else []
    if estimate.frames > 1:
        facts.insert(0, f"{estimate.frames} frames")
    fine = f", the first {describe_seconds(estimate.fine_s)} for the fine strokes" if estimate.fine_s else ""
    return f"{', '.join(facts)}: about {describe_seconds(estimate.seconds)}{fine}, {_gib(estimate.peak_bytes)}"


def _describe_size(job: "Job | Morph") -> list[str]:
    painted: Any = job
    single: Job = getattr(painted, "job", painted)  # a morph has one
    lines, content, dpi = list[str](), single.inputs.content, single.recipe.dpi
    if dpi is not None:
        height, width = (2.54 * side / dpi for side in single.plan.size)
        lines.append(f"print: {width:.1f} x {height:.1f} cm at {dpi:g} dpi")
    if content is not None and single.is_enlarged:
        height, width = content.size
        lines.append(f"enlarged: the photograph has {width}x{height}; --size content keeps that")
    return lines


def describe_parts(values: Mapping[str, Any]) -> list[str]:
    """Return a line for each part of an estimate's JSON values: size, steps, precision, tiles, cost."""
    rows = []
    for part in values["parts"]:
        tiles = f"{part['tiles']} tiles of {part['tile']}, margin {part['margin']}"
        rows.append(
            (
                f"{part['width']}x{part['height']}",
                _count(part["steps"], "step"),
                part["precision"],
                "not tiled" if part["tile"] is None else tiles,
                f"history {part['history']}",
                f"{part['seconds_per_evaluation']:.3g} s per evaluation",
                _gib(part["needed_bytes"]),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _gib(size: int) -> str:
    return f"{size / 2**30:.2g} GiB" if size < 10 * 2**30 else f"{size / 2**30:.0f} GiB"

"""`impasto runs`: list, show and remove the folders of runs."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.delivery import name_run
from impasto.cli.options import Debug, Json
from impasto.cli.report import describe_losses, print_json, print_line, print_table
from impasto.errors import ImpastoError


def complete_run(incomplete: str) -> list[str]:
    """Return the names of the user's runs that begin so, the newest first."""
    from impasto.runs.folders import list_runs, runs_folder

    try:
        return [run.name for run in reversed(list_runs(runs_folder())) if run.name.startswith(incomplete)]
    except (ImpastoError, OSError):
        return []


_run: Callable[..., Any] = functools.partial(
    typer.Argument, metavar="RUN", show_default=False, autocompletion=complete_run
)
_NAMES = "the run: its name in `impasto runs list`, its folder, or its picture"
RunName = Annotated[str, _run(help=_NAMES)]
StoppedName = Annotated[str | None, _run(help=f"{_NAMES}; default: the only stopped run")]
RunNames = Annotated[list[str] | None, _run(help="default: all finished runs")]
Place = Annotated[Path | None, typer.Option("--in", metavar="DIR", help="folder of runs; default: your own")]
Plot = Annotated[bool, typer.Option("--plot", metavar="", help="draw the losses by step in RUN/losses.svg")]
Unfinished = Annotated[
    bool, typer.Option("--unfinished", metavar="", help="remove stopped runs too; they can then not be resumed")
]
DryRun = Annotated[bool, typer.Option("--dry-run", metavar="", help="list what would be removed, and keep it")]

LARGE = 2_000_000_000
"""Bytes of all runs from which on the list says how many there are."""

runs = typer.Typer(name="runs", add_completion=False, rich_markup_mode="rich")


@runs.callback()
def describe() -> None:
    """List, show and remove runs: what is kept of each picture, to resume it."""


@runs.command("list")
def list_all(place: Place = None, json: Json = False, debug: Debug = False) -> None:
    """List all runs, the newest last."""
    from impasto.runs.folders import list_runs, runs_folder
    from impasto.runs.summary import summarize_run

    folder = place or runs_folder()
    rows = [summarize_run(path) for path in list_runs(folder)]
    if json:
        print_json({"folder": str(folder), "runs": rows})
    elif not rows:
        print_line(f"No runs in {folder}.")
    else:
        head = ("run", "state", "steps", "size", "disk", "picture")
        print_table(head, [describe_row(row) for row in rows])
        if (total := sum(row["bytes"] for row in rows)) > LARGE:
            print_line(f"{describe_bytes(total)} in {folder}; `impasto runs clean` removes the finished runs.")


@runs.command()
def show(run: RunName, plot: Plot = False, json: Json = False, debug: Debug = False) -> None:
    """Show one run: its inputs, state, picture and losses.

    impasto runs show 20261121-101505-photo --plot
    """
    from impasto.runs.folders import find_run
    from impasto.runs.record import Record
    from impasto.runs.summary import summarize_run
    from impasto.runs.trace import read_trace

    folder = find_run(run)
    record, trace = Record.read(folder), read_trace(folder)
    values = summarize_run(folder)
    if plot:
        values["plot"] = str(write_plot(folder, trace))
    if json:
        inputs = [{"role": each.role, "name": each.name, "path": each.path or None} for each in record.sources]
        print_json({**values, "inputs": inputs, "recipe": record.recipe, "run": record.plan, "trace": trace})
        return
    for name, text in describe_run(values, record.sources):
        print_line(f"{name + ':':<9}{text}")
    if values["state"] == "stopped":
        print_line(f"To resume: impasto resume {name_run(folder)}")


@runs.command()
def clean(
    names: RunNames = None,
    place: Place = None,
    unfinished: Unfinished = False,
    dry_run: DryRun = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Remove runs from the disk; pictures written elsewhere stay.

    impasto runs clean --dry-run

    A run that is being painted is never removed, nor are files that impasto did not write.
    """
    from impasto.runs.folders import find_run, list_runs, runs_folder
    from impasto.runs.lock import Lock
    from impasto.runs.run import remove_run
    from impasto.runs.summary import summarize_run

    folders = [find_run(name, place) for name in names] if names else list_runs(place or runs_folder())
    rows = [summarize_run(path) for path in folders]
    states = {"finished", "stopped", "damaged"} if unfinished or names else {"finished"}
    chosen = [row for row in rows if row["state"] in states]
    for row in chosen:
        if not dry_run:
            lock = Lock(Path(row["run_dir"]))
            remove_run(Path(row["run_dir"]))
            lock.release()
    freed = sum(row["bytes"] for row in chosen)
    removed = [row["name"] for row in chosen]
    if json:
        print_json({"removed": removed, "bytes": freed, "dry_run": dry_run})
        return
    for name in removed:
        print_line(name)
    verb = "would be removed" if dry_run else "removed"
    print_line(f"{len(removed)} of {len(rows)} {verb}, {describe_bytes(freed)}")


def write_plot(folder: Path, trace: Sequence[Mapping[str, Any]]) -> Path:
    """Draw the losses of a run's trace into `losses.svg` in its folder and return the path. Raises DiskError."""
    from impasto.runs.curves import Plot, draw_plots
    from impasto.system.disk import replace_file

    names = list(trace[-1]["losses"]) if trace else []
    curves = {name: [(line["step"], line["losses"].get(name)) for line in trace] for name in names}
    path = folder / "losses.svg"
    replace_file(path, draw_plots(Plot(title=f"Losses of {folder.name}", curves=curves)).encode())
    return path


def describe_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a summary as cells of the list."""
    if row["state"] == "damaged":
        return row["name"], "damaged", "", "", describe_bytes(row["bytes"]), ""
    size = f"{row['size']['width']}x{row['size']['height']}"
    picture = Path(row["output"] or "").name
    return row["name"], row["state"], f"{row['step']}/{row['steps']}", size, describe_bytes(row["bytes"]), picture


def describe_run(values: Mapping[str, Any], sources: Sequence[Any]) -> list[tuple[str, str]]:
    """Return a summary as labeled lines."""
    lines = [
        ("run", values["run_dir"]),
        ("state", f"{values['kind']}, {values['state']}, step {values['step']} of {values['steps']}"),
        ("size", f"{values['size']['width']}x{values['size']['height']}"),
        ("started", values["created"]),
        ("inputs", ", ".join(f"{each.role} {each.path or 'an array, saved in the folder'}" for each in sources)),
        ("picture", values["output"] or "in the folder, once it is finished"),
        ("disk", describe_bytes(values["bytes"])),
    ]
    losses = {name: math.nan if loss is None else loss for name, loss in (values["losses"] or {}).items()}
    lines += [("loss", describe_losses(losses))] if losses else []
    return [*lines, ("plot", values["plot"])] if "plot" in values else lines


def describe_bytes(size: int) -> str:
    """Return a size in words: `820 kB`, `12 MB`, `1.2 GB`."""
    if size < 999_500:
        return f"{size / 1e3:.0f} kB"
    return f"{size / 1e6:.0f} MB" if size < 999_500_000 else f"{size / 1e9:.1f} GB"

"""A run in figures, as `impasto runs` shows it: state, steps, size, losses."""

from pathlib import Path
from typing import Any

from impasto.errors import RunError
from impasto.runs.folders import find_writers, list_runs, runs_folder
from impasto.runs.lock import is_locked
from impasto.runs.record import Record
from impasto.runs.run import measure_run
from impasto.runs.trace import read_trace


def find_stopped() -> Path:
    """Return the folder of the only stopped run among the user's own. Raises RunError where there are none or several.

    Among several the newest is named, but not taken: it may not be the one that is meant.
    """
    stopped = [path for path in list_runs(runs_folder()) if _is_stopped(path)]
    if not stopped:
        raise RunError("no run is stopped; expected one to resume.", "`impasto runs list` lists all runs.")
    if len(stopped) > 1:
        raise RunError(
            f"{len(stopped)} runs are stopped; expected the name of one.",
            f"The newest: impasto resume {stopped[-1].name}; `impasto runs list` lists all.",
        )
    return stopped[0]


def find_stopped_writer(picture: Path) -> Path | None:
    """Return the last of the user's stopped runs that was to write this picture; None if there is none."""
    try:
        return next((path for path in reversed(find_writers(picture)) if _is_stopped(path)), None)
    except RunError:  # no home
        return None


def summarize_run(folder: Path) -> dict[str, Any]:
    """Return a run as JSON values: name, run_dir, kind, state, step, steps, size, created, bytes, output, losses.

    state: "finished", "running", "stopped", or "damaged", which has an `error` instead of what follows it.
    """
    values: dict[str, Any] = {"name": folder.name, "run_dir": str(folder), "bytes": measure_run(folder)}
    try:
        record = Record.read(folder)
    except RunError as error:
        return {**values, "state": "damaged", "error": str(error)}
    trace, finished = read_trace(folder), record.finished
    state = "finished" if finished is not None else "running" if is_locked(folder) else "stopped"
    part = record.plan["parts"][-1]
    return {
        **values,
        "kind": record.kind,
        "state": state,
        "step": int(finished["steps"]) if finished is not None else int(trace[-1]["step"]) if trace else 0,
        "steps": int(trace[-1].get("steps", record.steps)) if trace else record.steps,
        "size": {"width": part["width"], "height": part["height"]},
        "created": record.created,
        "output": (finished or {}).get("output") or record.output or None,
        "losses": (finished or (trace[-1] if trace else {})).get("losses"),
    }


def _is_stopped(folder: Path) -> bool:
    try:
        return Record.read(folder).finished is None and not is_locked(folder)
    except RunError:  # damaged
        return False

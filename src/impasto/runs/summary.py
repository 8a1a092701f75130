"""A run in figures, as `impasto runs` shows it: state, steps, size, losses."""

from pathlib import Path
from typing import Any

from impasto.errors import RunError
from impasto.runs.lock import is_locked
from impasto.runs.record import Record
from impasto.runs.run import measure_run
from impasto.runs.trace import read_trace


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

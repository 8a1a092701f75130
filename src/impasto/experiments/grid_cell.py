"""One picture of a sheet with its losses: painted, or read from the disk where it is finished already."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from impasto.images.io import ImageSource, read_image, read_metadata
from impasto.images.picture import hash_source
from impasto.optimize.events import OnStep, StepEvent
from impasto.recipe.files import is_recipe_in, recipe_files
from impasto.recipe.recipe import Recipe
from impasto.runs.result import Result
from impasto.system.disk import check_not_input, replace_file

Paint = Callable[[Recipe, OnStep], Result]
"""Paints one recipe and reports its steps: `stylize` or `reconstruct` with everything else filled in."""


@dataclass(frozen=True, slots=True)
class GridCell:
    """One picture of a sheet: recipe, file, image (1, 3, H, W), losses at the end and after each step, and the cost."""

    recipe: Recipe
    path: Path
    pastiche: Tensor
    losses: Mapping[str, float]
    trace: Sequence[Mapping[str, float]]
    steps: int
    seconds: float
    peak_bytes: int


class CellPainter:
    """Paints the cells of a sheet, or reads those that are finished. Each input is hashed once.

    cells: those painted or read, in order.
    """

    def __init__(self, on_step: OnStep | None = None) -> None:
        self.on_step = on_step
        self.cells: list[GridCell] = []
        self._hashes: dict[object, tuple[object, str]] = {}

    def paint(self, path: Path, recipe: Recipe, sources: Sequence[ImageSource], paint: Paint) -> GridCell:
        """Return the picture of this recipe at `path`, read if it was painted from the same recipe and inputs.

        sources: the inputs. They, and the files that the recipe names, are compared by their SHA-256. Losses, trace and
        cost lie beside the picture as JSON, so that an interrupted sheet resumes where it stopped.
        Raises KeyboardInterrupt if the painting was stopped; the cell is then not written.
        """
        inputs, files = [[self._hash(source) for source in each] for each in (sources, recipe_files(recipe))]
        cell = _read_cell(path, recipe, inputs, files)
        if cell is None:
            cell = self._paint(path, recipe, {"inputs": inputs, "files": files}, paint)
        self.cells.append(cell)
        return cell

    def _paint(self, path: Path, recipe: Recipe, hashes: Mapping[str, Sequence[str]], paint: Paint) -> GridCell:
        trace: list[Mapping[str, float]] = []

        def record_losses(event: StepEvent) -> object:
            trace.append(event.losses)
            return self.on_step(event) if self.on_step is not None else None

        result = paint(recipe, record_losses)
        if result.end == "stopped":
            raise KeyboardInterrupt(f"stopped while painting {str(path)!r}; what was finished before is kept.")
        path.parent.mkdir(parents=True, exist_ok=True)
        # Notes are valid only beside their own picture: the old ones go first, the new ones come last.
        _notes_path(path).unlink(missing_ok=True)
        result.save(path)
        notes = {
            "losses": dict(result.losses),
            "trace": [dict(losses) for losses in trace],
            "steps": result.steps,
            "seconds": result.seconds,
            "peak_bytes": result.peak_bytes,
        }
        write_notes(_notes_path(path), {**notes, **hashes})
        return GridCell(recipe, path, read_image(path), **notes)  # type: ignore[arg-type]

    def _hash(self, source: ImageSource) -> str:
        key = os.fspath(source) if isinstance(source, (str, os.PathLike)) else id(source)
        if key not in self._hashes:
            # The source is stored too, so that its id is never another's.
            self._hashes[key] = source, hash_source(source)
        return self._hashes[key][1]


def check_cells(paths: Iterable[Path], inputs: Sequence[object]) -> None:
    """Accept cells' paths of which none, nor its notes, is an input; before slow work. Raises OutputError."""
    for path in paths:
        for written in (path, _notes_path(path)):
            check_not_input(written, f"panel {str(written)!r}", inputs, "Choose another -o, so that it lies elsewhere.")


def sum_cells(cells: Iterable[GridCell]) -> dict[str, Any]:
    """Return the cost of all cells as JSON values: steps and seconds added, losses by path, the largest memory."""
    cells = list(cells)
    return {
        "steps": sum(cell.steps for cell in cells),
        "seconds": round(sum(cell.seconds for cell in cells), 3),
        "losses": {str(cell.path): dict(cell.losses) for cell in cells},
        "peak_bytes": max(cell.peak_bytes for cell in cells),
    }


def write_notes(path: Path, values: Mapping[str, Any]) -> None:
    """Write the values as JSON, in one atomic move."""
    replace_file(path, json.dumps(dict(values)).encode())


def _read_cell(path: Path, recipe: Recipe, inputs: Sequence[str], files: Sequence[str]) -> GridCell | None:
    """Read the cell on the disk; None where there is none of this recipe, inputs and files."""
    try:
        metadata: Any = read_metadata(path)
        notes = json.loads(_notes_path(path).read_text("utf-8"))
        inside = [entry["sha256"] for entry in metadata["inputs"] if entry["role"] != "init"]
        noted = notes.pop("inputs", [])
        found = (inside if all(inside) else noted, notes.pop("files"))  # with `strip` the picture itself has none
        is_same = found == (inputs, files) and is_recipe_in(metadata["recipe"], recipe)
        return GridCell(recipe, path, read_image(path), **notes) if is_same else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # missing, damaged, or not of our making
        return None


def _notes_path(path: Path) -> Path:
    return path.with_suffix(".json")

"""One picture of a sheet: painted, or taken from the disk where it is finished already."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from torch import Tensor

from impasto.images.io import ImageSource, read_image, read_metadata
from impasto.images.picture import describe_input
from impasto.optimize.events import OnStep, StepEvent
from impasto.recipe.files import recipe_files
from impasto.recipe.recipe import Recipe
from impasto.runs.result import Result
from impasto.system.disk import check_not_input, file_sha256, replace_file

Paint = Callable[[Recipe, OnStep], Result]
"""Paints one recipe, telling its steps: `stylize` or `reconstruct` with everything else filled in."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One place of a sheet: recipe, file, picture (1, 3, H, W), losses at the end and after each step, and the cost."""

    recipe: Recipe
    path: Path
    pastiche: Tensor
    losses: Mapping[str, float]
    trace: Sequence[Mapping[str, float]]
    steps: int
    seconds: float
    peak_bytes: int


def check_panels(paths: Iterable[Path], inputs: Sequence[object]) -> None:
    """Accept panels' paths of which none, nor its notes, is an input; asked before slow work. Raises OutputError."""
    for path in paths:
        for written in (path, _notes_path(path)):
            check_not_input(written, f"panel {str(written)!r}", inputs, "Choose another -o, so that it lies elsewhere.")


def paint_panel(
    path: Path, recipe: Recipe, sources: Sequence[ImageSource], paint: Paint, on_step: OnStep | None = None
) -> Panel:
    """The picture of this recipe at `path`: read if it is there from the same recipe and inputs, else painted.

    sources: the inputs. They, and the files that the recipe names, are compared by their SHA-256. Losses, trace and
    cost lie beside the picture as JSON, so that an interrupted sheet goes on where it stopped.
    Raises KeyboardInterrupt if the painting was stopped; the panel is then not kept.
    """
    files = [file_sha256(Path(name)) for name in recipe_files(recipe)]
    if (made := _read_panel(path, recipe, sources, files)) is not None:
        return made
    trace: list[Mapping[str, float]] = []

    def follow(event: StepEvent) -> object:
        trace.append(event.losses)
        return on_step(event) if on_step is not None else None

    result = paint(recipe, follow)
    if result.end == "stopped":
        raise KeyboardInterrupt(f"stopped while painting {str(path)!r}; what was finished before is kept.")
    path.parent.mkdir(parents=True, exist_ok=True)
    # Notes count only beside their own picture: the old ones go first, the new ones come last.
    _notes_path(path).unlink(missing_ok=True)
    result.save(path)
    notes = {
        "losses": dict(result.losses),
        "trace": [dict(losses) for losses in trace],
        "steps": result.steps,
        "seconds": result.seconds,
        "peak_bytes": result.peak_bytes,
    }
    write_notes(_notes_path(path), {**notes, "files": files})
    return Panel(recipe, path, read_image(path), **notes)  # type: ignore[arg-type]


def sum_panels(panels: Iterable[Panel]) -> dict[str, Any]:
    """What painting them took, as JSON values: all steps and seconds, the losses by path, the most memory."""
    panels = list(panels)
    return {
        "steps": sum(panel.steps for panel in panels),
        "seconds": round(sum(panel.seconds for panel in panels), 3),
        "losses": {str(panel.path): dict(panel.losses) for panel in panels},
        "peak_bytes": max(panel.peak_bytes for panel in panels),
    }


def write_notes(path: Path, values: Mapping[str, Any]) -> None:
    """Writes the values as JSON, in one atomic move."""
    replace_file(path, BytesIO(json.dumps(dict(values)).encode()))


def _read_panel(
    path: Path, recipe: Recipe, sources: Sequence[ImageSource], files: Sequence[str]
) -> Panel | None:
    """The panel on the disk, or None where there is none of this recipe, these inputs and these files."""
    wanted = (recipe.to_dict(), [describe_input("content", source).sha256 for source in sources], files)
    try:
        metadata: Any = read_metadata(path)
        notes = json.loads(_notes_path(path).read_text("utf-8"))
        found = (metadata["recipe"], [entry["sha256"] for entry in metadata["inputs"]], notes.pop("files"))
        return Panel(recipe, path, read_image(path), **notes) if found == wanted else None
    except (OSError, ValueError, KeyError, TypeError):  # missing, damaged, or not of our making
        return None


def _notes_path(path: Path) -> Path:
    return path.with_suffix(".json")

"""Where one finished picture goes, with its evolution: checked before slow work, written and reported after it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.interrupt import Interrupt
from impasto.cli.options import Report
from impasto.cli.progress import show_steps
from impasto.cli.report import STOPPED, describe_losses, print_json, print_line
from impasto.cli.signatures import Options
from impasto.errors import ImpastoError, OutputError
from impasto.recipe.files import recipe_files
from impasto.recipe.recipe import Recipe

if TYPE_CHECKING:
    from impasto.optimize.events import StepEvent
    from impasto.painting.painting import Painting
    from impasto.runs.result import Result
    from impasto.runs.run import Run

Output = Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="the picture: .png, .jpg, .webp or .tif")]
SnapshotEvery = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="write a picture every N steps", rich_help_panel="Evolution"),
]
SnapshotDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="where to; default: OUT's name and _steps", rich_help_panel="Evolution"),
]
Animation = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="play the evolution: .webp or .gif", rich_help_panel="Evolution"),
]

@dataclass(frozen=True, slots=True, kw_only=True)
class EvolutionOptions(Options):
    """What is shown of the way to a picture."""

    snapshot_every: SnapshotEvery = None
    snapshot_dir: SnapshotDir = None
    animation: Animation = None


class Delivery:
    """The output file of a command, with snapshots and animation if asked for. Raises OutputError for a bad place."""

    def __init__(
        self,
        output: Path,
        inputs: Sequence[Path],
        recipe: Recipe,
        evolution: EvolutionOptions,
    ) -> None:
        from impasto.images.formats.animation import check_animation
        from impasto.images.io import check_output
        from impasto.runs.evolution import Evolution, check_snapshot_dir

        read: list[Path | str] = [*inputs, *recipe_files(recipe)]
        snapshot_every, snapshot_dir = evolution.snapshot_every, evolution.snapshot_dir
        animation = evolution.animation
        check_output(output, inputs=read, depth=recipe.depth)
        if snapshot_dir is not None and snapshot_every is None:
            raise OutputError(
                f"--snapshot-dir {str(snapshot_dir)!r} is given without --snapshot-every; expected both.",
                "Add --snapshot-every 20, for example.",
            )
        if animation is not None:
            check_animation(animation, inputs=[*read, output])
        folder = None
        if snapshot_every is not None:
            folder = check_snapshot_dir(snapshot_dir or output.with_name(f"{output.stem}_steps"), inputs=read)
        self.output = output
        self.animation = animation
        places = {"output": output, "snapshot_dir": folder, "animation": animation}
        paths = {name: None if path is None else str(path.absolute()) for name, path in places.items()}
        # What a run's folder remembers of it, as JSON values.
        self.options: dict[str, Any] = {**paths, "snapshot_every": snapshot_every}
        self._has_snapshots = snapshot_every is not None
        self._evolution = Evolution(snapshot_dir=folder, snapshot_every=snapshot_every, animate=animation is not None)

    def on_step(self, event: "StepEvent") -> None:
        """Lets the evolution see a step."""
        self._evolution.on_step(event)

    def deliver(self, result: "Result", interrupt: Interrupt, *, as_json: bool, run: "Run | None" = None) -> None:
        """Writes and reports the result, and ends the command with its exit code. run: its folder, if it has one."""
        interrupt.shield()
        try:
            result.save(self.output)
            if self.animation is not None:
                self._evolution.write_animation(self.animation, result.pastiche)
        except ImpastoError as error:
            if run is not None:
                run.close()
                error.hint = f"{error.hint} Then go on: impasto resume {name_run(run.folder)}"
            raise
        if run is not None and result.end != "stopped":
            run.finish(result, self.output)
        if as_json:
            print_json({**self._values(result), "run_dir": None if run is None else str(run.folder)})
        else:
            more = f"; go on: impasto resume {name_run(run.folder)}" if run and result.end == "stopped" else ""
            print_line(describe_result(result, self.output) + more)
            if snapshots := self._evolution.snapshots:
                print_line(f"{snapshots[0].parent}: {len(snapshots)} snapshots")
            if self.animation is not None:
                print_line(f"{self.animation}: the evolution")
        raise typer.Exit(STOPPED if interrupt.asked else 0)

    def _values(self, result: "Result") -> dict[str, Any]:
        values = {"output": str(self.output), **result.to_dict()}
        if self._has_snapshots:
            values["snapshots"] = [str(path) for path in self._evolution.snapshots]
        if self.animation is not None:
            values["animation"] = str(self.animation)
        return values


def paint_and_deliver(painting: "Painting", delivery: Delivery, interrupt: Interrupt, report: Report) -> None:
    """Paints what is ready, telling its steps, delivers it, and ends the command with its exit code."""
    painting.keeping.delivery = delivery.options
    with show_steps(quiet=report.quiet) as progress:
        result = painting.paint(interrupt.on_step(progress.on_step, delivery.on_step))
    delivery.deliver(result, interrupt, as_json=report.json, run=painting.keeping.run)


def name_run(folder: Path) -> str:
    """What a person types for a run: its name among the user's runs, or its path."""
    from impasto.runs.places import is_users

    return shlex.quote(folder.name if is_users(folder) else str(folder))


def describe_result(result: "Result", output: Path) -> str:
    """The result in one line: path, size, steps, seconds, losses, and why it ended if not by its steps."""
    size = result.to_dict()["size"]
    ends = {
        "stopped": ", stopped early: the best so far",
        "tolerance": ", settled within the tolerance",
        "diverged": ", ended by divergence: the best so far",
    }
    return (
        f"{output}: {size['width']}x{size['height']}, {result.steps} steps in {result.seconds:.1f} s, "
        f"loss {describe_losses(result.losses)}{ends.get(result.end, '')}"
    )

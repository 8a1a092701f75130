"""The output file of a command, with snapshots and animation: checked before painting, written and reported after."""

import itertools
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from impasto.cli.interrupt import Interrupt
from impasto.cli.options import Evolution, Report
from impasto.cli.progress import show_steps
from impasto.cli.report import STOPPED, print_json, print_line
from impasto.cost.pace import describe_seconds
from impasto.errors import ImpastoError, OutputError
from impasto.recipe.files import recipe_files
from impasto.recipe.recipe import Recipe
from impasto.system.disk import quote

if TYPE_CHECKING:
    from impasto.cost.estimate import Estimate
    from impasto.painting.job import Job
    from impasto.painting.recorder import Recorder
    from impasto.runs.result import Result
    from impasto.runs.run import Run

Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="OUT",
        help="the picture: .png, .jpg, .webp or .tif; default: a new .png here, named after the inputs",
    ),
]

NAME_BYTES = 200
"""Length of a default name before its number and suffix."""

ENDS = {
    "stopped": ", stopped early: the best so far",
    "tolerance": ", settled within the tolerance",
    "diverged": ", ended early since it got no better: the best so far",
}


class Delivery:
    """The output file of a command that paints one picture, with snapshots and animation.

    output: None for a new file of the default's name, with a number where that exists.
    record: what a run's folder records of it, as JSON values. Raises OutputError if a file cannot be written there.
    """

    def __init__(
        self, output: Path | None, inputs: Sequence[Path], recipe: Recipe, options: Evolution, *, default: Path
    ) -> None:
        from impasto.images.formats.animation import check_animation
        from impasto.images.io import check_output
        from impasto.runs import evolution

        self._default = default if output is None else None
        output = output if output is not None else free_path(default)
        read: list[Path | str] = [*inputs, *recipe_files(recipe)]
        every, folder, animation = options.snapshot_every, options.snapshot_dir, options.animation
        check_output(output, inputs=read, depth=recipe.depth)
        self._replaces = output.exists()
        if folder is not None and every is None:
            raise OutputError(
                f"--snapshot-dir {str(folder)!r} is given without --snapshot-every; expected both.",
                "Add --snapshot-every 20, for example.",
            )
        if animation is not None:
            check_animation(animation, inputs=[*read, output])
        if every is not None:
            folder = evolution.check_snapshot_dir(folder or output.with_name(f"{output.stem}_steps"), inputs=read)
        self._output, self._animation, self._has_snapshots = output, animation, every is not None
        places = {"output": output, "snapshot_dir": folder, "animation": animation}
        self.record: dict[str, Any] = {
            **{name: None if path is None else str(path.absolute()) for name, path in places.items()},
            "snapshot_every": every,
            "is_default": self._default is not None,
        }
        self._evolution = evolution.Evolution(
            snapshot_dir=folder, snapshot_every=every, animate=animation is not None
        )

    def paint(
        self,
        job: "Job",
        interrupt: Interrupt,
        report: Report,
        recorder: "Recorder | None" = None,
        *,
        estimate: "Estimate | None" = None,
    ) -> NoReturn:
        """Paint, write and report the picture, and end the command with its exit code.

        recorder: of a run that is resumed; that of a new run if left out. estimate: the forecast, which
        progress corrects.
        """
        from impasto.painting.paint import paint
        from impasto.painting.recorder import start_recorder

        if recorder is not None:
            self._replaces = False  # the picture is the run's own
        elif self._replaces and not report.quiet:
            _report_stopped(self._output)
        recorder = recorder if recorder is not None else start_recorder(job, self.record)
        started_s, steps_before = time.perf_counter(), recorder.step
        with show_steps(quiet=report.quiet, estimate=estimate) as steps:
            result = paint(job, recorder, interrupt.on_step(steps.on_step, self._evolution.on_step))
            interrupt.start_saving()
            steps.begin("saving the picture")
            self._write(result, recorder.run)
        run = recorder.run
        if report.json:
            print_json({**self._values(result), "run_dir": None if run is None else str(run.folder)})
        else:
            text = describe_result(result, self._output, time.perf_counter() - started_s, steps_before)
            for line in self._lines(text, result, run):
                print_line(line)
        raise typer.Exit(STOPPED if interrupt.stop_requested else 0)

    def _write(self, result: "Result", run: "Run | None") -> None:
        if self._default is not None:  # another process may have taken the name
            self._output = free_path(self._default)
        try:
            result.save(self._output)
            if self._animation is not None:
                self._evolution.write_animation(self._animation, result.pastiche)
        except ImpastoError as error:
            if run is None:
                raise
            run.close()
            hint = f"{error.hint} Then resume: impasto resume {name_run(run.folder)}"
            raise type(error)(error.error, hint) from error
        if run is not None and result.end != "stopped":
            run.finish(result, self._output)
        elif run is not None and self._default is not None:  # to be replaced when the run is resumed
            run.deliver_to({**self.record, "output": str(self._output.absolute()), "is_default": False})

    def _values(self, result: "Result") -> dict[str, Any]:
        values = {"output": str(self._output), **result.to_dict()}
        if self._has_snapshots:
            values["snapshots"] = [str(path) for path in self._evolution.snapshots]
        if self._animation is not None:
            values["animation"] = str(self._animation)
        return values

    def _lines(self, text: str, result: "Result", run: "Run | None") -> list[str]:
        resume = f"; to resume: impasto resume {name_run(run.folder)}" if run and result.end == "stopped" else ""
        lines = [f"{text}{', replacing an older picture' if self._replaces else ''}{resume}"]
        if snapshots := self._evolution.snapshots:
            lines.append(f"{snapshots[0].parent}: {len(snapshots)} snapshots")
        if self._animation is not None:
            lines.append(f"{self._animation}: the evolution")
        return lines


def default_name(inputs: Sequence[Path | str], suffix: str = ".png") -> Path:
    """Return the name of a picture painted from these inputs, in the working folder: photo-painting.png."""
    name = "-".join(Path(each).stem for each in inputs)
    while len(os.fsencode(name)) > NAME_BYTES:
        name = name[:-1]
    return Path(f"{name}{suffix}")


def free_path(path: Path) -> Path:
    """Return the path, or the first of photo-2.png, photo-3.png, ... that does not exist."""
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(2))
    return next(free for free in itertools.chain([path], numbered) if not os.path.lexists(free))


def name_run(folder: Path) -> str:
    """Return what a person types for a run: its name if it is among the user's runs, else its path."""
    from impasto.runs.folders import is_users

    return quote(folder.name if is_users(folder) else str(folder))


def _report_stopped(output: Path) -> None:
    """Print which stopped run was to write the same picture, if there is one."""
    from impasto.runs.summary import find_stopped_writer

    if (folder := find_stopped_writer(output)) is not None:
        text = f"{output} is of a stopped run and will be replaced; to finish that one: impasto resume {folder.name}"
        print_line(text, file=sys.stderr)


def describe_result(result: "Result", output: Path, seconds: float, steps_before: int = 0) -> str:
    """Return the result in one line: path, size, steps, time, and why it ended if not by its steps.

    seconds: of this call. steps_before: those of the calls before it, if it was resumed.
    """
    height, width = result.pastiche.shape[-2:]
    took, steps = _describe_time(seconds), f"{result.steps} steps"
    if steps_before:
        took, steps = f"{took} now", f"{steps}, {result.steps - steps_before} of them"
    end = ENDS.get(result.end, "")
    if result.end == "stopped" and result.plan.size != (height, width):
        end = f", stopped early, painted at {result.plan.size[1]}x{result.plan.size[0]} so far"
    return f"{output}: {width}x{height}, {steps} in {took}{end}"


def _describe_time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else describe_seconds(seconds)

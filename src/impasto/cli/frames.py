"""The output files of a morph: numbered pictures, or one animation; written one by one, reported at the end."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from impasto.cli.delivery import free_path
from impasto.cli.interrupt import Interrupt
from impasto.cli.options import Evolution, Report
from impasto.cli.progress import show_steps
from impasto.cli.report import STOPPED, print_json, print_line
from impasto.errors import OutputError
from impasto.recipe.files import recipe_files
from impasto.recipe.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from impasto.runs.result import Result
    from impasto.transfer.morph import Morph

logger = logging.getLogger(__name__)


class Frames:
    """The files of a morph: an animation if OUT is a .webp or .gif, else pictures OUT_0001.png, OUT_0002.png, ...

    output: None for a new file of the default's name. Raises OutputError if a file cannot be written there.
    """

    def __init__(
        self, output: Path | None, inputs: Sequence[Path], recipe: Recipe, options: Evolution, *, default: Path
    ) -> None:
        from impasto.images.formats.animation import FORMATS, check_animation
        from impasto.images.io import check_output

        if options.snapshot_every is not None or options.snapshot_dir is not None or options.animation is not None:
            raise OutputError(
                f"--frames {recipe.frames} is given with snapshots or an --animation; expected one of them.",
                "Leave the others out: OUT is the animation, or numbered pictures.",
            )
        read: list[Path | str] = [*inputs, *recipe_files(recipe)]
        output = output if output is not None else free_path(default)
        self._output, self._count = output, recipe.frames
        self._is_animation = output.suffix.lower() in FORMATS
        self._frames: list[dict[str, Any]] = []
        self._pictures: list[Tensor] = []
        if not self._is_animation:
            for number in range(1, recipe.frames + 1):
                check_output(self._path(number), inputs=read, depth=recipe.depth)
        elif recipe.depth == 16 or recipe.keep_profile:
            raise OutputError(
                f"output {str(output)!r} is an animation; it holds neither 16 bits nor a --keep-profile.",
                f"Write numbered pictures: -o {output.with_suffix('.png')}.",
            )
        else:
            check_animation(output, inputs=read)

    def paint(self, morph: "Morph", interrupt: Interrupt, report: Report) -> NoReturn:
        """Paint, write and report the frames, up to where it is stopped, and end the command with its exit code.

        Raises KeyboardInterrupt if it is stopped before the first frame is finished.
        """
        from impasto.images.formats.animation import write_animation

        last: Result | None = None
        with show_steps(quiet=report.quiet) as steps:
            steps.on_part(f"frame 1/{self._count}")
            try:
                for last in morph.paint(interrupt.on_step(steps.on_step)):
                    self._add(last)
                    steps.on_part(f"frame {len(self._frames) + 1}/{self._count}")
            except KeyboardInterrupt:
                if not self._frames:
                    raise
            assert last is not None
            interrupt.start_saving()
            if self._is_animation:
                steps.begin("saving the animation")
                write_animation(self._pictures, self._output, metadata=last.metadata)
        values = self._values(last)
        if report.json:
            print_json(values)
        else:
            print_line(self._describe(values))
        raise typer.Exit(STOPPED if interrupt.stop_requested else 0)

    def _add(self, result: "Result") -> None:
        """Write a frame, or collect it for the animation."""
        from impasto.images.formats.animation import to_frame

        values = {key: value for key, value in result.to_dict().items() if key not in ("recipe", "run", "size")}
        if self._is_animation:
            if result.carried.alpha is not None and not self._pictures:
                logger.warning("an animation is not transparent; numbered .png pictures keep the photograph's alpha.")
            self._pictures.append(to_frame(result.pastiche, long_edge=max(result.pastiche.shape[-2:])))
        else:
            path = self._path(len(self._frames) + 1)
            result.save(path)
            values = {"output": str(path), **values}
        self._frames.append(values)

    def _values(self, last: "Result") -> dict[str, Any]:
        totals = {name: sum(values[name] for values in self._frames) for name in ("steps", "seconds")}
        shared = {key: value for key, value in last.to_dict().items() if key not in ("run", "frame")}
        return {"output": str(self._output), **shared, **totals, "frames": self._frames}

    def _describe(self, values: dict[str, Any]) -> str:
        size, painted = values["size"], len(self._frames)
        count = f"{painted} of {self._count}" if painted < self._count else str(painted)
        names = self._output if self._is_animation else f"{self._path(1)} to {self._path(painted).name}"
        totals = f"{values['steps']} steps in {values['seconds']:.1f} s"
        return f"{names}: {count} frames, {size['width']}x{size['height']}, {totals}"

    def _path(self, number: int) -> Path:
        digits = max(4, len(str(self._count)))
        return self._output.with_name(f"{self._output.stem}_{number:0{digits}d}{self._output.suffix}")

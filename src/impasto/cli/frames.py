"""Where the frames of a morph go: numbered pictures, or one animation; written one by one, reported at the end."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from impasto.cli.interrupt import Interrupt
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
    """The files of a morph: an animation where OUT is a .webp or .gif, else pictures OUT_0001.png, OUT_0002.png, ...

    Raises OutputError for a bad place.
    """

    def __init__(self, output: Path, inputs: Sequence[Path], recipe: Recipe) -> None:
        from impasto.images.formats.animation import FORMATS, check_animation
        from impasto.images.io import check_output

        read: list[Path | str] = [*inputs, *recipe_files(recipe)]
        self.output = output
        self._digits = max(4, len(str(recipe.frames)))
        self.is_animation = output.suffix.lower() in FORMATS
        self.results: list[dict[str, Any]] = []
        self._pictures: list[Tensor] = []
        self._last: Result | None = None
        if not self.is_animation:
            for number in range(1, recipe.frames + 1):
                check_output(self._path(number), inputs=read, depth=recipe.depth)
        elif recipe.depth == 16 or recipe.keep_profile:
            raise OutputError(
                f"output {str(output)!r} is an animation; it holds neither 16 bits nor a --keep-profile.",
                f"Write numbered pictures: -o {output.with_suffix('.png')}.",
            )
        else:
            check_animation(output, inputs=read)

    def paint(self, morph: "Morph", interrupt: Interrupt, *, quiet: bool) -> None:
        """Paints and keeps every frame, up to where it is stopped. Raises KeyboardInterrupt where there is none."""
        of = morph.recipe.frames
        with show_steps(quiet=quiet) as progress:
            progress.on_part(f"frame 1/{of}")
            try:
                for result in morph.paint(interrupt.on_step(progress.on_step)):
                    self.keep(result)
                    if len(self.results) < of and not interrupt.asked:
                        progress.on_part(f"frame {len(self.results) + 1}/{of}")
            except KeyboardInterrupt:
                if not self.results:
                    raise

    def keep(self, result: "Result") -> None:
        """Writes a frame; or remembers it, of an animation."""
        from impasto.images.formats.animation import to_frame

        self._last = result
        values = {key: value for key, value in result.to_dict().items() if key not in ("recipe", "run", "size")}
        if self.is_animation:
            if result.carried.alpha is not None and not self._pictures:
                logger.warning("an animation is not transparent; numbered .png pictures keep the photograph's alpha.")
            self._pictures.append(to_frame(result.pastiche, long_edge=max(result.pastiche.shape[-2:])))
        else:
            path = self._path(len(self.results) + 1)
            result.save(path)
            values = {"output": str(path), **values}
        self.results.append(values)

    def deliver(self, interrupt: Interrupt, *, as_json: bool) -> None:
        """Writes what is left to write, reports, and ends the command with its exit code."""
        from impasto.images.formats.animation import write_animation

        interrupt.shield()
        assert self._last is not None
        if self.is_animation:
            write_animation(self._pictures, self.output, metadata=self._last.metadata)
        values = self._values(self._last)
        if as_json:
            print_json(values)
        else:
            size, of = values["size"], self._last.recipe.frames
            made = f"{len(self.results)} of {of}" if len(self.results) < of else f"{of}"
            names = self.output if self.is_animation else f"{self._path(1)} to {self._path(len(self.results)).name}"
            print_line(
                f"{names}: {made} frames, {size['width']}x{size['height']}, {values['steps']} steps in "
                f"{values['seconds']:.1f} s"
            )
        raise typer.Exit(STOPPED if interrupt.asked else 0)

    def _values(self, last: "Result") -> dict[str, Any]:
        totals = {name: sum(values[name] for values in self.results) for name in ("steps", "seconds")}
        return {
            "output": str(self.output),
            **{key: value for key, value in last.to_dict().items() if key not in ("run", "frame")},
            **totals,
            "frames": self.results,
        }

    def _path(self, number: int) -> Path:
        return self.output.with_name(f"{self.output.stem}_{number:0{self._digits}d}{self.output.suffix}")


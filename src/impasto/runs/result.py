"""The result of a run: the pastiche, and all that is known about how it was made."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from impasto.features.weights import WeightsRecord
from impasto.optimize.schedule import MemoryPlan, RunPlan
from impasto.runs.finished import FinishedPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Which picture of a morph: its number, from 1, how many there are, and the shares of the styles in it."""

    number: int
    of: int
    style_blend: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Result(FinishedPicture):
    """A pastiche painted by optimization and what is known about it.

    losses: the weighted terms by name, and "total", of this picture as painted, before `finish_colors`. steps: of the
    whole run. end: why it ended: "steps", "tolerance", "stopped" (by a callback or Ctrl-C) or "diverged" (after too
    many roll-backs). plan: the parts as they were run; `stylize(..., plan=result.plan)` repeats them. frame: of a
    morph; recipe is the morph's.
    """

    losses: Mapping[str, float]
    steps: int
    end: Literal["steps", "tolerance", "stopped", "diverged"]
    weights: WeightsRecord
    plan: RunPlan
    frame: Frame | None = None

    @property
    def memory(self) -> MemoryPlan:
        """The plan of the last part."""
        return self.plan.parts[-1].memory

    @property
    def run(self) -> dict[str, Any]:
        """How it was run, as far as it shows in the last digits: what `RunPlan.from_dict` takes."""
        return self.plan.to_dict()

    @property
    def metadata(self) -> dict[str, Any]:
        """What is written into the picture: recipe, seed, version, weights, inputs and how it was run.

        Files are named without their folders; if the recipe says `strip`, inputs have neither names nor SHA-256.
        """
        return {
            **self._origin({"weights": {"name": self.weights.name, "sha256": self.weights.sha256}}),
            "run": self.run,
            **self._frame,
        }

    def __repr__(self) -> str:
        height, width = self.pastiche.shape[-2:]
        return f"<Result {width}x{height}, {self.steps} steps, loss {self.losses['total']:.4g}, end {self.end!r}>"

    def to_dict(self) -> dict[str, Any]:
        """Size, steps, seconds, losses, peak_bytes, end, run and recipe, as JSON values."""
        height, width = self.pastiche.shape[-2:]
        return {
            "size": {"width": width, "height": height},
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "losses": dict(self.losses),
            "peak_bytes": self.peak_bytes,
            "end": self.end,
            "run": self.run,
            "recipe": self.recipe.to_dict(),
            **self._frame,
        }

    @property
    def _frame(self) -> dict[str, Any]:
        return {} if self.frame is None else {"frame": dataclasses.asdict(self.frame)}

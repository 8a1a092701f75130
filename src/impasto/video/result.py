"""The result of painting a film, its progress, and its estimated cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from impasto.optimize.events import StepEvent
from impasto.recipe.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoEvent:
    """Progress of a film. kind: "read", in which scenes are found, "step" or "frame".

    frame: frames done so far, in calls before this one too. frames: of the film, times its passes; None while it is
    read and where the source does not say. step: of the optimization of the next frame. picture: the painted frame as
    a PNG; b"" where a worker painted it.
    """

    kind: Literal["read", "step", "frame"]
    frame: int
    frames: int | None
    step: StepEvent | None = None
    picture: bytes = b""


OnVideo = Callable[[VideoEvent], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoEstimate:
    """What a film will cost. frames: about how many; None where the source does not say. frame_s: seconds of one.

    size: (height, width). fps: frames a second of the film. instant_s: seconds of all frames by `with_="instant"` where
    they are to be optimized; None where they are not, or that network is not installed.
    """

    frames: int | None
    size: tuple[int, int]
    fps: float | None
    seconds: float | None
    frame_s: float
    peak_bytes: int
    recipe: Recipe
    method: str
    instant_s: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all as JSON values."""
        height, width = self.size
        values: dict[str, Any] = {"frames": self.frames, "size": {"width": width, "height": height}, "fps": self.fps}
        values |= {"seconds": None if self.seconds is None else round(self.seconds, 1)}
        values |= {"seconds_per_frame": round(self.frame_s, 3), "peak_bytes": self.peak_bytes, "with": self.method}
        values |= {} if self.instant_s is None else {"instant_seconds": round(self.instant_s, 1)}
        return {**values, "recipe": self.recipe.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoResult:
    """A painted film. output: its file or folder. size: (height, width). frames: in it. fps: of the film, on average.

    painted: frames painted in this call, in all passes; seconds: of painting them. end: "frames", or "stopped"
    where the film has the frames so far. steps, losses: of all frames, and the mean of each; None of a network's.
    warnings: what was changed, of the sound for example.
    """

    output: Path
    size: tuple[int, int]
    frames: int
    fps: float
    painted: int
    seconds: float
    recipe: Recipe
    peak_bytes: int
    method: str
    end: Literal["frames", "stopped"]
    steps: int | None = None
    losses: Mapping[str, float] | None = None
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return all as JSON values; `steps` and `losses` only where frames were optimized."""
        height, width = self.size
        values: dict[str, Any] = {"output": str(self.output), "size": {"width": width, "height": height}}
        values |= {"frames": self.frames, "fps": round(self.fps, 3), "painted": self.painted}
        if self.steps is not None:
            values |= {"steps": self.steps, "losses": dict(self.losses or {})}
        values |= {"seconds": round(self.seconds, 3), "peak_bytes": self.peak_bytes, "with": self.method}
        return {**values, "end": self.end, "warnings": [*self.warnings], "recipe": self.recipe.to_dict()}

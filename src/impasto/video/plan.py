"""The plan of a film: the times of its frames, its scenes, and the parts in which it is painted and stored."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from torch import Tensor

from impasto.errors import RunError
from impasto.video.frames import Source
from impasto.video.job import VideoJob

PART_S = 2.0
"""Seconds of a part at most: a stopped film loses none, since single frames are stored until their part is."""

PART_FRAMES = 60


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive frames of one scene, stored together. first, end: its frames, end excluded. scene: its first one."""

    number: int
    first: int
    end: int
    scene: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The frames to paint. times, durations: of each, in seconds of the source. scenes: the first frame of each."""

    times: tuple[Fraction, ...]
    durations: tuple[Fraction, ...]
    scenes: tuple[int, ...]

    @property
    def frames(self) -> int:
        """The number of frames."""
        return len(self.times)

    @property
    def seconds(self) -> Fraction:
        """How long all frames are shown."""
        return sum(self.durations, Fraction())

    def parts(self, passes: int = 1) -> list[Part]:
        """Return the parts, none of which goes beyond its scene; whole scenes where there are several passes."""
        length = min(PART_FRAMES, max(1, round(PART_S * self.frames / self.seconds))) if self.seconds else 1
        length = length if passes == 1 else self.frames
        found: list[Part] = []
        for scene, end in zip(self.scenes, (*self.scenes[1:], self.frames), strict=True):
            for first in range(scene, end, length):
                found.append(Part(len(found), first, min(end, first + length), scene))
        return found

    def to_json(self) -> bytes:
        """Return the plan as the run's folder has it."""
        values = {"times": [*map(str, self.times)], "durations": [*map(str, self.durations)], "scenes": self.scenes}
        return json.dumps(values).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Return the plan that `to_json` wrote. Raises RunError."""
        try:
            values = json.loads(data)
            times, durations = (tuple(map(Fraction, values[name])) for name in ("times", "durations"))
            return cls(times=times, durations=durations, scenes=tuple(map(int, values["scenes"])))
        except (ValueError, TypeError, LookupError, ZeroDivisionError) as error:
            raise RunError(
                f"the plan of the film is damaged ({type(error).__name__}); expected one as impasto wrote it.",
                "Remove the folder of the film's parts, and run the command again.",
            ) from error


def plan_film(
    job: VideoJob,
    source: Source,
    is_cut: Callable[[Tensor, Tensor], bool],
    on_frame: Callable[[int], object] = lambda number: None,
) -> Plan:
    """Read the film once, and return its plan.

    is_cut: whether a scene ends between two frames, each (1, 3, H, W). on_frame: called with the number of frames read.
    Raises what `Source.frames` raises.
    """
    times, durations, scenes = list[Fraction](), list[Fraction](), list[int]()
    before: Tensor | None = None
    for frame in source.frames(job.start_s, job.duration_s, job.every):
        if before is None or is_cut(before, frame.image):
            scenes.append(len(times))
        before = frame.image
        times.append(frame.time)
        durations.append(frame.duration)
        on_frame(len(times))
    return Plan(times=tuple(times), durations=tuple(durations), scenes=tuple(scenes))


def count_frames(job: VideoJob, source: Source) -> int | None:
    """Return about how many frames are to be painted, without reading them; None where the source does not say."""
    count, length_s = source.frame_count, source.duration_s
    if count is None or not length_s:
        return None if count is None else -(-count // job.every)
    chosen_s = max(0.0, length_s - job.start_s)
    chosen_s = chosen_s if job.duration_s is None else min(chosen_s, job.duration_s)
    return max(1, round(count * chosen_s / length_s / job.every))


def context_of(part: Part, frames: int) -> range:
    """Return the frames before a part, at most so many, from which its first is painted: those of its scene."""
    return range(max(part.scene, part.first - frames), part.first)


def frame_blends(styles: int, frames: int) -> Sequence[tuple[float, ...]]:
    """Return the shares of the styles in each frame of a morph, from the first alone to the last alone, evenly."""
    places = [(styles - 1) * number / max(1, frames - 1) for number in range(frames)]
    return [tuple(max(0.0, 1 - abs(place - style)) for style in range(styles)) for place in places]

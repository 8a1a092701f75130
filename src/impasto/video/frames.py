"""The frames of a film with their times, and the cut of a film to a part of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count
from pathlib import Path

from torch import Tensor

from impasto.errors import ImageReadError, VideoReadError

Seconds = float | Fraction


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One picture of a film.

    index: its number among the frames of one call of `Source.frames`, from 0. time, duration: seconds, whole multiples
    of the source's `time_base`; time 0 is where the source begins. image: (1, 3, H, W) float32 in [0, 1], sRGB,
    upright.
    """

    index: int
    time: Fraction
    duration: Fraction
    image: Tensor


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame that is not yet an image: its time and duration in seconds, and the function that decodes it."""

    time: Fraction
    duration: Fraction
    decode: Callable[[], Tensor]

    @property
    def end(self) -> Fraction:
        """Time at which the next frame is shown."""
        return self.time + self.duration


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter of a film: its times in seconds, 0 being where the source begins, and its title, "" where none."""

    start: Fraction
    end: Fraction
    title: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A film that can be read: a file, an animation or a folder of numbered pictures. No file is open between calls.

    size: height and width of its frames, upright, with square pixels. rate: frames a second on average, None where
    not known. time_base: seconds of one tick; all times are multiples of it. duration_s, frame_count: as the file says,
    None where it does not. has_sound: whether there is a sound that can be decoded. read: yields the frames from a time
    on, or from a little before it, and appends to the warnings that it is given.
    tags: what a file says of the film as a whole, of title, date and time of recording. chapters: of a file.
    names: of a folder's pictures, without suffix. warnings: sentences for the user; `frames` appends to them.
    """

    path: Path
    size: tuple[int, int]
    rate: Fraction | None
    time_base: Fraction
    duration_s: float | None
    frame_count: int | None
    has_sound: bool
    read: Callable[[Fraction, list[str]], Iterator[Shot]]
    tags: Mapping[str, str] = field(default_factory=dict)
    chapters: Sequence[Chapter] = ()
    names: Sequence[str] = ()
    warnings: list[str] = field(default_factory=list)

    def frames(self, start_s: Seconds = 0, duration_s: Seconds | None = None, every: int = 1) -> Iterator[Frame]:
        """Yield the frames that are shown from `start_s` on, for `duration_s`; only a few are in memory at a time.

        The frame that is on the screen at `start_s` is the first, its time `start_s`; the last one's duration ends with
        the cut. every: yield one of so many frames; its duration is that of all of them.
        What a damaged file has before the damage is yielded, then `warnings` says so.
        Raises VideoReadError where the cut has no frame, or nothing can be read at all.
        """
        start, end = self.cut(start_s, duration_s)
        number = -1
        for number, shot in enumerate(thin_shots(cut_shots(self.read(start, self.warnings), start, end), every)):
            try:
                image = shot.decode()
            except ImageReadError as error:
                if number == 0:
                    raise
                self.warnings.append(f"{error.error} The {number} frames before it were read.")
                return
            yield Frame(index=number, time=shot.time, duration=shot.duration, image=image)
        if number < 0:
            length = "" if self.duration_s is None else f", which is {self.duration_s:.2f} s long"
            raise VideoReadError(
                f"film {str(self.path)!r}{length} has no frame from {float(start):g} s on; expected at least one.",
                "Choose another --start and --duration.",
            )

    def cut(self, start_s: Seconds, duration_s: Seconds | None) -> tuple[Fraction, Fraction | None]:
        """Return start and end of a cut in seconds, rounded to the time base; an end of None is that of the film."""
        start = self.time_base * round(start_s / self.time_base)
        return start, None if duration_s is None else start + self.time_base * round(duration_s / self.time_base)


def cut_chapters(chapters: Sequence[Chapter], start: Fraction, end: Fraction | None) -> list[Chapter]:
    """Return the chapters, or parts of them, between start and end, by times of which 0 is the start."""
    cut = [
        Chapter(max(each.start, start) - start, (each.end if end is None else min(each.end, end)) - start, each.title)
        for each in chapters
    ]
    return [each for each in cut if each.start < each.end]


def cut_shots(shots: Iterator[Shot], start: Fraction, end: Fraction | None) -> Iterator[Shot]:
    """Yield what is shown between start and end: the first and the last frame's times end there."""
    for shot in shots:
        if end is not None and shot.time >= end:
            return
        time, stop = max(shot.time, start), shot.end if end is None else min(shot.end, end)
        if time < stop:
            yield replace(shot, time=time, duration=stop - time)


def thin_shots(shots: Iterator[Shot], every: int) -> Iterator[Shot]:
    """Yield one of `every` frames, its duration that of all of them."""
    kept: Shot | None = None
    for number, shot in zip(count(), shots):
        if kept is not None and number % every:
            kept = replace(kept, duration=shot.end - kept.time)
            continue
        if kept is not None:
            yield kept
        kept = shot
    if kept is not None:
        yield kept

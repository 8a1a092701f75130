"""A part of a film, painted: each frame by a network or a recipe, from those before it in its scene."""

import itertools
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from io import BytesIO
from typing import Any, Protocol, Self

from torch import Tensor

from impasto.errors import VideoReadError
from impasto.images.io import ImageSource, read_image
from impasto.images.pixels import image_to_picture
from impasto.optimize.events import OnStep
from impasto.video.job import VideoJob, is_film, open_film
from impasto.video.optimize import Earlier

HELD = 8
"""Frames in memory in a pass backwards."""

PNG_EFFORT = 1
"""Of 9: a stored frame lives for seconds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moment:
    """A frame to paint.

    frame: (1, 3, H, W) in [0, 1], sRGB. number: in the film, from 0. blend: the shares of the styles at this moment of
    a morph, () otherwise. masks: by the field of the job that has them, those of this frame. draft: as the pass before
    painted it, (1, 3, h, w); None in the first.
    """

    frame: Tensor
    number: int
    blend: tuple[float, ...]
    masks: Mapping[str, Sequence[ImageSource]]
    draft: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A painted frame. image: from which the next ones are painted. final: of the film; None where it is the same.

    Both (1, 3, h, w) in [0, 1]. facts: what is known about the painting, as JSON values.
    """

    image: Tensor
    final: Tensor | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class FramePainter(Protocol):
    """Paints the frames of a film. context: how many frames before it a frame is painted from, at most."""

    @property
    def context(self) -> int: ...

    def begin(self, first: Moment) -> None:
        """Begin or continue the scene with this first frame."""
        ...

    def paint(self, moment: Moment, earlier: Sequence[Earlier], on_step: OnStep | None = None) -> Painted:
        """Paint a frame of the scene that was begun.

        earlier: frames of the same scene, the last one the nearest; none at its beginning. on_step: called after each
        step of an optimization. Raises KeyboardInterrupt where that stops it.
        """
        ...


@dataclass(frozen=True, slots=True)
class PartItem:
    """A part to paint; an item of a `WorkerPool`.

    first: number in the film of the first frame that is read: of the context, from which the part's own are painted.
    times, blends: of each frame from there on; blends only of a morph. scene: number, time and blend of the first frame
    of its scene. stored: PNG files of the frames that are painted, in the order of painting.
    turn: the number of the pass; every second one goes backwards. drafts: PNG files of the pass before, in the film's
    order; () in the first.
    """

    job: VideoJob
    first: int
    times: tuple[Fraction, ...]
    blends: tuple[tuple[float, ...], ...]
    scene: tuple[int, Fraction, tuple[float, ...]]
    stored: tuple[str, ...]
    turn: int = 1
    drafts: tuple[str, ...] = ()

    @property
    def files(self) -> Sequence[str]:
        """The stored frames."""
        return self.stored

    @property
    def shared_files(self) -> Sequence[str]:
        """The source, masks, paintings and networks."""
        return self.job.paths

    def with_files(self, files: Sequence[str], shared_files: Sequence[str]) -> Self:
        """Return the item with other paths of the same files."""
        return replace(self, stored=tuple(files), job=self.job.with_paths(shared_files))


@dataclass(frozen=True, slots=True)
class PaintedFrame:
    """A painted frame: its number in the film, and what is known about its painting, as JSON values.

    turn: the number of the pass. picture: a PNG, from which the next frames are painted. final: that of the film; b""
    where it is the same.
    """

    number: int
    turn: int
    picture: bytes
    final: bytes
    facts: Mapping[str, Any]


def paint_part(painter: FramePainter, item: PartItem, on_step: OnStep | None = None) -> Iterator[PaintedFrame]:
    """Yield the frames of a part that are not painted yet, in order.

    Each is rounded to 8 bits before the next one sees it, so that it is the same after a stop. Raises VideoReadError
    where the source or a mask is not as long as was planned, and what painting raises.
    """
    number, at, blend = item.scene
    painter.begin(next(_read_moments(replace(item, first=number, times=(at,), blends=(blend,), drafts=()))))
    earlier = deque[Earlier](maxlen=max(1, painter.context))
    for place, moment in enumerate(_read_moments(item) if item.turn % 2 else _read_backwards(item)):
        if place < len(item.stored):
            earlier.append(Earlier(frame=moment.frame, painted=read_image(item.stored[place])))
            continue
        started_s = time.perf_counter()
        painted = painter.paint(moment, tuple(earlier) if painter.context else (), on_step)
        picture = encode_frame(painted.image)
        earlier.append(Earlier(frame=moment.frame, painted=read_image(picture)))
        final = b"" if painted.final is None else encode_frame(painted.final)
        facts = {**painted.facts, "seconds": round(time.perf_counter() - started_s, 3)}
        yield PaintedFrame(moment.number, item.turn, picture, final, facts)


def _read_moments(item: PartItem) -> Iterator[Moment]:
    masks = {name: [_read_mask(path, item) for path in paths] for name, paths in item.job.masks().items()}
    for place, frame in enumerate(_read(item.job.source, item)):
        yield Moment(
            frame=frame,
            number=item.first + place,
            blend=item.blends[place] if item.blends else (),
            masks={name: [next(mask) for mask in several] for name, several in masks.items()},
            draft=read_image(item.drafts[place]) if item.drafts else None,
        )


def _read_backwards(item: PartItem) -> Iterator[Moment]:
    """Yield the moments from the last one to the first; a film is read forwards, so a few are held at a time."""
    for first in reversed(range(0, len(item.times), HELD)):
        some = slice(first, first + HELD)
        lists: Any = {name: getattr(item, name)[some] for name in ("times", "blends", "drafts")}
        yield from reversed([*_read_moments(replace(item, first=item.first + first, **lists))])


def encode_frame(image: Tensor) -> bytes:
    """Return a frame, (1, 3, H, W) in [0, 1], as an 8-bit PNG."""
    file = BytesIO()
    image_to_picture(image).save(file, "PNG", compress_level=PNG_EFFORT)
    return file.getvalue()


def _read(path: str, item: PartItem) -> Iterator[Tensor]:
    """Yield the frame of a film at each of the item's times. Raises VideoReadError where it is too short."""
    found = open_film(path, item.job.rate).frames(item.times[0], every=item.job.every)
    for at in item.times:
        frame = next(found, None)
        if frame is None:
            raise VideoReadError(
                f"film {path!r} has no frame at second {float(at):.3f}; expected one for each of {item.job.source!r}.",
                "Give a mask as long as the film, at as many frames a second.",
            )
        yield frame.image


def _read_mask(path: str, item: PartItem) -> Iterator[ImageSource]:
    """Yield the mask of each frame: a picture's path again and again, or the frames of a film."""
    return _read(path, item) if is_film(path) else itertools.repeat(path)

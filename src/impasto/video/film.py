"""Read a film's file with PyAV: what it is, and its frames from any time on."""

import importlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from impasto.errors import MissingExtraError, VideoReadError
from impasto.images.formats.decoding import one_line
from impasto.video.frames import Chapter, Shot, Source
from impasto.video.pixels import Upright, describe_loss, to_image

INSTALL_VIDEO = 'pip install "impasto[video]"'

KINDS = "a film such as an .mp4, .mov, .mkv or .webm file"

NO_FILMS = {"image2": "a still picture", "tty": "a text", "concat": "a list of files", "hls": "a list of files"}
"""What FFmpeg opens and is no film, by its name of the format."""

RATE = Fraction(25)
"""Frames a second where a film does not say how long its frames last."""

TAGS = ("title", "date", "creation_time")
"""What is kept of a file's sentences about the film: nothing of where it was recorded, or by what."""

SEEK_MARGINS_S = (1, 8, 60)
"""Seconds before the wanted time to which we seek: files name key frames by their decoding time, some not exactly."""

GROWTH, LEAST_LIMIT = 4, 2**22
"""Frames may have so many times the pixels that the film begins with, or so many pixels; larger ones are damage."""

END_MARGIN_S = 0.5
"""A film that ends so much before the end that its header names is said to be cut short."""


def import_av() -> Any:
    """Import PyAV. Raises MissingExtraError."""
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise MissingExtraError(
            f"films are read and written by the package av (PyAV), which is missing ({error}).",
            f"Run: {INSTALL_VIDEO}.",
        ) from error


def open_film(path: Path, *, origin: Fraction | None = None) -> Source:
    """Return the source of a film's file; its first frame is decoded. Raises VideoReadError, MissingExtraError.

    origin: the time by the film's own clock that is time 0, seconds; None: that at which it begins.
    """
    with open_container(path) as container:
        stream = find_pictures(container, path)
        origin = find_origin(container, stream) if origin is None else origin
        warnings: list[str] = []
        first = next(_decode(container, stream, warnings), None)
        if first is None:
            raise _damaged(path, "no frame of it can be decoded")
        warnings += [*describe_loss(first, path), *_describe_left_out(container, stream, path)]
        upright = Upright.of(first, stream.sample_aspect_ratio)
        duration = find_duration(container, stream)
        rate = stream.average_rate or stream.guessed_rate
        count = stream.frames or (round(duration * rate) if duration and rate else None)
        return Source(
            path=path,
            size=upright.size,
            rate=rate,
            time_base=stream.time_base / stream.time_base.numerator,
            duration_s=None if duration is None else float(duration),
            frame_count=count,
            has_sound=any(sound.codec_context is not None for sound in container.streams.audio),
            read=partial(read_shots, path, upright, origin),
            tags={name.lower(): value for name, value in container.metadata.items() if name.lower() in TAGS},
            chapters=[_to_chapter(each, origin) for each in container.chapters()],
            warnings=warnings,
        )


def read_shots(path: Path, upright: Upright, origin: Fraction, start: Fraction, warnings: list[str]) -> Iterator[Shot]:
    """Yield a film's frames from the last one that begins at or before `start`, or a little earlier.

    origin: time of the film's beginning by its own clock, seconds. Times of frames never go backwards.
    """
    with open_container(path) as container:
        stream = find_pictures(container, path)
        tick = stream.time_base / stream.time_base.numerator
        usual = tick * round(1 / (stream.average_rate or stream.guessed_rate or RATE) / tick)
        frames = _seek(container, stream, origin, start, warnings)
        held: tuple[Fraction, Any] | None = None
        for frame in frames:
            time = held[0] + usual if held else Fraction(0)
            if frame.pts is not None:
                time = frame.pts * stream.time_base - origin
            if held:
                time = max(time, held[0] + tick)
                yield Shot(held[0], time - held[0], partial(to_image, held[1], upright))
            held = time, frame
        if held:
            duration = held[1].duration * stream.time_base if held[1].duration else usual
            yield Shot(held[0], duration, partial(to_image, held[1], upright))
            end, promised = held[0] + duration, find_duration(container, stream)
            if promised is not None and end < promised - END_MARGIN_S:
                end_text = f"at {float(end):.2f} s of {float(promised):.2f} s"
                warnings.append(f"film {str(path)!r} breaks off {end_text}; what is there was read.")


def _seek(container: Any, stream: Any, origin: Fraction, start: Fraction, warnings: list[str]) -> Iterator[Any]:
    """Yield decoded frames from a key frame before `start` on."""
    av = import_av()
    for margin in SEEK_MARGINS_S if start > 0 else ():
        if start <= margin:
            break
        try:
            container.seek(int((start - margin + origin) / stream.time_base), stream=stream)
        except av.FFmpegError:
            break
        frames = _decode(container, stream, warnings)
        first = next(frames, None)
        if first is not None and first.pts is not None and first.pts * stream.time_base - origin <= start:
            yield first
            yield from frames
            return
    if start > 0:
        container.seek(0)
    yield from _decode(container, stream, warnings)


def _decode(container: Any, stream: Any, warnings: list[str]) -> Iterator[Any]:
    """Yield decoded frames; packets that cannot be decoded are left out, with one warning at the end."""
    av = import_av()
    lost, reason = 0, ""
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.FFmpegError as error:
                lost, reason = lost + 1, _reason(error)
    except av.FFmpegError as error:
        warnings.append(f"film {container.name!r} cannot be read to its end ({_reason(error)}).")
    if lost:
        warnings.append(f"film {container.name!r} is damaged: {lost} of its frames could not be decoded ({reason}).")


@contextmanager
def open_container(path: Path) -> Iterator[Any]:
    """Open a film's file with PyAV. Raises VideoReadError, MissingExtraError."""
    av = import_av()
    try:
        # Only this file: a playlist of addresses is no film of the user's. An absolute path is never taken for one.
        container = av.open(
            os.path.abspath(path), metadata_errors="replace", container_options={"protocol_whitelist": "file"}
        )
    except (av.FFmpegError, ValueError) as error:
        raise VideoReadError(
            f"film {str(path)!r} cannot be opened ({_reason(error)}); expected {KINDS}.",
            "Play it, and copy or download it again if it does not.",
        ) from error
    with container:
        yield container


def find_pictures(container: Any, path: Path) -> Any:
    """Return the stream of a film's pictures; a cover picture is none. Raises VideoReadError."""
    name: str = container.format.name
    if kind := "a still picture" if name.endswith("_pipe") else NO_FILMS.get(name):
        raise VideoReadError(f"film {str(path)!r} is {kind}; expected {KINDS}.", "Give another file.")
    streams = _moving(container)
    if not streams:
        found = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise VideoReadError(
            f"film {str(path)!r} has no moving pictures, only: {found}; expected {KINDS}.", "Give another file."
        )
    best = container.streams.best("video")
    stream = best if best in streams else streams[0]
    if stream.codec_context is None:
        raise VideoReadError(
            f"film {str(path)!r} is coded in a way that FFmpeg does not know; expected H.264, VP9 or the like.",
            "Convert it to H.264 with the program that made it.",
        )
    codec = stream.codec_context
    codec.options.update(max_pixels=str(max(LEAST_LIMIT, GROWTH * codec.width * codec.height)))
    return stream


def _moving(container: Any) -> list[Any]:
    disposition = import_av().stream.Disposition
    still = disposition.attached_pic | disposition.timed_thumbnails | disposition.still_image
    return [stream for stream in container.streams.video if not stream.disposition & still]


def _describe_left_out(container: Any, stream: Any, path: Path) -> list[str]:
    """Return a sentence about subtitles and further pictures, which a painted film does not have."""
    others = [*container.streams.subtitles, *_moving(container)]
    found = Counter(other.type for other in others if other.index != stream.index)
    tracks = ", ".join(f"{count} {kind} track{'s' * (count > 1)}" for kind, count in sorted(found.items()))
    return [f"film {str(path)!r} has tracks that a painted film does not: {tracks}."] if found else []


def _to_chapter(chapter: Any, origin: Fraction) -> Chapter:
    """Return one of PyAV's chapters with its times from the film's beginning."""
    start, end = (chapter[side] * chapter["time_base"] - origin for side in ("start", "end"))
    return Chapter(start, end, chapter["metadata"].get("title", ""))


def find_origin(container: Any, stream: Any) -> Fraction:
    """Return the time at which a film begins by its own clock, seconds: a whole multiple of the time base."""
    tick: Fraction = stream.time_base
    return tick * round(Fraction(container.start_time or 0, 1_000_000) / tick)


def _damaged(path: Path, why: str) -> VideoReadError:
    return VideoReadError(f"film {str(path)!r} is damaged: {why}; expected {KINDS}.", "Copy or download it again.")


def find_duration(container: Any, stream: Any) -> Fraction | None:
    """Return how long a film's pictures last by its header, in seconds; None where it does not say."""
    if stream.duration is not None:
        return Fraction(stream.duration * stream.time_base)
    if found := re.match(r"(\d+):(\d+):(\d+\.\d+)", stream.metadata.get("DURATION", "")):  # of Matroska
        return int(found[1]) * 3600 + int(found[2]) * 60 + Fraction(found[3])
    if container.duration is None or len(container.streams) > 1:  # of all streams: the sound may be longer
        return None
    return Fraction(container.duration, 1_000_000)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or one_line(error)

"""Write films: short segments while painting, then all of them as one film with the sound of its source."""

import heapq
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from impasto.errors import OutputError
from impasto.system.disk import check_file_place, check_not_input, is_folder, replacing, to_path
from impasto.video.animation import FORMATS, write_animation, write_folder
from impasto.video.film import RATE, find_origin, find_pictures, import_av, open_container, open_film
from impasto.video.frames import Frame, Seconds, Source, cut_chapters
from impasto.video.pixels import TAGS, to_picture
from impasto.video.sound import add_tracks, sound_packets


@dataclass(frozen=True, slots=True)
class Codec:
    """How frames are encoded: FFmpeg's encoder, its pixel format, its options."""

    encoder: str
    pixels: str
    options: Mapping[str, str]


# Without B frames segments join at any frame, and a film begins at its first picture in every player.
_H264 = Codec("libx264", "yuv420p", {"crf": "18", "preset": "medium", "bf": "0", **TAGS})
_LOSSLESS = Codec("libx264rgb", "rgb24", {"qp": "0", "preset": "veryfast", "bf": "0"})
_QUICK = {"cpu-used": "4", "row-mt": "1"}
_VP9 = Codec("libvpx-vp9", "yuv420p", {"crf": "24", "b": "0", "auto-alt-ref": "0", **_QUICK, **TAGS})

FILMS: Mapping[str, tuple[str, Codec]] = {
    ".mp4": ("mp4", _H264),
    ".mov": ("mov", _H264),
    ".mkv": ("matroska", _H264),
    ".webm": ("webm", _VP9),
}
"""By suffix: FFmpeg's name of the container, and the codec of the pictures in it."""

CHAPTER_TICKS = 1000
"""Ticks a second of chapters' times."""


def check_film_output(path: str | os.PathLike[str], *, inputs: Sequence[object], is_resumed: bool = False) -> Path:
    """Return the path if a film can be written there; call it before slow work. Raises OutputError.

    A name without suffix is a folder of pictures: a new one, or one that is empty unless the run is resumed.
    """
    path = to_path(path, "film")
    label = f"film {str(path)!r}"
    suffix = path.suffix.lower()
    if suffix not in (*FILMS, *FORMATS, ""):
        name = str(path.with_suffix(".mp4")) if path.name else "film.mp4"
        known = ", ".join((*FILMS, *FORMATS))
        raise OutputError(
            f"{label} has the suffix {path.suffix!r}; expected one of {known}, or none, for a folder.",
            f"Did you mean {name!r}?",
        )
    is_there = is_folder(path, label)
    if is_there and suffix:
        raise OutputError(f"{label} is a folder; expected a file.", f"Write {str(path / 'film.mp4')!r}.")
    if is_there and not is_resumed and any(path.iterdir()):
        raise OutputError(f"{label} is a folder with files in it; expected a new or empty one.", "Give another name.")
    if not is_there and not suffix and path.exists():
        raise OutputError(f"{label} is a file without suffix; expected a new name.", "Give it a suffix: .mp4.")
    check_file_place(path, label)
    check_not_input(path, label, inputs)
    return path


def write_segment(path: Path, frames: Iterable[Frame], *, output: Path, source: Source) -> None:
    """Write frames as a segment, an MP4 file with their times as they are; at least one, all of one size.

    output: the film that segments will be joined to: it decides the codec. An odd side gets one more row or column, a
    copy of the last, since H.264 as players know it has even sides. The file appears whole or not at all.
    Raises DiskError, MissingExtraError.
    """
    av = import_av()
    _, codec = FILMS.get(output.suffix.lower(), ("", _LOSSLESS))
    frames = iter(frames)
    first = next(frames)
    tick = source.time_base
    height, width = (side + side % 2 * (codec.pixels != "rgb24") for side in first.image.shape[-2:])
    durations: dict[int, int] = {}
    with _writing(path, "mp4", tick) as container:
        stream = container.add_stream(
            codec.encoder,
            rate=source.rate or RATE,
            options=dict(codec.options),
            width=width,
            height=height,
            time_base=tick,
            pix_fmt=codec.pixels,
        )
        for frame in chain([first], frames):
            picture = to_picture(frame.image, codec.pixels, av)
            picture.pts, picture.time_base = round(frame.time / tick), tick
            durations[picture.pts] = round(frame.duration / tick)
            _mux(container, stream.encode(picture), durations)
        _mux(container, stream.encode(None), durations)


def _mux(container: Any, packets: Iterable[Any], durations: dict[int, int]) -> None:
    for packet in packets:
        packet.duration = durations.pop(packet.pts)  # encoders forget it, and no next frame tells it of the last
        container.mux(packet)


def join_segments(
    segments: Sequence[Path],
    output: Path,
    *,
    source: Source,
    start_s: Seconds = 0,
    duration_s: Seconds | None = None,
    sound: bool = True,
    metadata: Mapping[str, object] | None = None,
) -> list[str]:
    """Write segments, in their order, as one film that begins at `start_s` of the source, with the source's sound.

    segments: at least one. Pictures are copied as they are encoded. So are all packets of sound that begin within
    `duration_s`, None: to the end of the source; what the container cannot hold is encoded anew. Other streams are left
    out.
    Title, date and chapters are those of the source.
    metadata: a JSON-able object that goes into the comment of a film's file. The file appears whole or not at all.
    A GIF, a WebP or a folder gets the pictures of lossless segments, without sound; a folder's have their names from
    the source's folder, or numbers.
    Returns warnings: sentences about what was changed. Raises DiskError, MissingExtraError.
    """
    start, end = source.cut(start_s, duration_s)
    warnings: list[str] = []
    suffix = output.suffix.lower()
    if suffix not in FILMS:
        frames = chain.from_iterable(open_film(path, origin=Fraction(0)).frames() for path in segments)
        if suffix in FORMATS:
            write_animation(output, frames, start)
        else:
            write_folder(output, frames, source)
        return warnings
    with _writing(output, FILMS[suffix][0], source.time_base) as container:
        container.metadata.update(source.tags)
        if metadata is not None:
            container.metadata["comment"] = json.dumps(metadata)
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": round(chapter.start * CHAPTER_TICKS),
                    "end": round(chapter.end * CHAPTER_TICKS),
                    "time_base": Fraction(1, CHAPTER_TICKS),
                    "metadata": {"title": chapter.title} if chapter.title else {},
                }
                for number, chapter in enumerate(cut_chapters(source.chapters, start, end), start=1)
            ]
        )
        with open_container(segments[0]) as first:
            pictures = find_pictures(first, segments[0])
            rate = source.rate or RATE
            stream = container.add_stream_from_template(pictures, opaque=True, framerate=rate)
        packets = [_picture_packets(segments, stream, start)]
        if not (sound and source.has_sound):
            container.mux(packet for packet in packets[0])
            return warnings
        with open_container(source.path) as film:
            tracks = add_tracks(film, container, suffix, warnings)
            origin = find_origin(film, find_pictures(film, source.path))
            packets.append(sound_packets(film, tracks, origin, start, end, warnings))
            container.mux(packet for packet in heapq.merge(*packets, key=_decoding_time))
    return warnings


def _picture_packets(segments: Sequence[Path], stream: Any, start: Fraction) -> Iterator[Any]:
    """Yield the packets of all segments, `start` being time 0."""
    for path in segments:
        with open_container(path) as segment:
            for packet in segment.demux(find_pictures(segment, path)):
                if packet.pts is None:  # the empty packet at the end
                    continue
                packet.pts -= round(start / packet.time_base)
                packet.dts = packet.pts  # there are no B frames
                packet.stream = stream
                yield packet


def _decoding_time(packet: Any) -> Fraction:
    time: Fraction = packet.dts * packet.time_base
    return time


@contextmanager
def _writing(path: Path, container_name: str, tick: Fraction) -> Iterator[Any]:
    """Open a container to write with PyAV; the file appears whole or not at all. Raises DiskError."""
    options = {}
    if container_name in ("mp4", "mov"):
        # The movie's own clock, of milliseconds by default, would cut the last frame.
        scale = str(tick.denominator * max(1, 10_000 // tick.denominator))
        options = {"video_track_timescale": scale, "movie_timescale": scale, "movflags": "+faststart"}
    with (
        replacing(path, "the film") as temporary,
        import_av().open(str(temporary), "w", format=container_name, options=options) as container,
    ):
        yield container

"""Carry a film's sound over to another film: packet by packet, or encoded anew where the container cannot hold it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from impasto.video.film import import_av

HOLDS: Mapping[str, frozenset[str]] = {
    ".mp4": frozenset(("aac", "mp3", "mp3float", "opus", "flac", "alac", "ac3", "eac3")),
    ".webm": frozenset(("opus", "vorbis")),
}
"""By suffix: the sound that players of these files know, in FFmpeg's words; of other files FFmpeg knows itself."""

ENCODERS = {".webm": "libopus"}
"""By suffix: the encoder of sound that cannot be copied; elsewhere "aac"."""

OPUS_RATE = 48_000

LAYOUTS = ("mono", "stereo", "5.1")
"""Layouts that are kept where sound is encoded anew; others become the first or the second."""

PIECE = 256
"""Samples of a piece of decoded sound; a cut of sound that is encoded anew begins and ends with a whole one."""


@dataclass(frozen=True, slots=True)
class Track:
    """A sound track of the written film. resampler: of sound that is encoded anew, None where packets are copied."""

    stream: Any
    resampler: Any = None


def add_tracks(film: Any, container: Any, suffix: str, warnings: list[str]) -> dict[int, Track]:
    """Add all sound tracks of a film to a container; by their index in the film. Says what is changed or left out."""
    tracks: dict[int, Track] = {}
    for number, sound in enumerate(film.streams.audio, start=1):
        label = f"sound track {number}" if len(film.streams.audio) > 1 else "the sound"
        if sound.codec_context is None:
            warnings.append(f"{label} is left out: FFmpeg does not know its codec.")
            continue
        try:
            if sound.codec_context.name not in HOLDS.get(suffix, {sound.codec_context.name}):
                raise ValueError
            tracks[sound.index] = Track(container.add_stream_from_template(sound, opaque=True))
        except ValueError:
            encoder = ENCODERS.get(suffix, "aac")
            rate = OPUS_RATE if encoder == "libopus" else sound.codec_context.sample_rate
            layout = sound.codec_context.layout
            name = layout.name if layout.name in LAYOUTS else LAYOUTS[min(layout.nb_channels, 2) - 1]
            stream = container.add_stream(encoder, rate=rate, layout=name)
            resampler = import_av().AudioResampler(stream.codec_context.format.name, name, rate, PIECE)
            tracks[sound.index] = Track(stream, resampler)
            name = encoder.removeprefix("lib")
            reason = f"{suffix} files do not hold {sound.codec_context.name}"
            warnings.append(f"{label} is encoded anew as {name}: {reason}.")
    return tracks


def sound_packets(
    film: Any,
    tracks: Mapping[int, Track],
    origin: Fraction,
    start: Fraction,
    end: Fraction | None,
    warnings: list[str],
) -> Iterator[Any]:
    """Yield the packets of all tracks between two times, which become 0 and the rest; whole packets only.

    origin: the film's beginning by its own clock. Where start is 0, what comes before it, for a decoder to begin with,
    is kept. Damaged sound is left out, with a warning.
    """

    def is_inside(part: Any) -> bool:
        time = part.pts * part.time_base - origin
        return (start == 0 or time >= start) and (end is None or time < end)

    for packet in _demux(film, list(tracks), start + origin if start > 0 else None, warnings):
        track = tracks[packet.stream.index]
        if track.resampler is not None:
            pieces = [piece for frame in _decode(packet) for piece in track.resampler.resample(frame)]
            yield from _encode(track.stream, filter(is_inside, pieces), start + origin)
        elif packet.pts is not None and is_inside(packet):
            shift = round((start + origin) / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.pts - shift
            packet.stream = track.stream
            yield packet
    for track in tracks.values():
        if track.resampler is not None:
            yield from _encode(track.stream, filter(is_inside, track.resampler.resample(None)), start + origin)
            if track.stream.codec_context.is_open:
                yield from track.stream.encode(None)


def _demux(film: Any, indices: list[int], start: Fraction | None, warnings: list[str]) -> Iterator[Any]:
    av = import_av()
    try:
        if start is not None:
            film.seek(int(start * 1_000_000))
        yield from film.demux(*(film.streams[index] for index in indices))
    except av.FFmpegError as error:
        warnings.append(f"the sound breaks off ({error.strerror}); what is there was copied.")


def _decode(packet: Any) -> list[Any]:
    try:
        return list(packet.decode())
    except import_av().FFmpegError:  # a damaged packet: silence in its place
        return []


def _encode(stream: Any, pieces: Iterable[Any], start: Fraction) -> Iterator[Any]:
    for piece in pieces:
        piece.pts -= round(start / piece.time_base)
        yield from stream.encode(piece)

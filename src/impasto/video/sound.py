"""Carry a film's sound over to another film: packet by packet, or encoded anew where the container cannot hold it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

HOLDS: Mapping[str, frozenset[str]] = {
    ".mp4": frozenset(("aac", "mp3", "mp3float", "opus", "flac", "alac", "ac3", "eac3")),
    ".webm": frozenset(("opus", "vorbis")),
}
"""By suffix: the sound that players of these files know, in FFmpeg's words; of other files FFmpeg knows itself."""

ENCODERS = {".webm": "libopus"}
"""By suffix: the encoder of sound that cannot be copied; elsewhere "aac"."""

OPUS_RATE = 48_000


@dataclass(frozen=True, slots=True)
class Track:
    """A sound track of the written film, and whether its packets are encoded anew."""

    stream: Any
    is_encoded: bool


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
            tracks[sound.index] = Track(container.add_stream_from_template(sound, opaque=True), False)
        except ValueError:
            encoder = ENCODERS.get(suffix, "aac")
            rate = OPUS_RATE if encoder == "libopus" else sound.codec_context.sample_rate
            stream = container.add_stream(encoder, rate=rate, layout=sound.codec_context.layout)
            tracks[sound.index] = Track(stream, True)
            name = encoder.removeprefix("lib")
            reason = f"{suffix} files do not hold {sound.codec_context.name}"
            warnings.append(f"{label} is encoded anew as {name}: {reason}.")
    return tracks


def sound_packets(
    film: Any, tracks: Mapping[int, Track], origin: Fraction, start: Fraction, end: Fraction | None
) -> Iterator[Any]:
    """Yield the packets of all tracks between two times, which become 0 and the rest; whole packets only.

    origin: the film's beginning by its own clock. Where start is 0, what comes before it, for a decoder to begin with,
    is kept.
    """
    if start > 0:
        film.seek(int((start + origin) * 1_000_000))
    for packet in film.demux(*(film.streams[index] for index in tracks)):
        track = tracks[packet.stream.index]
        if packet.pts is None:
            continue
        time = packet.pts * packet.time_base - origin
        if (start > 0 and time < start) or (end is not None and time >= end):
            continue
        if track.is_encoded:
            for frame in packet.decode():
                frame.pts -= round((start + origin) / frame.time_base)
                yield from track.stream.encode(frame)
            continue
        shift = round((start + origin) / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.pts - shift
        packet.stream = track.stream
        yield packet
    for track in tracks.values():
        if track.is_encoded:
            yield from track.stream.encode(None)

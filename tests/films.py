"""Films that tests make, with PyAV: a few frames of one color each, and beeps."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

from impasto.images.pixels import to_uint8
from impasto.video.frames import Frame, Source

COLORS = ((200, 40, 40), (40, 180, 60), (50, 60, 200), (220, 200, 60), (120, 120, 120), (30, 160, 170))
RATE = 24
TICK = Fraction(1, 24_000)


def write_film(
    path: Path,
    *,
    times: Sequence[Fraction] | None = None,
    count: int = 24,
    size: tuple[int, int] = (48, 64),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    sounds: Sequence[str] = (),
    colors: dict[str, Any] | None = None,
    tick: Fraction = TICK,
    turn: tuple[float, bool, bool] | None = None,
    subtitle: str = "",
    tags: dict[str, str] | None = None,
    chapters: Sequence[tuple[int, int, str]] = (),
    pictures: Sequence[torch.Tensor] | None = None,
    **stream_fields: Any,
) -> Path:
    """Write a film whose frame k has the color k % 6 of COLORS, and sound tracks by their codecs.

    colors: arguments of PyAV's `reformat`, the way to the film's own colors. tick: the time base, seconds. pictures:
    its frames instead, each (1, 3, H, W) in [0, 1]. turn: degrees, and whether it is mirrored across and down.
    chapters: of each the first and last millisecond, and its title.
    """
    if pictures is not None:
        count, size = len(pictures), (pictures[0].shape[-2], pictures[0].shape[-1])
    times = [Fraction(k, RATE) for k in range(count)] if times is None else times
    with av.open(str(path), "w") as film:
        film.metadata.update(tags or {})
        film.set_chapters(
            [
                {"id": k, "start": first, "end": last, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
                for k, (first, last, title) in enumerate(chapters)
            ]
        )
        stream = film.add_stream(codec, rate=RATE, options=options or {}, width=size[1], height=size[0])
        stream.pix_fmt = pixels
        stream.codec_context.time_base = tick
        for name, value in stream_fields.items():
            setattr(stream.codec_context, name, value)
        if turn is not None:
            stream.set_display_rotation(*turn)
        tracks = [film.add_stream(name, rate=48_000, layout="mono") for name in sounds]
        if subtitle:
            words = av.Packet(subtitle.encode())
            words.stream = film.add_mux_stream("subrip")
            words.pts, words.dts, words.duration, words.time_base = 0, 0, 1000, Fraction(1, 1000)
        for k, time in enumerate(times):
            levels = np.full((*size, 3), COLORS[k % len(COLORS)], np.uint8)
            if pictures is not None:
                levels = to_uint8(pictures[k]).numpy()
            frame = av.VideoFrame.from_ndarray(levels, format="rgb24").reformat(format=pixels, **(colors or {}))
            frame.pts, frame.time_base = round(time / tick), tick
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
        if subtitle:
            film.mux(words)
        for number, track in enumerate(tracks, start=1):
            beep = np.sin(np.arange(48_000) * 0.02 * number)[None].astype(np.float32)
            frame = av.AudioFrame.from_ndarray(beep, format="fltp", layout="mono")
            frame.sample_rate = 48_000
            film.mux([*track.encode(frame), *track.encode(None)])
    return path


def sound_bytes(path: Path, track: int = 0) -> list[bytes]:
    """The packets of a sound track."""
    with av.open(str(path)) as film:
        return [bytes(packet) for packet in film.demux(audio=track) if packet.size]


def mean_color(frame: Frame) -> tuple[int, ...]:
    """The mean of a frame's pixels, in levels of 8 bits."""
    return tuple(round(float(level)) for level in frame.image.mean((0, 2, 3)) * 255)


def is_near(frame: Frame, color: Sequence[int], levels: int = 3) -> bool:
    """Whether all pixels of a frame are that color, to some levels."""
    wanted = torch.tensor(color).view(1, 3, 1, 1) / 255
    return bool((frame.image - wanted).abs().max() * 255 <= levels)


def whole_duration(source: Source) -> Fraction:
    """The sum of the durations of all frames."""
    return sum((frame.duration for frame in source.frames()), Fraction(0))

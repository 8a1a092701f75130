"""Write films that are pictures: an animated GIF or WebP, or a folder of numbered PNG files."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from impasto.errors import DiskError
from impasto.images.io import write_image
from impasto.system.disk import replacing
from impasto.video.film import RATE, import_av
from impasto.video.frames import Frame, Source
from impasto.video.pixels import to_picture


@dataclass(frozen=True, slots=True)
class AnimationFormat:
    """A format of animated pictures: FFmpeg's encoder and container, its pixel format, its tick in seconds."""

    encoder: str
    container: str
    pixels: str
    tick: Fraction
    options: Mapping[str, str] = field(default_factory=dict)


FORMATS: Mapping[str, AnimationFormat] = {
    ".gif": AnimationFormat("gif", "gif", "pal8", Fraction(1, 100)),
    ".webp": AnimationFormat("libwebp_anim", "webp", "bgra", Fraction(1, 1000), {"quality": "85"}),
}
"""By suffix. A GIF frame has 256 colors of its own. A WebP's last frame lasts as long as its others on average."""


def write_animation(path: Path, frames: Iterable[Frame], start: Fraction) -> None:
    """Write frames as an endless animation that begins at `start`, one frame in memory at a time. Raises DiskError."""
    av = import_av()
    kind = FORMATS[path.suffix.lower()]
    frames = iter(frames)
    first = next(frames)
    height, width = first.image.shape[-2:]
    with (
        replacing(path, "the animation") as temporary,
        av.open(str(temporary), "w", format=kind.container, options={"loop": "0"}) as container,
    ):
        stream = container.add_stream(
            kind.encoder,
            rate=RATE,
            options=dict(kind.options),
            width=width,
            height=height,
            time_base=kind.tick,
            pix_fmt=kind.pixels,
        )
        is_gif = kind.pixels == "pal8"
        convert = _palette_filter(av, (height, width), kind.tick) if is_gif else _reformat_to(kind.pixels)
        durations: dict[int, int] = {}
        for frame in chain([first], frames):
            picture = to_picture(frame.image, "rgb24", av)
            picture.pts, picture.time_base = round((frame.time - start) / kind.tick), kind.tick
            durations[picture.pts] = round((frame.time + frame.duration - start) / kind.tick) - picture.pts
            container.mux(_with_durations(stream.encode(convert(picture)), durations))
        container.mux(_with_durations(stream.encode(None), durations))


def _reformat_to(pixel_format: str) -> Callable[[Any], Any]:
    return lambda picture: picture.reformat(format=pixel_format)


def _palette_filter(av: Any, size: tuple[int, int], tick: Fraction) -> Callable[[Any], Any]:
    """Return a function from a frame of RGB to one of 256 colors, the best for that frame, dithered."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=size[1], height=size[0], format=av.VideoFormat("rgb24"), time_base=tick)
    split, use, sink = graph.add("split"), graph.add("paletteuse", "new=1"), graph.add("buffersink")
    palette = graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(palette, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()

    def convert(picture: Any) -> Any:
        graph.push(picture)
        return graph.pull()

    return convert


def _with_durations(packets: Iterable[Any], durations: dict[int, int]) -> Iterator[Any]:
    for packet in packets:
        packet.duration = durations.get(packet.pts, packet.duration)
        yield packet


def write_folder(folder: Path, frames: Iterable[Frame], source: Source) -> None:
    """Write frames as PNG files into a folder, which is made if it is not there; each appears whole or not at all.

    They are named as the pictures of the source's folder, else by number from 000001.png on. Raises DiskError.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DiskError(
            f"folder {str(folder)!r} cannot be made ({error.strerror or error}); expected room for it.",
            "Check the disk.",
        ) from error
    for number, frame in enumerate(frames, start=1):
        place = int(frame.time * (source.rate or 0))
        name = source.names[place] if source.names else f"{number:06d}"
        write_image(frame.image, folder / f"{name}.png")

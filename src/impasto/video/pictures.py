"""Read films that are pictures: an animated GIF, WebP or PNG, or a folder of numbered pictures."""

import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

from PIL import Image
from torch import Tensor

from impasto.errors import ImageReadError, VideoReadError
from impasto.images.formats.decoding import check_pixel_count, guarded_pillow
from impasto.images.io import MAX_PIXELS, read_image
from impasto.images.listing import SUFFIXES, natural_key
from impasto.images.pixels import picture_to_layers
from impasto.video.frames import Shot, Source

ANIMATIONS = (".gif", ".webp", ".png", ".apng")
"""Suffixes of files whose frames Pillow reads."""

MILLISECOND = Fraction(1, 1000)

SHORTEST_MS = 10
"""A frame of at most so many milliseconds is shown for 100 by all browsers, and by us."""


def open_animation(path: Path) -> Source:
    """Return the source of an animated picture. Raises VideoReadError (one frame), ImageReadError, ImageSizeError."""
    shots = list(read_animation(path, Fraction(0), []))
    if len(shots) == 1:
        raise VideoReadError(
            f"film {str(path)!r} is a picture that does not move; expected several frames.",
            "Paint it with: impasto stylize.",
        )
    return Source(
        path=path,
        size=(shots[0].decode().shape[-2], shots[0].decode().shape[-1]),
        rate=len(shots) / shots[-1].end,
        time_base=MILLISECOND,
        duration_s=float(shots[-1].end),
        frame_count=len(shots),
        has_sound=False,
        read=partial(read_animation, path),
    )


def read_animation(path: Path, start: Fraction, warnings: list[str]) -> Iterator[Shot]:
    """Yield all frames of an animated picture, from its first one on, whatever `start` is."""
    label = f"film {str(path)!r}"
    with path.open("rb") as file:
        with guarded_pillow(label, MAX_PIXELS, file.read(32)):
            file.seek(0)
            picture = Image.open(file)
            check_pixel_count(picture.height * picture.width, label, MAX_PIXELS)
        time = Fraction(0)
        for number in range(getattr(picture, "n_frames", 1)):
            try:
                with guarded_pillow(label, MAX_PIXELS):
                    picture.seek(number)
                    picture.load()
                    still = picture.copy()
            except ImageReadError as error:
                if number == 0:
                    raise
                warnings.append(f"{error.error} Its {number} frames before the damage were read.")
                return
            shown_ms = round(picture.info.get("duration", 0))
            duration = MILLISECOND * (shown_ms if shown_ms > SHORTEST_MS else 100)
            yield Shot(time, duration, partial(_to_image, still, label))
            time += duration


def _to_image(still: Image.Image, label: str) -> Tensor:
    color, alpha = picture_to_layers(still, label)
    return color if alpha is None else color * alpha + (1 - alpha)


def open_folder(folder: Path, rate: Fraction) -> Source:
    """Return the source of a folder of pictures in natural order, frame2 before frame10, all of the first one's size.

    rate: frames a second. Raises VideoReadError (no picture), ImageReadError, ImageSizeError.
    """
    with os.scandir(folder) as entries:
        files = [entry.path for entry in entries if entry.name.lower().endswith(SUFFIXES) and entry.is_file()]
    if not files:
        raise VideoReadError(
            f"folder {str(folder)!r} has no picture; expected files that end in {', '.join(SUFFIXES)}.",
            "Give a folder of numbered pictures, or a film.",
        )
    files.sort(key=natural_key)
    image = read_image(files[0], name="frame")
    size = (image.shape[-2], image.shape[-1])
    return Source(
        path=folder,
        size=size,
        rate=rate,
        time_base=Fraction(1, rate.numerator),
        duration_s=float(len(files) / rate),
        frame_count=len(files),
        has_sound=False,
        read=partial(_read_folder, tuple(files), size, rate),
        names=tuple(Path(file).stem for file in files),
    )


def _read_folder(
    files: Sequence[str], size: tuple[int, int], rate: Fraction, start: Fraction, warnings: list[str]
) -> Iterator[Shot]:
    for number in range(int(start * rate), len(files)):
        yield Shot(number / rate, 1 / rate, partial(_read_frame, files[number], size))


def _read_frame(file: str, size: tuple[int, int]) -> Tensor:
    image = read_image(file, name="frame")
    height, width = image.shape[-2:]
    if (height, width) != size:
        raise ImageReadError(
            f"frame {file!r} is {width}x{height}; expected {size[1]}x{size[0]}, as the first one.",
            "Give pictures of one size.",
        )
    return image

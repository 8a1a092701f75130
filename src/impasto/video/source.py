"""Open what moves: a film's file, an animated picture, or a folder of numbered pictures."""

import os
from fractions import Fraction

from impasto.errors import VideoReadError
from impasto.images.formats.decoding import check_file
from impasto.system.disk import to_path
from impasto.video.film import KINDS, RATE, open_film
from impasto.video.frames import Source
from impasto.video.pictures import ANIMATIONS, open_animation, open_folder


def open_source(path: str | os.PathLike[str], *, rate: float | Fraction | None = None) -> Source:
    """Return the film at a path, checked: its first frame can be decoded.

    rate: frames a second of a folder of pictures, 25 if not given, above 0 and at most 1000; files have their own.
    Raises VideoReadError (missing, not a film, no pictures, unknown codec), ImageReadError and ImageSizeError (of
    pictures), MissingExtraError.
    """
    path = to_path(path, "film", VideoReadError)
    if path.is_dir():
        if rate is not None and not 0 < rate <= 1000:
            raise VideoReadError(f"rate is {rate:g}; expected frames a second, above 0 and at most 1000.", "Say 25.")
        return open_folder(path, RATE if rate is None else _exact_rate(rate))
    if rate is not None:
        raise VideoReadError(
            f"film {str(path)!r} has a rate of its own; expected a rate for a folder of pictures only.", "Leave it out."
        )
    check_file(path, f"film {str(path)!r}", KINDS, VideoReadError)
    return open_animation(path) if path.suffix.lower() in ANIMATIONS else open_film(path)


def _exact_rate(rate: float | Fraction) -> Fraction:
    """Return a rate as a fraction; those of American television, such as 29.97, are 1000/1001 of a whole number."""
    whole = round(rate * 1001 / 1000)
    if whole and abs(rate - whole * 1000 / 1001) < 0.005 and rate != round(rate):
        return Fraction(whole * 1000, 1001)
    return Fraction(rate).limit_denominator(1001)

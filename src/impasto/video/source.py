"""Open what moves: a film's file, an animated picture, or a folder of numbered pictures."""

import os

from impasto.errors import VideoReadError
from impasto.images.formats.decoding import check_file
from impasto.system.disk import to_path
from impasto.video.film import KINDS, open_film
from impasto.video.frames import Source


def open_source(path: str | os.PathLike[str]) -> Source:
    """Return the film at a path, checked: its first frame can be decoded.

    Raises VideoReadError (missing, not a film, no pictures, unknown codec), MissingExtraError.
    """
    path = to_path(path, "film", VideoReadError)
    check_file(path, f"film {str(path)!r}", KINDS, VideoReadError)
    return open_film(path)

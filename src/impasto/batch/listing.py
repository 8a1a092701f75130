"""The pictures that a word of the user means: a folder, a pattern, or one file. Nothing is held for long."""

import glob
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from impasto.errors import BatchError
from impasto.images.formats.decoding import check_file

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".heif"),
    *(".jp2", ".ppm", ".pgm", ".tga", ".ico"),
)
"""What a picture's name ends with in a folder; a file that is named alone may have any name."""

SORTED = 100_000
"""Files of a folder that are sorted at a time, so that a million names are not held at once."""


def list_pictures(source: str, folder: Path, label: str) -> Iterator[str]:
    """Absolute paths of the pictures that `source` means, sorted (in a huge folder: piece by piece), each once.

    folder: the batch's own; what lies in it is left out. label: "CONTENTS", for messages.
    Raises BatchError for a folder or pattern without pictures, ImageReadError for a file that is not there.
    """
    if os.path.isdir(source):
        if os.path.realpath(source) == os.path.realpath(folder):
            raise BatchError(
                f"{label} is {source!r}, the folder that the pictures go to; expected another one.",
                "Give another -o: what is painted would be painted again the next time.",
            )
        found: Iterator[str] = (entry.path for entry in os.scandir(source))
    elif os.path.exists(source) or not glob.has_magic(source):
        check_file(Path(source), f"{label} {source!r}")
        yield os.path.abspath(source)
        return
    else:
        found = glob.iglob(source, recursive=True)
    inside = os.path.realpath(folder) + os.sep
    pictures = (os.path.abspath(path) for path in found if path.lower().endswith(SUFFIXES))
    pictures = (path for path in pictures if os.path.isfile(path) and not os.path.realpath(path).startswith(inside))
    none = True
    while piece := sorted(islice(pictures, SORTED)):
        none = False
        yield from piece
    if none:
        raise BatchError(
            f"{label} {source!r} has no picture; expected files that end in {', '.join(SUFFIXES)}.",
            "Check the folder or pattern; '**' reaches into folders: 'photos/**/*.jpg'.",
        )

"""List the pictures of a folder or a pattern, without holding all names."""

import glob
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from impasto.errors import BatchError
from impasto.images.formats.decoding import check_file

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".heif"),
    *(".jp2", ".ppm", ".pgm", ".tga", ".ico"),
)
"""Suffixes of pictures in a folder; a file that is given alone may have any name."""

SORTED_AT_ONCE = 100_000
"""Files of a folder that are sorted together, so that a million names are not held at once."""


def natural_key(path: str) -> tuple[list[Any], str]:
    """Return a sort key by which frame2 comes before frame10."""
    return [int(part) if number % 2 else part for number, part in enumerate(re.split(r"(\d+)", path))], path


def list_pictures(source: str, folder: Path | None, label: str) -> Iterator[str]:
    """Yield absolute paths of the pictures in a folder or pattern, or of one file.

    Paths are in natural order, those of a huge folder in pieces.
    folder: for finished pictures, whose files are left out. label: "CONTENTS", for messages.
    Raises BatchError for a folder or pattern without pictures, ImageReadError for a file that does not exist.
    """
    if os.path.isdir(source):
        if folder is not None and os.path.realpath(source) == os.path.realpath(folder):
            raise BatchError(
                f"{label} is {source!r}, the folder for the finished pictures; expected another one.",
                "Give another -o: otherwise the finished pictures would be painted the next time.",
            )
        found: Iterator[str] = (entry.path for entry in os.scandir(source))
    elif os.path.exists(source) or not glob.has_magic(source):
        check_file(Path(source), f"{label} {source!r}")
        yield os.path.abspath(source)
        return
    else:
        found = glob.iglob(source, recursive=True)
    inside = "\0" if folder is None else os.path.realpath(folder) + os.sep
    pictures = (os.path.abspath(path) for path in found if path.lower().endswith(SUFFIXES))
    pictures = (path for path in pictures if os.path.isfile(path) and not os.path.realpath(path).startswith(inside))
    is_empty = True
    while piece := sorted(islice(pictures, SORTED_AT_ONCE), key=natural_key):
        is_empty = False
        yield from piece
    if is_empty:
        raise BatchError(
            f"{label} {source!r} has no picture; expected files that end in {', '.join(SUFFIXES)}.",
            "Check the folder or pattern; '**' reaches into folders: 'photos/**/*.jpg'.",
        )

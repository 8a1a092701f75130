"""EXIF: the orientation of a picture, and the tags that a pastiche takes over from its photograph."""

import logging
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from impasto.images.formats.decoding import one_line
from impasto.images.formats.rights import find_rights

logger = logging.getLogger(__name__)

_ORIENTATION = 274
_GROUPS = (0x8769, 0x8825)  # the directories of EXIF and GPS
_ACROSS, _DOWN, _UNIT = 282, 283, 296  # resolution
_INCHES = {2: 1.0, 3: 2.54}
# Title, camera, software, date, artist, computer, rating, copyright, and Windows' five. Not the orientation, which has
# been applied, not the resolution, which has a place of its own, and not the layout of a TIFF file.
_KEPT = (270, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096))
# Color space, width, height and interoperability are no longer true; a maker note has offsets into the old file, and
# previews.
_DROPPED = (0xA001, 0xA002, 0xA003, 0xA005, 0x927C)

JPEG_EXIF_BYTES = 65_000
"""A JPEG holds a little more in one segment."""


def read_orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8. Ask a TIFF before Pillow loads it, which turns it and forgets the number."""
    try:
        found = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF, of which `load_upright` warns
        return 1
    return found if found in range(1, 9) else 1


def turn_upright(stored: Tensor, orientation: int) -> Tensor:
    """Return stored pixels, (..., H, W), turned by their EXIF orientation, 1 to 8."""
    if orientation >= 5:
        stored = stored.transpose(-2, -1)
    # Exif 2.32, tag 274: which sides the first row and the first column are; transposed, 6 ends at the right.
    flipped = {2: (-1,), 3: (-2, -1), 4: (-2,), 6: (-1,), 7: (-2, -1), 8: (-2,)}.get(orientation, ())
    return torch.flip(stored, flipped) if flipped else stored.contiguous()


def read_resolution(picture: Image.Image, orientation: int) -> tuple[float, float] | None:
    """Return the pixels per inch, across and down, of the upright picture: what its format states, else its EXIF.

    Ask a picture after Pillow loaded it. orientation: that of its EXIF. None where there is none.
    """
    info = picture.info
    # Pillow invents 1 for a TIFF and 72 for a JPEG that state none.
    is_stated = info["jfif_unit"] in (1, 2) if "jfif_unit" in info else picture.format not in ("JPEG", "MPO", "TIFF")
    try:
        if is_stated and "dpi" in info:
            across, down = map(float, info["dpi"])
        else:
            exif = picture.getexif()
            across, down = (float(exif[tag]) * _INCHES[exif.get(_UNIT, 2)] for tag in (_ACROSS, _DOWN))
    except Exception:  # none, or damaged EXIF, of which `load_upright` warns
        return None
    if not all(1 < value <= 65535 for value in (across, down)):  # not a number compares false
        return None
    # A PNG holds whole pixels per meter, so that 300 is 299.9994 there.
    return (round(down, 1), round(across, 1)) if orientation >= 5 else (round(across, 1), round(down, 1))


def carry_exif(picture: Image.Image, label: str) -> bytes | None:
    """Return the EXIF of a loaded picture, GPS included, without what describes the old file.

    Left out are orientation, resolution, thumbnail, maker note and the layout of the pixels. Where it lacks copyright,
    artist or description, those of `find_rights` are put in. None where there is nothing, or where it is damaged, which
    is logged as a warning.
    """
    carried = Image.Exif()
    carried.update({tag: text.encode() for tag, text in find_rights(picture).items()})
    try:
        for tag, value in _read_tags(picture.getexif()).items():
            if tag in _GROUPS:
                value = {name: each for name, each in value.items() if name not in _DROPPED}
            if value and tag in (*_KEPT, *_GROUPS) and not _is_layout(value):
                carried[tag] = value
    except Exception as error:  # Pillow raises nearly anything on damaged bytes
        logger.warning("%s: its EXIF data are damaged (%s) and not taken over.", label, one_line(error))
    return carried.tobytes() if len(carried) else None


def read_tags(exif: bytes) -> dict[int, Any]:
    """Return the values of EXIF by tag; those of the EXIF and GPS directories are dicts."""
    found = Image.Exif()
    found.load(exif)
    return _read_tags(found)


def set_resolution(exif: bytes | None, dpi: tuple[float, float]) -> bytes:
    """Return the EXIF with this resolution, in pixels per inch across and down."""
    tags = Image.Exif()
    tags.update({} if exif is None else read_tags(exif))
    tags.update({_ACROSS: dpi[0], _DOWN: dpi[1], _UNIT: 2})
    return tags.tobytes()


def _read_tags(found: Image.Exif) -> dict[int, Any]:
    groups = {group: {tag: _raw(value) for tag, value in found.get_ifd(group).items()} for group in _GROUPS}
    tags = {tag: groups[tag] if tag in _GROUPS else _raw(found[tag]) for tag in sorted({*found, *_GROUPS})}
    return {tag: value for tag, value in tags.items() if value != {}}


def _raw(value: Any) -> Any:
    """Return a text with other letters than ASCII as its bytes: Pillow reads it as Latin-1, but would write "?"."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("latin-1" if max(value) < "\u0100" else "utf-8")
    return value


def _is_layout(value: object) -> bool:
    """Whether tifffile or ImageJ wrote this description for itself: the shape of the old pixels."""
    return isinstance(value, str) and value.startswith(('{"shape":', "ImageJ="))

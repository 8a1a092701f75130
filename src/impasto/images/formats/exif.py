"""EXIF: the orientation of a picture, and the tags that a pastiche takes over from its photograph."""

import logging

import torch
from PIL import Image
from torch import Tensor

from impasto.images.formats.decoding import one_line

logger = logging.getLogger(__name__)

_ORIENTATION, _EXIF_IFD, _GPS_IFD = 274, 0x8769, 0x8825
# Title, camera, resolution, software, date, artist, computer, rating, copyright, and Windows' five. Not the
# orientation, which has been applied, and not the layout of a TIFF file, which is the photograph's own.
_KEPT = (270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096))
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


def carry_exif(picture: Image.Image, label: str) -> bytes | None:
    """Return the EXIF of a loaded picture, GPS included, without what describes the old file.

    Left out are orientation, thumbnail, maker note and the layout of the pixels. None where there is nothing, or where
    it is damaged, which is logged as a warning.
    """
    carried = Image.Exif()
    try:
        found = picture.getexif()
        for tag in _KEPT:
            if tag in found and not _is_layout(found[tag]):
                carried[tag] = found[tag]
        for group in (_EXIF_IFD, _GPS_IFD):
            values = {tag: value for tag, value in found.get_ifd(group).items() if tag not in _DROPPED}
            if values:
                carried[group] = values
        return carried.tobytes() if len(carried) else None
    except Exception as error:  # Pillow raises nearly anything on damaged bytes
        logger.warning("%s: its EXIF data are damaged (%s) and not taken over.", label, one_line(error))
        return None


def set_resolution(exif: bytes | None, dpi: float) -> bytes:
    """Return the EXIF with this resolution, in pixels per inch."""
    tags = Image.Exif()
    if exif is not None:
        tags.load(exif)
    tags[282] = tags[283] = dpi
    tags[296] = 2  # inches
    return tags.tobytes()


def _is_layout(value: object) -> bool:
    """Whether tifffile or ImageJ wrote this description for itself: the shape of the old pixels."""
    return isinstance(value, str) and value.startswith(('{"shape":', "ImageJ="))

"""EXIF that a pastiche takes over from its photograph: what describes the picture, and nothing of how it was stored."""

import logging

from PIL import Image

from impasto.images.formats.decoding import one_line

logger = logging.getLogger(__name__)

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
# Title, camera, resolution, software, date, artist, computer, rating, copyright, and Windows' five. Not the
# orientation, which has been applied, and not the layout of a TIFF file, which is of the photograph.
_KEPT = (270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096))
# Color space, width, height and interoperability are no longer true; a maker note holds places in the old file, and
# previews.
_DROPPED = (0xA001, 0xA002, 0xA003, 0xA005, 0x927C)

JPEG_EXIF_BYTES = 65_000
"""A JPEG holds a little more in one segment."""


def carry_exif(picture: Image.Image, label: str) -> bytes | None:
    """The EXIF of a loaded picture, without orientation, thumbnail, maker note and what its pixels' storage says.

    GPS is in it. None where there is nothing, or where it is damaged, which is logged as a warning.
    """
    carried = Image.Exif()
    try:
        found = picture.getexif()
        for tag in _KEPT:
            if tag in found and not _tells_layout(found[tag]):
                carried[tag] = found[tag]
        for group in (_EXIF_IFD, _GPS_IFD):
            values = {tag: value for tag, value in found.get_ifd(group).items() if tag not in _DROPPED}
            if values:
                carried[group] = values
        return carried.tobytes() if len(carried) else None
    except Exception as error:  # Pillow raises nearly anything on damaged bytes
        logger.warning("%s: its EXIF data are damaged (%s) and not taken over.", label, one_line(error))
        return None


def _tells_layout(value: object) -> bool:
    """Whether a description was written by tifffile or ImageJ for itself: the shape of the old pixels."""
    return isinstance(value, str) and value.startswith(('{"shape":', "ImageJ="))

"""Write TIFF files of 8 or 16 bits a channel, RGB or RGBA, without libtiff.

Pillow writes neither 16-bit RGB nor, through libtiff, an EXIF or GPS folder. Its writer of directories does.
"""

import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import TiffImagePlugin

from impasto.images.formats.exif import read_tags

STRIP_BYTES = 1 << 20
"""Pixels are compressed in strips of about this size, so that a reader needs no more at once."""


def encode_tiff(levels: npt.NDArray[Any], *, profile: bytes, exif: bytes | None, tags: Mapping[int, Any]) -> BytesIO:
    """Return the file, compressed without loss: deflate of the differences of neighbors (predictor 2).

    levels: (H, W, 3|4) uint8 or uint16; the fourth is straight alpha. tags: further ones by their number.
    """
    height, width, channels = levels.shape
    rows = max(1, STRIP_BYTES // (width * channels * levels.itemsize))
    strips = [_pack(levels[top : top + rows]) for top in range(0, height, rows)]
    directory = TiffImagePlugin.ImageFileDirectory_v2(ifh=b"II\x2a\x00\x08\x00\x00\x00")
    if exif is not None:
        for tag, value in read_tags(exif).items():
            directory[tag] = value
    starts = np.cumsum([0, *(len(strip) for strip in strips)])[:-1]
    layout = {
        256: width,
        257: height,
        258: (levels.itemsize * 8,) * channels,
        259: 8,  # deflate
        262: 2,  # RGB
        273: tuple(int(start) for start in starts),  # the writer adds where the pixels begin
        277: channels,
        278: rows,
        279: tuple(len(strip) for strip in strips),
        284: 1,  # channels side by side
        317: 2,
    }
    if channels == 4:
        layout[338] = 2  # straight alpha
    for tag, value in {**tags, **layout, 34675: profile}.items():
        directory[tag] = value
    for tag in (273, 279):  # strips: four bytes a number, whatever their values are before the shift
        directory.tagtype[tag] = 4
    encoded = BytesIO()
    directory.save(encoded)
    for strip in strips:
        encoded.write(strip)
    return encoded


def _pack(rows: npt.NDArray[Any]) -> bytes:
    differences = rows.astype(rows.dtype.newbyteorder("<"))
    differences[:, 1:] -= rows[:, :-1]  # modulo 2^bits
    return zlib.compress(differences.tobytes(), 6)

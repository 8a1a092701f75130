"""PNG files where Pillow falls short: texts without pixels, damage beside pixels, gamma, writing 16 bits a channel."""

import logging
import struct
import zlib
from collections.abc import Collection, Mapping, Sequence
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import PngImagePlugin
from torch import Tensor

from impasto.images.color.lab import from_linear

logger = logging.getLogger(__name__)

SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_TEXT_BYTES = 16 * 2**20
"""Bytes of one text or profile, unpacked, that are read at most. A recipe has a few kilobytes."""

SRGB_GAMMA = 0.45455
"""The gAMA of sRGB."""

ROWS = 64
"""Rows that are filtered at a time; it bounds the memory."""

_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_PARSED = (*_TEXTS, b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"acTL")


def read_texts(file: BinaryIO, keys: Collection[str]) -> Mapping[str, str]:
    """Return the texts of an opened PNG that have one of these keys. They may follow the pixels, which are skipped.

    Raises ValueError and SyntaxError for a text that is damaged or beyond MAX_TEXT_BYTES, OSError for a cut one.
    """
    file.seek(len(SIGNATURE))
    with PngImagePlugin.PngStream(file) as stream:
        while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
            length, kind, place = int.from_bytes(head[:4], "big"), head[4:], file.tell()
            key = file.read(80).partition(b"\0")[0].decode("latin-1") if kind in _TEXTS else ""
            file.seek(place)
            if key in keys:
                if length > MAX_TEXT_BYTES:
                    raise ValueError(f"its text has {length:,} bytes")
                stream.crc(kind, stream.call(kind, place, length))
            file.seek(place + length + 4)
    return stream.im_text


def drop_damaged_chunks(data: bytes, label: str) -> bytes:
    """Return a PNG file without the chunks beside the pixels for which Pillow would refuse it, with a warning a kind.

    These have a wrong checksum, too few bytes, or a text or profile beyond MAX_TEXT_BYTES. Other files are returned
    unchanged. Call it within `guarded_pillow`.
    """
    if not data.startswith(SIGNATURE):
        return data
    sound, begin, place = [], 0, len(SIGNATURE)
    damaged: dict[bytes, None] = {}  # in their order
    with PngImagePlugin.PngStream(BytesIO(data)) as stream:
        while place + 12 <= len(data):
            length, kind = struct.unpack_from(">I4s", data, place)
            end = place + 12 + length
            is_beside = kind[:1].islower() and end <= len(data)
            if is_beside and not _is_readable(stream, kind, place + 8, data[place + 8 : end - 4]):
                damaged[kind] = None
                sound.append(data[begin:place])
                begin = end
            place = end
    for kind in damaged:
        logger.warning("%s: its PNG chunk %s is damaged or too large and left aside.", label, kind.decode())
    return b"".join([*sound, data[begin:]]) if sound else data


def _is_readable(stream: PngImagePlugin.PngStream, kind: bytes, place: int, chunk: bytes) -> bool:
    """Whether Pillow takes the chunk whose data stand at this place of the stream."""
    assert stream.fp is not None
    stream.fp.seek(place)
    try:
        if kind in _PARSED:
            stream.call(kind, place, len(chunk))
        stream.fp.seek(place + len(chunk))
        stream.crc(kind, chunk)
    except (SyntaxError, ValueError, IndexError, struct.error):
        return False
    return True


def apply_gamma(color: Tensor, info: Mapping[Any, Any], label: str) -> Tensor:
    """Return the color in sRGB where a PNG states its gamma (gAMA) and has neither an ICC profile nor an sRGB chunk.

    color: (1, 3, H, W) in [0, 1]. info: that of the PIL picture. PNG specification, sections 4.3.2 and 13.13: light is
    the sample to the power of 1 / gamma. A gamma within 5 % of sRGB's is sRGB's, as for libpng and browsers.
    """
    gamma = info.get("gamma")
    if gamma is None or "icc_profile" in info or "srgb" in info or abs(gamma / SRGB_GAMMA - 1) < 0.05:
        return color
    if not 0.1 <= gamma <= 10:
        logger.warning("%s: its PNG gamma of %g is left aside.", label, gamma)
        return color
    return from_linear(color ** (1 / gamma)).clamp(0, 1)


def encode_png(
    levels: npt.NDArray[np.uint16],
    *,
    profile: bytes,
    exif: bytes | None,
    dpi: tuple[float, float] | None = None,
    chunks: Sequence[tuple[bytes, bytes]],
) -> BytesIO:
    """Return the file. levels: (H, W, 3|4); the fourth is straight alpha. chunks: further ones, kind and data."""
    height, width, channels = levels.shape
    color = {3: 2, 4: 6}[channels]
    step = channels * 2  # bytes of one pixel
    raw = np.zeros((height + 1, width * step + step), np.uint8)  # with the zeros that pixels beyond the edges count as
    raw[1:, step:] = np.ascontiguousarray(levels.astype(">u2")).view(np.uint8).reshape(height, width * step)
    encoded = BytesIO()
    encoded.write(SIGNATURE)
    _write(encoded, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0))
    _write(encoded, b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile))
    if dpi is not None:
        _write(encoded, b"pHYs", struct.pack(">IIB", *(round(pixels / 0.0254) for pixels in dpi), 1))  # per meter
    if exif is not None:
        _write(encoded, b"eXIf", exif.removeprefix(b"Exif\0\0"))
    for kind, data in chunks:
        _write(encoded, kind, data)
    packer = zlib.compressobj(6)
    for top in range(0, height, ROWS):
        if packed := packer.compress(_filter_rows(raw[top : top + ROWS + 1], step)):
            _write(encoded, b"IDAT", packed)
    _write(encoded, b"IDAT", packer.flush())
    _write(encoded, b"IEND", b"")
    return encoded


def _filter_rows(raw: npt.NDArray[np.uint8], step: int) -> bytes:
    """Return rows, the one above them first, as differences from the Paeth predictor: PNG specification, section 9.4.

    Always this one: the best of the five for each row gives files that are 0.1 to 0.4 % larger (16-bit photographs).
    """
    left, up, corner = (part.astype(np.int16) for part in (raw[1:, :-step], raw[:-1, step:], raw[:-1, :-step]))
    guess = left + up - corner
    to_left, to_up, to_corner = np.abs(guess - left), np.abs(guess - up), np.abs(guess - corner)
    is_left = (to_left <= to_up) & (to_left <= to_corner)
    predicted = np.where(is_left, left, np.where(to_up <= to_corner, up, corner)).astype(np.uint8)
    kinds = np.full((len(raw) - 1, 1), 4, np.uint8)
    return np.hstack([kinds, raw[1:, step:] - predicted]).tobytes()  # modulo 256


def _write(encoded: BytesIO, kind: bytes, data: bytes) -> None:
    encoded.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))

"""PNG files beyond Pillow: their texts without the pixels, damage beside the pixels, and writing 16 bits a channel."""

import logging
import struct
import zlib
from collections.abc import Collection, Mapping, Sequence
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import PngImagePlugin

logger = logging.getLogger(__name__)

SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_TEXT_BYTES = 16 * 2**20
"""Bytes of one text or profile, unpacked, that are read. A recipe has a few kilobytes."""

ROWS = 64
"""Rows that are filtered at a time; it bounds the memory."""

_TEXTS = (b"tEXt", b"zTXt", b"iTXt")


def read_texts(file: BinaryIO, keys: Collection[str]) -> Mapping[str, str]:
    """Return the texts of an opened PNG that have one of these keys. Nothing else is read, wherever they stand.

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
    """Return a PNG file without those chunks beside the pixels for which Pillow refuses the whole, with a warning.

    These have a wrong checksum, or a text or profile beyond MAX_TEXT_BYTES. Other files are returned as they are.
    """
    if not data.startswith(SIGNATURE):
        return data
    sound, begin, place = [], 0, len(SIGNATURE)
    with PngImagePlugin.PngStream(BytesIO(data)) as stream:
        while place + 12 <= len(data):
            length, kind = struct.unpack_from(">I4s", data, place)
            end = place + 12 + length
            is_beside = kind[:1].islower() and end <= len(data)
            if is_beside and not _is_readable(stream, kind, place + 8, data[place + 8 : end - 4]):
                logger.warning("%s: its PNG chunk %s is damaged or too large and left aside.", label, kind.decode())
                sound.append(data[begin:place])
                begin = end
            place = end
    return b"".join([*sound, data[begin:]]) if sound else data


def _is_readable(stream: PngImagePlugin.PngStream, kind: bytes, place: int, chunk: bytes) -> bool:
    """Whether Pillow takes the chunk whose data stand at this place of the stream."""
    assert stream.fp is not None
    stream.fp.seek(place)
    try:
        if kind in (*_TEXTS, b"iCCP"):
            stream.call(kind, place, len(chunk))
        stream.fp.seek(place + len(chunk))
        stream.crc(kind, chunk)
    except (SyntaxError, ValueError, IndexError):
        return False
    return True


def encode_png(
    levels: npt.NDArray[np.uint16], *, profile: bytes, exif: bytes | None, chunks: Sequence[tuple[bytes, bytes]]
) -> BytesIO:
    """The file. levels: (H, W, 3|4); the fourth is straight alpha. chunks: further ones, kind and data."""
    height, width, channels = levels.shape
    color = {3: 2, 4: 6}[channels]
    packer = zlib.compressobj(6)
    raw = np.ascontiguousarray(levels.astype(">u2")).view(np.uint8).reshape(height, width * channels * 2)
    packed = []
    for top in range(0, height, ROWS):
        above = raw[top - 1] if top else np.zeros_like(raw[0])
        packed.append(packer.compress(_filter_rows(raw[top : top + ROWS], above, channels * 2)))
    packed.append(packer.flush())
    encoded = BytesIO()
    encoded.write(SIGNATURE)
    _write(encoded, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0))
    _write(encoded, b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile))
    if exif is not None:
        _write(encoded, b"eXIf", exif.removeprefix(b"Exif\0\0"))
    for kind, data in chunks:
        _write(encoded, kind, data)
    for part in packed:
        if part:
            _write(encoded, b"IDAT", part)
    _write(encoded, b"IEND", b"")
    return encoded


def _filter_rows(rows: npt.NDArray[np.uint8], above: npt.NDArray[np.uint8], step: int) -> bytes:
    """Each row as differences from what its neighbors foretell, by that filter whose differences are smallest.

    PNG specification, section 9; the choice is the heuristic of section 12.7. step: bytes of one pixel.
    """
    up = np.vstack([above[None], rows[:-1]])
    left, corner = _shift(rows, step), _shift(up, step)
    average = ((left.astype(np.int16) + up) // 2).astype(np.uint8)
    foretold = (np.zeros_like(rows), left, up, average, _paeth(left, up, corner))
    candidates = np.stack([rows - guess for guess in foretold])  # (5, rows, bytes), modulo 256
    costs = np.abs(candidates.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64)
    best = costs.argmin(axis=0)
    chosen = candidates[best, np.arange(len(rows))]
    return np.hstack([best.astype(np.uint8)[:, None], chosen]).tobytes()


def _shift(rows: npt.NDArray[np.uint8], step: int) -> npt.NDArray[np.uint8]:
    shifted = np.zeros_like(rows)
    shifted[:, step:] = rows[:, :-step]
    return shifted


def _paeth(left: npt.NDArray[np.uint8], up: npt.NDArray[np.uint8], corner: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    guess = left.astype(np.int16) + up - corner
    to_left, to_up, to_corner = (np.abs(guess - near) for near in (left, up, corner))
    is_left = (to_left <= to_up) & (to_left <= to_corner)
    return np.where(is_left, left, np.where(to_up <= to_corner, up, corner))


def _write(encoded: BytesIO, kind: bytes, data: bytes) -> None:
    encoded.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))

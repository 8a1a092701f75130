"""The texts that a picture file carries beside its pixels, found without opening the picture.

A stranger's file may promise any number of pixels, or unpack to any size. Here a file is walked from part to part by
the lengths that they tell; only our texts are read of it, and of these no more than MAX_TEXT_BYTES.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from impasto.errors import ImageReadError

MAX_TEXT_BYTES = 16 * 2**20
"""A recipe has a few kilobytes; the XMP of other programs seldom a megabyte."""

MAX_PARTS = 1_000_000
"""Parts of a file that are walked at most; a PNG of 200 megapixels has fewer."""

PNG_KEY, XMP_KEY = "impasto", "xmp"

_PNG_KEYS = {b"impasto": PNG_KEY, b"XML:com.adobe.xmp": XMP_KEY}
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_JPEG_ENDS = (0xD9, 0xDA)  # end of the image, start of the scan
_JPEG_BARE = (0x01, *range(0xD0, 0xD8))  # markers that have no length
_TIFF_XMP = 700
_TIFF_BYTES = (1, 2, 7)  # types of one byte a piece

Texts = Iterator[tuple[str, bytes]]


def read_texts(path: Path, label: str) -> dict[str, bytes]:
    """Our texts in a PNG, JPEG, WebP or TIFF file by PNG_KEY and XMP_KEY, those that are there; of another file none.

    Raises ImageReadError for a text beyond MAX_TEXT_BYTES, ValueError for a damaged one, OSError.
    """
    found: dict[str, bytes] = {}
    with path.open("rb") as file:
        for key, text in _walk(file, label):
            found.setdefault(key, text)
            if key == PNG_KEY:
                break
    return found


def _walk(file: BinaryIO, label: str) -> Texts:
    head = file.read(12)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        yield from _walk_png(file, label)
    elif head.startswith(b"\xff\xd8\xff"):
        yield from _walk_jpeg(file)
    elif head[:4] == b"RIFF" and head[8:] == b"WEBP":
        yield from _walk_webp(file, label)
    elif head[:4] in (b"II*\0", b"II+\0"):
        yield from _walk_tiff(file, label, "<", is_big=head[2] == 43)
    elif head[:4] in (b"MM\0*", b"MM\0+"):
        yield from _walk_tiff(file, label, ">", is_big=head[3] == 43)


def _walk_png(file: BinaryIO, label: str) -> Texts:
    place = 8
    for _ in range(MAX_PARTS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        length, kind = struct.unpack(">I4s", head)
        data_at, place = place + 8, place + 12 + length
        if kind not in (b"iTXt", b"tEXt", b"zTXt"):
            continue
        keyword = file.read(min(length, 80)).partition(b"\0")[0]
        if keyword in _PNG_KEYS:
            file.seek(data_at)
            data = _take(file, length, label)
            if file.read(4) != struct.pack(">I", zlib.crc32(kind + data)):
                raise ValueError("its checksum is wrong")
            yield _PNG_KEYS[keyword], _png_text(kind, data, label)


def _png_text(kind: bytes, data: bytes, label: str) -> bytes:
    text = data.partition(b"\0")[2]
    if kind == b"tEXt":
        return text
    if kind == b"zTXt":
        return _unpack(text[1:], label)
    parts = text[2:].split(b"\0", 2)  # language, translated keyword, text
    if len(parts) < 3:
        raise ValueError("its chunk is malformed")
    return _unpack(parts[2], label) if text[0] else parts[2]


def _unpack(packed: bytes, label: str) -> bytes:
    try:
        text = zlib.decompressobj().decompress(packed, MAX_TEXT_BYTES + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(text) > MAX_TEXT_BYTES:
        raise _too_large(label, "more than 16 MB, packed,")
    return text


def _walk_jpeg(file: BinaryIO) -> Texts:
    file.seek(2)
    for _ in range(MAX_PARTS):
        if file.read(1) != b"\xff":
            return
        marker = file.read(1)
        if marker == b"\xff":  # a fill byte
            file.seek(-1, 1)
            continue
        if not marker or marker[0] in _JPEG_ENDS:
            return
        if marker[0] in _JPEG_BARE:
            continue
        length = int.from_bytes(file.read(2), "big") - 2
        segment = file.read(max(0, length))
        if marker == b"\xe1" and segment.startswith(_JPEG_XMP):
            yield XMP_KEY, segment.removeprefix(_JPEG_XMP)


def _walk_webp(file: BinaryIO, label: str) -> Texts:
    place = 12
    for _ in range(MAX_PARTS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        kind, length = struct.unpack("<4sI", head)
        place += 8 + length + length % 2
        if kind == b"XMP ":
            yield XMP_KEY, _take(file, length, label)


def _walk_tiff(file: BinaryIO, label: str, order: str, *, is_big: bool) -> Texts:
    number, entry, start = ("Q", "HHQ8s", 8) if is_big else ("I", "HHI4s", 4)
    file.seek(start)
    file.seek(_number(file, order + number))  # the first directory; further ones are further pictures
    count = _number(file, order + ("Q" if is_big else "H"))
    for _ in range(min(count, MAX_PARTS)):
        row = file.read(struct.calcsize(order + entry))
        if len(row) < struct.calcsize(order + entry):
            return
        tag, kind, length, value = struct.unpack(order + entry, row)
        if tag == _TIFF_XMP and kind in _TIFF_BYTES:
            if length > len(value):
                file.seek(struct.unpack(order + number, value)[0])
                value = _take(file, length, label)
            yield XMP_KEY, value[:length]
            return


def _number(file: BinaryIO, form: str) -> int:
    """The number at this place; 0 behind the end."""
    data = file.read(struct.calcsize(form))
    return int(struct.unpack(form, data)[0]) if len(data) == struct.calcsize(form) else 0


def _take(file: BinaryIO, length: int, label: str) -> bytes:
    if length > MAX_TEXT_BYTES:
        raise _too_large(label, f"{length:,} bytes")
    data = file.read(length)
    if len(data) < length:
        raise ValueError("it is cut short")
    return data


def _too_large(label: str, found: str) -> ImageReadError:
    return ImageReadError(
        f"{label} carries {found} of metadata; expected at most {MAX_TEXT_BYTES:,} bytes.",
        "A recipe has a few kilobytes: use the picture as impasto wrote it.",
    )

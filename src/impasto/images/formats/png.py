"""A PNG file of 16 bits a channel, RGB or RGBA, which Pillow does not write."""

import struct
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

ROWS = 64
"""Rows that are filtered at a time; it bounds the memory."""


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
    encoded.write(b"\x89PNG\r\n\x1a\n")
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

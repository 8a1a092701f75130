"""A picture as it was read, and where it came from."""

import hashlib
import inspect
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impasto.errors import ImageReadError
from impasto.images.carried import NOTHING, Carried
from impasto.images.faces import Box
from impasto.images.formats.decoding import one_line
from impasto.system.disk import file_sha256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A picture that was read, and where it came from.

    image: (1, 3, H, W) float32 in [0, 1], sRGB, upright; transparent parts are filled by `fill_transparent`.
    carried: alpha, EXIF, ICC profile and depth. orientation: the EXIF orientation of the source, 1 to 8, which has been
    applied. name, path: the file's name and absolute path, empty where it came as an array. sha256: of the file's
    bytes, or else of the pixels as they were given. boxes: of the faces from which a mask was drawn.
    """

    image: Tensor
    carried: Carried = NOTHING
    orientation: int = 1
    name: str = ""
    path: str = ""
    sha256: str = ""
    boxes: tuple[Box, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[-2], self.image.shape[-1]

    @property
    def alpha(self) -> Tensor | None:
        """(1, 1, H, W) float32 in [0, 1]; None where the picture is opaque."""
        return self.carried.alpha


def hash_source(source: object) -> str:
    """Return the SHA-256 that the `Picture` of a source has, without reading it as a picture."""
    if isinstance(source, (str, os.PathLike)):
        return file_sha256(Path(source))
    data = read_bytes(source, "picture")
    return hash_pixels(source) if data is None else hashlib.sha256(data).hexdigest()


def read_bytes(source: object, label: str) -> bytes | None:
    """Return the bytes of a file that is given as such or is open, read from its beginning; None for anything else.

    Raises ImageReadError where it cannot be read, or does not give bytes.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if not hasattr(source, "read"):
        return None
    try:
        if hasattr(source, "seek") and getattr(source, "seekable", lambda: True)():
            source.seek(0)
        data = source.read()
    except Exception as error:  # whatever the caller's own object raises; ValueError: it is closed
        raise ImageReadError(
            f"{label} is a file that cannot be read ({one_line(error)}); expected an open one.",
            'Open it again, with mode "rb".'
        ) from error
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    if inspect.iscoroutine(data):
        data.close()
    raise ImageReadError(
        f"{label} reads as {type(data).__name__}; expected bytes.",
        'Open the file with mode "rb"; of an upload that is awaited give the bytes, `await upload.read()`.',
    )


def hold_source(source: Any) -> Any:
    """Return a picture's source that can be read more than once: an open file's or an upload's bytes, others as is."""
    data = read_bytes(source, "picture")
    return source if data is None else data


def file_base_name(source: object) -> str:
    """Return the name of an open file or an upload, without folders; "" where it has none."""
    name = getattr(source, "filename", None) or getattr(source, "name", None)
    return os.path.basename(name) if isinstance(name, str) else ""


def hash_pixels(source: object) -> str:
    """Return the SHA-256, in hexadecimal, of the pixels of an array, a tensor or a PIL picture, as they are given."""
    if isinstance(source, Tensor):
        source = source.detach().cpu().contiguous().view(torch.uint8).numpy()  # numpy has no bfloat16
    return hashlib.sha256(np.ascontiguousarray(source).ravel().view(np.uint8).data).hexdigest()

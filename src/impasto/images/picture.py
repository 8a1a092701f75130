"""A picture as it was read, and its description: role, file name and SHA-256."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from impasto.images.carried import NOTHING, Carried
from impasto.images.faces import Box
from impasto.system.disk import file_sha256

Role = Literal["content", "style", "fine_style", "content_mask", "style_mask", "only", "protect"]
"""What an input is to a run."""

NOUNS: Mapping[Role, str] = {
    "content": "content image",
    "style": "style image",
    "fine_style": "fine style",
    "content_mask": "content mask",
    "style_mask": "style mask",
    "only": "mask of --only",
    "protect": "mask of --protect",
}
"""What messages call an input."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """The description of an input: its role, file name (empty if it came as an array) and SHA-256 of file or pixels.

    boxes: of faces that were found, each (left, top, width, height) in pixels of the upright photograph; the name is
    then "faces", and the SHA-256 that of the mask made of them.
    """

    role: Role
    name: str
    sha256: str
    boxes: tuple[Box, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Role, name, sha256, and boxes where there are any, as JSON values."""
        values: dict[str, Any] = {"role": self.role, "name": self.name, "sha256": self.sha256}
        return {**values, "boxes": [list(box) for box in self.boxes]} if self.boxes else values


def describe_picture(role: Role, picture: Picture) -> Input:
    """Return the description of a picture that was read."""
    return Input(role=role, name=picture.name, sha256=picture.sha256, boxes=picture.boxes)


def describe_input(role: Role, source: object) -> Input:
    """Return the description of an input that was not read: a path, or what `hash_pixels` takes."""
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return Input(role=role, name=path.name, sha256=file_sha256(path))
    return Input(role=role, name="", sha256=hash_pixels(source))


def hash_pixels(source: object) -> str:
    """Return the SHA-256, in hexadecimal, of the pixels of an array, a tensor or a PIL picture, as they are given."""
    if isinstance(source, Tensor):
        source = source.detach().cpu().contiguous().view(torch.uint8).numpy()  # numpy has no bfloat16
    return hashlib.sha256(np.ascontiguousarray(source).ravel().view(np.uint8).data).hexdigest()

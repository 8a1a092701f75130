"""What a picture is to a run, and how it is known again: its role, name and SHA-256."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor

from impasto.images.faces import Box
from impasto.images.io import ImageSource
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A picture that went in: its role, file name (empty if it came as an array) and SHA-256 of file or pixels.

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


def describe_input(role: Role, source: ImageSource) -> Input:
    """What is remembered of an input."""
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return Input(role=role, name=path.name, sha256=file_sha256(path))
    pixels = source.detach().cpu().numpy() if isinstance(source, Tensor) else np.asarray(source)
    return Input(role=role, name="", sha256=hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest())

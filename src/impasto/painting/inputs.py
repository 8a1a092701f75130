"""The pictures and masks that one painting is made from, read and noted."""

import copy
import os
from pathlib import Path
from typing import Literal

from torch import Tensor

from impasto.control.masks import read_only, read_protect
from impasto.images.carried import NOTHING, Carried
from impasto.images.io import ImageSource, read_photograph
from impasto.images.masks import read_mask
from impasto.images.picture import Input, Role, describe_input
from impasto.painting.cache import Cache
from impasto.runs.record import Source

MASKS: tuple[Role, ...] = ("content_mask", "style_mask", "only", "protect")


class Inputs:
    """All that was read so far, by its role; images are (1, 3, H, W), of masks as they were made ready.

    described: for the result, in the order read. sources: the same for the run's folder, with the images.
    """

    def __init__(self, max_pixels: int, cache: Cache) -> None:
        self.max_pixels = max_pixels
        self.content: Tensor | None = None
        self.carried = NOTHING
        self.styles: list[Tensor] = []
        self.style_alphas: list[Tensor | None] = []
        self.fine_style: Tensor | None = None
        self.fine_alpha: Tensor | None = None
        self.only: Tensor | None = None
        self.protect: Tensor | None = None
        self.masks: dict[str, list[Tensor]] = {"content_mask": [], "style_mask": []}
        self.described: list[Input] = []
        self.sources: list[tuple[Source, Tensor, Carried]] = []
        self._cache = cache

    def read(self, role: Role, source: ImageSource) -> tuple[int, int]:
        """Takes an input; returns its (height, width)."""
        name = role if role == "fine_style" else f"{role}_image"
        if role == "style":
            image, carried, described = self._cache.read_style(source, self.max_pixels)
        else:
            image, carried = read_photograph(source, name=name, max_pixels=self.max_pixels)
            described = describe_input(role, source)
        self.take(described, image, carried, _path_of(source))
        return image.shape[-2], image.shape[-1]

    def read_mask(
        self, role: Literal["content_mask", "style_mask"], source: ImageSource, image: Tensor, picture: ImageSource
    ) -> None:
        """Takes a mask of a picture that was read: image as it came out, picture as it was given."""
        name = f"{role} {len(self.masks[role]) + 1}"
        size = (image.shape[-2], image.shape[-1])
        of = "photograph" if role == "content_mask" else "style image"
        mask = read_mask(source, picture, size, name=name, of=of, max_pixels=self.max_pixels)
        self.take(describe_input(role, source), mask, path=_path_of(source))

    def read_masks(self, only: ImageSource | None, protect: ImageSource | None, picture: ImageSource) -> None:
        """Takes the masks beside the photograph, as far as they are given; picture: it, as it was given and read."""
        assert self.content is not None
        size = (self.content.shape[-2], self.content.shape[-1])
        if only is not None:
            mask, entry = read_only(only, picture, size, self.max_pixels)
            self.take(entry, mask, path=_path_of(only))
        if protect is not None:
            mask, entry = read_protect(protect, picture, self.content, self.max_pixels)
            self.take(entry, mask, path="" if entry.boxes else _path_of(protect))

    def take(self, described: Input, image: Tensor, carried: Carried = NOTHING, path: str = "") -> None:
        """Takes an input that was read, and notes it for the result and for the run's folder.

        path: its absolute one, where it is a file. The folder keeps what is no file, and masks.
        """
        role = described.role
        if role == "content":
            self.content, self.carried = image, carried
        elif role == "fine_style":
            self.fine_style, self.fine_alpha = image, carried.alpha
        elif role == "only":
            self.only = image
        elif role == "protect":
            self.protect = image
        elif role in self.masks:
            self.masks[role].append(image)
        else:
            self.styles.append(image)
            self.style_alphas.append(carried.alpha)
        kept = "" if path and role not in MASKS else f"{len(self.described)}.safetensors"
        source = Source(
            role=role, name=described.name, sha256=described.sha256, path=path, kept=kept, boxes=described.boxes
        )
        self.sources.append((source, image, carried))
        self.described.append(described)

    def for_strokes(self, number: int) -> "Inputs":
        """That style image as the photograph, the fine one as its style; without masks, with alpha, noted as before."""
        assert self.fine_style is not None
        other = copy.copy(self)
        other.content, other.carried = self.styles[number], Carried(alpha=self.style_alphas[number])
        other.styles, other.style_alphas = [self.fine_style], [self.fine_alpha]
        other.fine_style, other.only, other.protect = None, None, None
        return other

    @property
    def paths(self) -> list[Path]:
        """Of the inputs that are files."""
        return [Path(source.path) for source, _, _ in self.sources if source.path]


def _path_of(source: ImageSource) -> str:
    """The absolute path of an input that is a file, or ""."""
    return os.path.abspath(source) if isinstance(source, (str, os.PathLike)) else ""

"""The pictures and masks that one painting is made from, read and noted."""

import copy
from pathlib import Path
from typing import Literal

from torch import Tensor

from impasto.control.masks import read_only, read_protect
from impasto.images.carried import NOTHING, Carried
from impasto.images.io import ImageSource, read_picture
from impasto.images.masks import read_mask
from impasto.images.picture import Input, Picture, Role, describe_picture
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

    def read(self, role: Role, source: ImageSource) -> Picture:
        """Read an input and take it."""
        name = role if role == "fine_style" else f"{role}_image"
        if role == "style":
            picture = self._cache.read_style(source, self.max_pixels)
        else:
            picture = read_picture(source, name=name, max_pixels=self.max_pixels)
        return self._take(role, picture)

    def read_mask(
        self, role: Literal["content_mask", "style_mask"], source: ImageSource, picture: Picture
    ) -> None:
        """Read a mask of a picture that was read, and take it."""
        name = f"{role} {len(self.masks[role]) + 1}"
        of = "photograph" if role == "content_mask" else "style image"
        self._take(role, read_mask(source, picture, name=name, of=of, max_pixels=self.max_pixels))

    def read_masks(self, only: ImageSource | None, protect: ImageSource | None, picture: Picture) -> None:
        """Read and take the masks beside the photograph, as far as they are given; picture: the photograph."""
        if only is not None:
            self._take("only", read_only(only, picture, self.max_pixels))
        if protect is not None:
            self._take("protect", read_protect(protect, picture, self.max_pixels))

    def _take(self, role: Role, picture: Picture) -> Picture:
        self.take(describe_picture(role, picture), picture.image, picture.carried, picture.path)
        return picture

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

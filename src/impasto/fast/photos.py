"""Batches of windows of photographs, in their own colors and in those of the style that they are to be painted in."""

import hashlib
import json
import math
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from impasto.control.recolor import recolor
from impasto.errors import BatchError, DataSetError, ImpastoError
from impasto.fast.motion import Box, add_grain, flow_between, move_box
from impasto.fast.recipe import TrainingRecipe
from impasto.images.io import read_image
from impasto.images.listing import list_pictures
from impasto.images.pixels import to_uint8
from impasto.images.resize import resize_image, resize_long_edge
from impasto.training.loader import BatchItems, load_batches

FEW = 40
"""Photographs from which on a network is usable for others."""

NAMED = 500
"""Photographs that the card names one by one; of more it has the number and a hash."""

ZOOM = 0.25
"""Most change of the photographs' size, as a power of e."""

HELD_BYTES = 2**28
"""Bytes of photographs that each reading process keeps, small, once they are decoded."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of photographs.

    photographs: (B, 3, crop, crop) float32 in [0, 1]. contents: the same in the colors of their style. styles: the
    number of each one's style. broken: photographs that could not be read, with the reason; others are in their place.
    moved: windows a little beside the photographs', with noise, and flows: (B, 2, crop, crop) from these to the
    photographs, as `images.warp` takes them; None where the recipe has no temporal weight.
    """

    photographs: Tensor
    contents: Tensor
    styles: list[int]
    broken: dict[str, str]
    moved: Tensor | None = None
    flows: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Photos:
    """The photographs of a folder, or of a pattern, in a fixed order."""

    root: str
    paths: Sequence[str]

    @classmethod
    def find(cls, source: str | os.PathLike[str], outside: Path) -> "Photos":
        """List the photographs. outside: the run's folder, whose pictures are left out. Raises DataSetError."""
        text = os.fspath(source)
        try:
            paths = list(list_pictures(text, outside, "photos"))
        except BatchError as error:
            raise DataSetError(error.error, error.hint) from error
        return cls(os.path.abspath(text) if os.path.isdir(text) else os.path.dirname(os.path.abspath(paths[0])), paths)

    def describe(self) -> dict[str, object]:
        """Return number, names, and a hash of names and sizes, as JSON values."""
        names = [os.path.relpath(path, self.root) for path in self.paths]
        stamps = [[name, os.path.getsize(path)] for name, path in zip(names, self.paths, strict=True)]
        named = {"names": names} if len(names) <= NAMED else {}
        return {"count": len(names), "sha256": hashlib.sha256(json.dumps(stamps).encode()).hexdigest(), **named}


def load_windows(
    photos: Photos, styles: Sequence[Tensor], recipe: TrainingRecipe, order: Iterable[BatchItems], workers: int
) -> Iterator[Windows]:
    """Yield windows of the photographs in this order. styles: (1, 3, h, w) each. Raises DataSetError."""
    return load_batches(_WindowSet(photos, styles, recipe), order, workers)


class _WindowSet(Dataset[Windows]):
    """Windows of photographs; each item is a whole batch."""

    def __init__(self, photos: Photos, styles: Sequence[Tensor], recipe: TrainingRecipe) -> None:
        self._photos, self._styles, self._recipe = photos, styles, recipe
        self._held: OrderedDict[tuple[int, int | None], Tensor] = OrderedDict()

    def __getitem__(self, items: BatchItems) -> Windows:
        photographs, contents, styles, moved, flows = [], [], [], [], []
        broken: dict[str, str] = {}
        for epoch, number in items:
            style = (number + epoch) % len(self._styles)
            index = self._find_readable(number % len(self._photos.paths), broken)
            pair = [self._read(index), self._recolored(index, style)]
            rng = np.random.default_rng((self._recipe.seed, epoch, number))
            size = (pair[0].shape[-2], pair[0].shape[-1])
            box, is_flipped = self._draw_box(size, rng)
            photograph, content = torch.split(self._cut(torch.cat(pair), box, is_flipped), 1)
            photographs.append(photograph)
            contents.append(content)
            styles.append(style)
            if self._recipe.temporal_weight > 0:
                other = move_box(box, size, rng)
                moved.append(add_grain(self._cut(pair[0], other, is_flipped), rng))
                flows.append(flow_between(box, other, self._recipe.crop, is_flipped=is_flipped))
        motion = (torch.cat(moved), torch.cat(flows)) if moved else (None, None)
        return Windows(torch.cat(photographs), torch.cat(contents), styles, broken, *motion)

    def _find_readable(self, index: int, broken: dict[str, str]) -> int:
        """Return the number of this photograph, or of the next that can be read."""
        for number in range(index, index + len(self._photos.paths)):
            found = number % len(self._photos.paths)
            try:
                self._read(found)
            except ImpastoError as error:
                broken[self._photos.paths[found]] = error.error
                continue
            return found
        raise DataSetError(
            f"photos {self._photos.root!r}: none of {len(self._photos.paths)} can be read; the first: "
            f"{next(iter(broken.values()))}",
            "Give a folder of photographs.",
        )

    def _read(self, index: int) -> Tensor:
        """Return a photograph, (1, 3, H, W) in [0, 1], no larger than any window needs."""
        return self._hold((index, None), lambda: self._decode(self._photos.paths[index])).float() / 255

    def _decode(self, path: str) -> Tensor:
        image = read_image(path, name="photo")
        long_edge = min(max(image.shape[-2:]), round(self._recipe.size * math.exp(ZOOM)))
        return resize_long_edge(image, long_edge)

    def _recolored(self, index: int, style: int) -> Tensor:
        look = self._recipe.look
        if look.recolor == 0 or look.color not in ("style", "oklab"):
            return self._read(index)
        alone = look.replace(style_blend=())
        make = partial(recolor, alone, self._read(index), [self._styles[style]])
        return self._hold((index, style), make).float() / 255

    def _hold(self, key: tuple[int, int | None], make: Callable[[], Tensor]) -> Tensor:
        """Return an image of levels, (1, 3, H, W) uint8, made once while there is room."""
        if key not in self._held:
            self._held[key] = to_uint8(make()).permute(2, 0, 1)[None].contiguous()
            while sum(levels.numel() for levels in self._held.values()) > HELD_BYTES:
                self._held.popitem(last=False)
        return self._held[key]

    def _draw_box(self, size: tuple[int, int], rng: np.random.Generator) -> tuple[Box, bool]:
        """Return a random part of a photograph of (H, W) for a window at its scale, and whether to flip that."""
        H, W = size
        enlarged = self._recipe.size * math.exp(rng.uniform(-ZOOM, ZOOM)) / max(H, W)
        edge = max(1, min(H, W, round(self._recipe.crop / enlarged)))
        top, left = rng.integers(0, H - edge + 1), rng.integers(0, W - edge + 1)
        return Box(int(top), int(left), edge), rng.random() < 0.5

    def _cut(self, image: Tensor, box: Box, is_flipped: bool) -> Tensor:
        part = image[..., box.top : box.top + box.edge, box.left : box.left + box.edge]
        window = resize_image(part, (self._recipe.crop, self._recipe.crop))
        return window.flip(-1) if is_flipped else window

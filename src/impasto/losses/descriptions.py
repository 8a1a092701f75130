"""Descriptions of style images, kept for the next picture in the same style."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch
from torch import Tensor

MAX_BYTES = 2**28


class Descriptions:
    """What `Objective.describe` told of style images, the longest unused forgotten beyond `max_bytes`.

    A picture is known by its pixels at the size described, so that it does not matter where it came from, or whose
    colors it was given. found: how many descriptions were not made anew.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self.found = 0
        self._kept: OrderedDict[Hashable, tuple[Mapping[str, Any], int]] = OrderedDict()
        self._bytes = 0

    def get(self, way: Hashable, image: Tensor, make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """The descriptions by name that `make` gives, or gave before.

        way: all that they depend on beside the image. It is kept too, and never compared with one that is gone: an
        encoder in it lives on, and is the same encoder. image: (1, 3, h, w).
        """
        pixels = image.detach().to("cpu").contiguous()
        # SHA-256 of 512 px takes 3 ms, describing them a hundred times as long.
        key = (way, tuple(pixels.shape), str(image.device), hashlib.sha256(pixels.numpy().tobytes()).digest())
        if key in self._kept:
            self.found += 1
            self._kept.move_to_end(key)
            return self._kept[key][0]
        made = make()
        size = sum(map(_count_bytes, made.values()))
        if size <= self.max_bytes:
            self._kept[key] = made, size
            self._bytes += size
        while self._bytes > self.max_bytes:
            self._bytes -= self._kept.popitem(last=False)[1][1]
        return made


def _count_bytes(description: Any) -> int:
    if isinstance(description, torch.Tensor):
        return description.numel() * description.element_size()
    return sum(map(_count_bytes, description))

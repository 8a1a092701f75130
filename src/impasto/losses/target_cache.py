"""Style targets in memory, for the next picture in the same style."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch
from torch import Tensor


class TargetCache:
    """The statistics of style images; the least recently used are dropped beyond `max_bytes`.

    A style image is identified by its pixels at the size described, wherever it came from and whose colors it was
    given. hits: how often a description was found.
    """

    def __init__(self, max_bytes: int = 2**28) -> None:
        self.max_bytes = max_bytes
        self.hits = 0
        self._entries: OrderedDict[Hashable, tuple[Mapping[str, Any], int]] = OrderedDict()
        self._bytes = 0

    def get(self, settings: Hashable, image: Tensor, make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return the descriptions by name that `make` returns, or returned before for the same settings and image.

        settings: all that they depend on beside the image. They are stored, so that an encoder in them stays alive and
        its identity is never that of a later one. image: (1, 3, h, w).
        """
        pixels = image.detach().to("cpu").contiguous()
        # SHA-256 of 512 px takes 3 ms, describing them a hundred times as long.
        key = (settings, tuple(pixels.shape), str(image.device), hashlib.sha256(pixels.numpy().tobytes()).digest())
        if key in self._entries:
            self.hits += 1
            self._entries.move_to_end(key)
            return self._entries[key][0]
        made = make()
        size = sum(map(_count_bytes, made.values()))
        if size <= self.max_bytes:
            self._entries[key] = made, size
            self._bytes += size
        while self._bytes > self.max_bytes:
            self._bytes -= self._entries.popitem(last=False)[1][1]
        return made


def _count_bytes(description: Any) -> int:
    if isinstance(description, torch.Tensor):
        return description.numel() * description.element_size()
    return sum(map(_count_bytes, description))

"""Tiles dealt to several devices in rounds, each device on a thread of its own; what comes back is in their order."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from impasto.features.tiling import Tile

Made = TypeVar("Made")


def deal(
    make: Callable[[Tile, torch.device], Made], tiles: Sequence[Tile], devices: Sequence[torch.device]
) -> Iterator[tuple[Tile, Made]]:
    """Each tile with what `make` makes of it on its device, without a graph unless it asks for one; in their order.

    Tile i of a round goes to device i. With one device there is no thread but this one. An error in a thread passes as
    it is, once the others have ended.
    """
    make = torch.no_grad()(make)
    first, *others = devices
    if not others:
        for tile in tiles:
            yield tile, make(tile, first)
        return
    with ThreadPoolExecutor(len(others), initializer=torch.set_flush_denormal, initargs=(True,)) as pool:
        for start in range(0, len(tiles), len(devices)):
            mine, *theirs = tiles[start : start + len(devices)]
            awaited = pool.map(make, theirs, others)
            # The first device's part must be on this thread: a backward pass runs on autograd's own thread of that
            # device, which no other thread may then wait for.
            yield mine, make(mine, first)
            yield from zip(theirs, awaited, strict=True)

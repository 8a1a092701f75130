"""Tiles distributed to several devices, each on a thread of its own; results come in the tiles' order."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from impasto.features.tiling import Tile

T = TypeVar("T")


def map_tiles(
    compute: Callable[[Tile, torch.device], T], tiles: Sequence[Tile], devices: Sequence[torch.device]
) -> Iterator[tuple[Tile, T]]:
    """Yield each tile with what `compute` returns for it on its device, in the tiles' order; without gradients.

    With N devices, tile i is computed on device i modulo N, N tiles at a time. With one device everything runs on the
    calling thread. An error in a thread is raised unchanged, after the other threads have ended.
    """
    compute = torch.no_grad()(compute)
    first, *others = devices
    if not others:
        for tile in tiles:
            yield tile, compute(tile, first)
        return
    with ThreadPoolExecutor(len(others), initializer=torch.set_flush_denormal, initargs=(True,)) as pool:
        for start in range(0, len(tiles), len(devices)):
            mine, *theirs = tiles[start : start + len(devices)]
            awaited = pool.map(compute, theirs, others)
            # The first device's tile must be on this thread: a backward pass runs on autograd's own thread of that
            # device, for which no other thread may then wait.
            yield mine, compute(mine, first)
            yield from zip(theirs, awaited, strict=True)

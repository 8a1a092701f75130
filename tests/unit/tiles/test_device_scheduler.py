"""Tiles distributed to devices: order, threads, gradient mode, and errors."""

import gc
import threading
import time
import weakref

import pytest
import torch
from torch import Tensor

from impasto.features.tiling import Tile, cut_tiles
from impasto.tiles.device_scheduler import map_tiles

CPU = torch.device("cpu")
TILES = cut_tiles((80, 112), 16, 16, "zero")


def test_results_are_in_the_order_of_the_tiles() -> None:
    def compute(tile: Tile, device: torch.device) -> tuple[int, int]:
        # The earlier of three tiles at a time, the later it is done.
        time.sleep(0.002 * (2 - TILES.index(tile) % 3))
        return tile.corner

    made = list(map_tiles(compute, TILES, (CPU,) * 3))
    assert len(TILES) % 3 != 0
    assert made == [(tile, tile.corner) for tile in TILES]


@pytest.mark.parametrize(("count", "threads"), [(1, 1), (3, 3)])
def test_each_device_has_a_thread_and_the_first_has_this_one(count: int, threads: int) -> None:
    met = threading.Barrier(count, timeout=10)

    def compute(tile: Tile, device: torch.device) -> threading.Thread:
        met.wait()
        return threading.current_thread()

    workers = [thread for _, thread in map_tiles(compute, TILES[:6], (CPU,) * count)]
    assert workers[:: count] == [threading.current_thread()] * (6 // count)
    assert len(set(workers[:count])) == threads


@pytest.mark.parametrize("count", [1, 2])
def test_no_thread_builds_a_graph(count: int) -> None:
    leaf = torch.ones(3, requires_grad=True)
    made = [tensor for _, tensor in map_tiles(lambda tile, device: 2 * leaf, TILES, (CPU,) * count)]
    assert not any(tensor.requires_grad for tensor in made)
    assert torch.is_grad_enabled()


def test_threads_flush_denormals() -> None:
    made = list(map_tiles(lambda tile, device: float(torch.tensor([1e-30]) * 1e-10), TILES[:4], (CPU,) * 2))
    assert [value for _, value in made][1::2] == [0.0, 0.0]


@pytest.mark.parametrize("place", [0, 1])
def test_an_error_passes_as_it_is_and_holds_no_memory(place: int) -> None:
    held: list[weakref.ref[Tensor]] = []

    def compute(tile: Tile, device: torch.device) -> None:
        features = torch.ones(5)
        if TILES.index(tile) == 2 + place:
            held.append(weakref.ref(features))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    gc.disable()
    try:
        with pytest.raises(torch.OutOfMemoryError, match="Tried to allocate 2 GiB") as caught:
            list(map_tiles(compute, TILES, (CPU,) * 2))
        del caught
        assert [reference() for reference in held] == [None]
    finally:
        gc.enable()

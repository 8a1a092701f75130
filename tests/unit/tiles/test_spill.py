"""Tensors that wait on disk."""

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from impasto.errors import DiskError
from impasto.tiles.spill import Shelf


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_tensors_come_back_as_they_were(dtype: torch.dtype) -> None:
    shelf = Shelf()
    tensors = {name: (torch.randn(2, 3, 4 + name) * 100).to(dtype) for name in range(3)}
    for name, tensor in tensors.items():
        shelf.put(name, tensor)
    assert 1 in shelf and 5 not in shelf
    for name in (2, 0, 1):
        assert torch.equal(shelf.get(name), tensors[name])


def test_a_key_is_written_over_in_its_place() -> None:
    shelf = Shelf()
    shelf.put("a", torch.zeros(5))
    shelf.put("b", torch.full((5,), 2.0))
    shelf.put("a", torch.ones(5))
    assert shelf.get("a").tolist() == [1] * 5
    assert shelf.get("b").tolist() == [2] * 5


def test_threads_do_not_disturb_each_other() -> None:
    shelf = Shelf()
    for key in range(40):
        shelf.put(key, torch.full((20_000,), float(key)))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(shelf.get, [key for _ in range(5) for key in range(40)]))
    assert all(bool((tensor == key % 40).all()) for key, tensor in enumerate(found))


def test_slices_and_channels_last_are_kept() -> None:
    shelf = Shelf()
    features = torch.randn(1, 4, 6, 7).contiguous(memory_format=torch.channels_last)
    shelf.put("a", features[:, :, 1:4, 2:5])
    assert torch.equal(shelf.get("a"), features[:, :, 1:4, 2:5])


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def seek(self, *place: int) -> int:
            return 0

        def write(self, values: memoryview) -> int:
            raise OSError(28, "No space left on device")

    shelf = Shelf()
    monkeypatch.setattr(shelf, "_file", Full())
    with pytest.raises(DiskError, match="cannot take 4,000 more bytes") as caught:
        shelf.put("a", torch.zeros(1000))
    assert "TMPDIR" in caught.value.hint


def test_nothing_is_left_open() -> None:
    shelf = Shelf()
    file = shelf._file
    del shelf
    gc.collect()
    assert file.closed

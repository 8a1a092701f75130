"""Tensors stored on disk."""

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from impasto.errors import DiskError
from impasto.tiles.spill import Spill


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_tensors_are_read_as_they_were_written(dtype: torch.dtype) -> None:
    spill = Spill()
    tensors = {name: (torch.randn(2, 3, 4 + name) * 100).to(dtype) for name in range(3)}
    for name, tensor in tensors.items():
        spill.put(name, tensor)
    assert 1 in spill and 5 not in spill
    for name in (2, 0, 1):
        assert torch.equal(spill.get(name), tensors[name])


def test_a_key_is_written_over_in_its_place() -> None:
    spill = Spill()
    spill.put("a", torch.zeros(5))
    spill.put("b", torch.full((5,), 2.0))
    spill.put("a", torch.ones(5))
    assert spill.get("a").tolist() == [1] * 5
    assert spill.get("b").tolist() == [2] * 5


def test_threads_do_not_disturb_each_other() -> None:
    spill = Spill()
    for key in range(40):
        spill.put(key, torch.full((20_000,), float(key)))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(spill.get, [key for _ in range(5) for key in range(40)]))
    assert all(bool((tensor == key % 40).all()) for key, tensor in enumerate(found))


def test_slices_and_channels_last_are_kept() -> None:
    spill = Spill()
    features = torch.randn(1, 4, 6, 7).contiguous(memory_format=torch.channels_last)
    spill.put("a", features[:, :, 1:4, 2:5])
    assert torch.equal(spill.get("a"), features[:, :, 1:4, 2:5])


def test_a_full_disk_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def seek(self, *place: int) -> int:
            return 0

        def write(self, values: memoryview) -> int:
            raise OSError(28, "No space left on device")

    spill = Spill()
    monkeypatch.setattr(spill, "_file", Full())
    with pytest.raises(DiskError, match="cannot take 4,000 more bytes") as caught:
        spill.put("a", torch.zeros(1000))
    assert "TMPDIR" in caught.value.hint


def test_nothing_is_left_open() -> None:
    spill = Spill()
    file = spill._file
    del spill
    gc.collect()
    assert file.closed

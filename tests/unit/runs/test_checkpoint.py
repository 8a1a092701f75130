"""Checkpoints: what comes back is what was kept, only what is new is written, and a failed one costs nothing."""

import errno
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.errors import RunError
from impasto.runs import checkpoint
from impasto.runs.checkpoint import Checkpoints, map_tensors


def image(seed: int, height: int = 6, width: int = 8) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.glob("*.tensors")}


def test_a_state_comes_back_bit_by_bit(tmp_path: Path) -> None:
    lasts = image(1).contiguous(memory_format=torch.channels_last)
    state: dict[str, Any] = {
        **{"step": 7, "factor": 0.1, "odd": [math.nan, math.inf, -0.0, 5e-324], "none": None, "text": "ä"},
        **{"image": image(0), "last": [lasts, image(0)], "match": torch.arange(5), "scalar": torch.tensor(3.0)},
    }
    checkpoints = Checkpoints(tmp_path / "checkpoint")
    assert checkpoints.read() is None
    checkpoints.write(state)
    found = Checkpoints(tmp_path / "checkpoint").read()
    assert found is not None
    without = [{name: value for name, value in each.items() if name != "last"} for each in (found, state)]
    assert repr(without[0]) == repr(without[1])
    assert torch.equal(found["last"][0], lasts) and found["last"][0].stride() == lasts.stride()
    assert found["match"].dtype == torch.int64
    assert found["scalar"].shape == ()


def test_one_tensor_in_two_places_is_written_once_and_stays_one(tmp_path: Path) -> None:
    shared = image(0)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.write({"image": shared, "best": shared})
    assert sizes(tmp_path) == {"000001.tensors": 3 * 6 * 8 * 4}
    found = checkpoints.read()
    assert found is not None and found["image"] is found["best"]


def test_only_what_is_new_is_written_and_what_is_not_needed_goes(tmp_path: Path) -> None:
    one = 3 * 6 * 8 * 4
    checkpoints = Checkpoints(tmp_path)
    pairs = [image(seed) for seed in range(3)]
    checkpoints.write({"pairs": pairs})
    checkpoints.write({"pairs": [*pairs[1:], image(3)]})
    assert sizes(tmp_path) == {"000001.tensors": 3 * one, "000002.tensors": one}
    found = checkpoints.read()
    assert found is not None and all(torch.equal(found["pairs"][at], image(at + 1)) for at in range(3))
    checkpoints.write({"pairs": [image(9)]})
    assert sizes(tmp_path) == {"000003.tensors": one}


def test_a_tensor_that_was_changed_in_place_is_written_again(tmp_path: Path) -> None:
    checkpoints, moment = Checkpoints(tmp_path), image(0)
    checkpoints.write({"moment": moment})
    moment.add_(1)
    checkpoints.write({"moment": moment})
    found = checkpoints.read()
    assert found is not None and torch.equal(found["moment"], image(0) + 1)


@pytest.mark.parametrize("place", ["tensors", "tree"])
def test_a_full_disk_leaves_the_last_good_checkpoint(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints, kept = Checkpoints(tmp_path), image(0)
    checkpoints.write({"step": 1, "image": kept})

    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "_append" if place == "tensors" else "replace_file", fail)
        with pytest.raises(OSError, match="No space left"):
            checkpoints.write({"step": 2, "image": image(1), "before": kept})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000001.tensors", "state.json"]
    found = Checkpoints(tmp_path).read()
    assert found is not None and found["step"] == 1 and torch.equal(found["image"], kept)
    checkpoints.write({"step": 3, "image": image(1), "before": kept})
    found = Checkpoints(tmp_path).read()
    assert found is not None and found["step"] == 3 and torch.equal(found["before"], kept)


def test_what_a_killed_writer_left_behind_is_removed(tmp_path: Path) -> None:
    Checkpoints(tmp_path).write({"step": 1, "image": image(0)})
    (tmp_path / "000002.tensors").write_bytes(b"half of it")
    (tmp_path / ".impasto-0123.tmp").write_bytes(b"{")
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.read() is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000001.tensors", "state.json"]
    checkpoints.write({"step": 2, "image": image(1)})
    assert sizes(tmp_path) == {"000002.tensors": 3 * 6 * 8 * 4}


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "tree", "newer"])
def test_a_damaged_checkpoint_is_told(damage: str, tmp_path: Path) -> None:
    Checkpoints(tmp_path).write({"image": image(0)})
    tensors, tree = tmp_path / "000001.tensors", tmp_path / "state.json"
    data = bytearray(tensors.read_bytes())
    if damage == "cut":
        tensors.write_bytes(data[:-4])
    elif damage == "changed":
        data[5] ^= 1
        tensors.write_bytes(data)
    elif damage == "gone":
        tensors.unlink()
    elif damage == "tree":
        tree.write_text(tree.read_text()[:-9])
    else:
        tree.write_text(tree.read_text().replace('"format_version": 2', '"format_version": 3'))
    with pytest.raises(RunError, match="newer impasto" if damage == "newer" else "damaged") as caught:
        Checkpoints(tmp_path).read()
    assert str(tmp_path) in str(caught.value)


def test_clear_removes_all(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoint")
    checkpoints.clear()
    checkpoints.write({"image": image(0)})
    checkpoints.clear()
    assert not (tmp_path / "checkpoint").exists()


def test_map_tensors_changes_tensors_alone() -> None:
    tree = {"a": (torch.ones(1), 2), "b": {"c": None, "d": "text"}}
    assert map_tensors(tree, lambda tensor: float(tensor) + 1) == {"a": [2.0, 2], "b": {"c": None, "d": "text"}}


def test_tensors_without_a_tree_are_removed_so_that_the_next_checkpoint_is_written(tmp_path: Path) -> None:
    """A process killed between the first checkpoint's two files."""
    Checkpoints(tmp_path / "checkpoint").write({"image": image(0)})
    (tmp_path / "checkpoint" / "state.json").unlink()
    checkpoints = Checkpoints(tmp_path / "checkpoint")
    assert checkpoints.read() is None
    checkpoints.write({"image": image(1)})
    found = Checkpoints(tmp_path / "checkpoint").read()
    assert found is not None and torch.equal(found["image"], image(1))


def test_a_changed_tree_is_damaged(tmp_path: Path) -> None:
    Checkpoints(tmp_path).write({"step": 7, "losses": {"total": 0.1}})
    tree = tmp_path / "state.json"
    tree.write_text(tree.read_text().replace('"step": 7', '"step": 8'))
    with pytest.raises(RunError, match="is damaged .*it was changed"):
        Checkpoints(tmp_path).read()


def test_a_tree_of_version_1_has_no_checksum(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"format_version": 1, "state": {"step": 7}}')
    assert Checkpoints(tmp_path).read() == {"step": 7}

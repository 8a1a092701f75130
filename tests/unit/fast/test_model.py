"""The network's file: written and read back; what is not ours is refused and never executed."""

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from impasto.errors import WeightsError
from impasto.fast import model as module
from impasto.fast.model import Model, read_model


def test_it_is_read_as_it_was_written(model: Model, tmp_path: Path) -> None:
    model.write(tmp_path / "a.safetensors")
    read = read_model(tmp_path / "a.safetensors")
    assert (read.names, read.look, read.name) == (model.names, model.look, "a.safetensors")
    for name, values in model.network.state_dict().items():
        assert torch.equal(values, read.network.state_dict()[name])
    for icon, other in zip(model.icons, read.icons, strict=True):
        torch.testing.assert_close(icon, other, atol=1 / 255, rtol=0)
    read.write(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("exploded",)


def test_what_is_not_ours_is_refused(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        WeightsError, match=r"'a.safetensors' does not exist; expected a .safetensors that `impasto train`"
    ):
        read_model("a.safetensors")
    Path("a.safetensors").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(WeightsError, match="is no safetensors file, or damaged"):
        read_model("a.safetensors")
    assert not Path("exploded").exists()
    save_file({"a": torch.zeros(1)}, "a.safetensors")
    with pytest.raises(WeightsError, match="is another kind of file"):
        read_model("a.safetensors")
    model.write(Path("a.safetensors"))
    tensors = load_file("a.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FORMAT_VERSION", 2)
        model.write(Path("newer.safetensors"))
    with pytest.raises(WeightsError, match=r"has format_version 2; this impasto reads 1. Install a newer"):
        read_model("newer.safetensors")
    metadata = {"format": "impasto-painter", "format_version": "1", "styles": '["calm"]', "width": "4", "blocks": "1"}
    for changes in ({}, {"look": "{}"}, {"look": "{}", "width": "9999999"}, {"look": "[]", "styles": "calm"}):
        save_file(tensors, "a.safetensors", {**metadata, **changes})
        with pytest.raises(WeightsError, match="is damaged"):
            read_model("a.safetensors")

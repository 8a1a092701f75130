"""Export: onnxruntime paints the network's pictures at any size."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import torch
from painter_network import random_network
from torch import Tensor

from impasto.cli.app import main
from impasto.errors import OutputError, RecipeError
from impasto.fast import export as module
from impasto.fast.export import OnnxNetwork, check_onnx, encode_onnx
from impasto.fast.model import Model, to_icon
from impasto.fast.network import Design, Network
from impasto.recipe.recipe import Recipe
from impasto.transfer.export import export_painter


@pytest.fixture(params=get_args(Design))
def network(request: pytest.FixtureRequest) -> Network:
    """A network for two styles, of each design."""
    return random_network(design=request.param)


@pytest.fixture
def path(network: Network, tmp_path: Path, picture: Callable[..., Tensor]) -> Path:
    icons = (to_icon(picture(50, 40, 20)),) * 2
    Model(network=network, names=("calm", "rough"), icons=icons, look=Recipe()).write(tmp_path / "two.safetensors")
    return tmp_path / "two.safetensors"


SIZES = [(5, 9), (32, 32), (33, 64), (64, 33), (47, 31), (100, 12), (13, 90), (128, 96), (65, 66), (71, 71)]


def test_it_equals_the_network_at_any_size(network: Network, picture: Callable[..., Tensor]) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    for shares in (torch.tensor([0.0, 0.5, 0.5]), torch.tensor([0.3, 0.7, 0.0])):
        exact, small = (OnnxNetwork(encode_onnx(network, shares, int8=int8)) for int8 in (False, True))
        for size in SIZES:
            photograph = picture(*size)
            with torch.no_grad():
                expected = network(photograph, shares[None, :, None, None])
            assert float((exact.paint(photograph) - expected).abs().max()) <= 1e-3
            assert float((small.paint(photograph) - expected).abs().mean()) <= 2 / 255
    flat = exact.paint(torch.full((1, 3, 40, 50), 0.5))
    assert float((flat.amax((2, 3)) - flat.amin((2, 3))).max()) < 1e-4


def test_a_file_is_written(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    exported = export_painter(path, path.with_name("a.onnx"), style=["calm", "rough"], strength=0.5)
    assert exported.largest <= 1e-3 and exported.path.stat().st_size == exported.bytes
    with pytest.raises(OutputError, match="is no .onnx"):
        export_painter(path, path.with_name("a.bin"))
    with pytest.raises(RecipeError, match="expected one of calm, rough"):
        export_painter(path, path.with_name("b.onnx"), style="clam")
    assert not path.with_name("b.onnx").exists()
    assert main(["export", str(path), "-o", str(path.with_name("c.onnx")), "--int8"]) == 0
    assert "calm; within" in capsys.readouterr().out


def test_missing_packages_are_named(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert main(["export", str(path), "-o", str(path.with_name("a.onnx"))]) == 2
    message = 'needs the package onnx, which is not installed. Run: pip install "impasto[export]"'
    assert message in capsys.readouterr().err
    monkeypatch.setattr(module, "find_spec", lambda name: True)
    check_onnx()

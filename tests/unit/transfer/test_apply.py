"""A trained network applied to photographs: strips, strength, mixtures, regions, colors, and what files carry."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from painter_network import random_network
from torch import Tensor

from impasto.errors import MissingExtraError, RecipeError, WeightsError
from impasto.fast.model import Model, read_model, to_icon
from impasto.fast.strips import StripPainter
from impasto.images.color.oklab import to_oklab
from impasto.images.io import read_metadata, read_picture, write_image
from impasto.recipe.recipe import Recipe
from impasto.transfer.apply import Painter, load_painter

Paint = Callable[..., Tensor]


@pytest.fixture
def path(tmp_path: Path, picture: Paint) -> Path:
    """The file of a network with the styles "calm" and "rough"."""
    icons = to_icon(picture(50, 40, 20)), to_icon(picture(40, 60, 21))
    model = Model(network=random_network(), names=("calm", "rough"), icons=icons, look=Recipe())
    model.write(tmp_path / "two.safetensors")
    return tmp_path / "two.safetensors"


@pytest.fixture
def painter(path: Path) -> Painter:
    return load_painter(path, device="cpu", threads=1)


def test_any_size_whole_or_in_strips_is_the_same_picture(painter: Painter, picture: Paint) -> None:
    photograph = picture(101, 67)
    whole = painter(photograph)
    assert whole.pastiche.shape == photograph.shape
    assert whole.styles == {"calm": 1.0}
    tiled = painter(photograph, max_memory=1)  # the maps wait on the disk
    assert float((tiled.pastiche - whole.pastiche).abs().max()) <= 1 / 255
    assert painter(photograph, size=40).pastiche.shape == (1, 3, 40, 27)


def test_strength_and_blends_mix_parameters(painter: Painter, picture: Paint) -> None:
    photograph = picture(40, 48)
    with torch.no_grad():
        for keywords, row in (
            ({"style": "rough"}, [0, 0, 1.0]),
            ({"strength": 0.25}, [0.75, 0.25, 0]),
            ({"style": ["calm", "rough"], "style_blend": (3.0, 1.0), "strength": 0.8}, [0.2, 0.6, 0.2]),
            ({"style": ["rough", "calm"]}, [0, 0.5, 0.5]),
        ):
            expected = painter.network(photograph, torch.tensor([row])[..., None, None])
            torch.testing.assert_close(painter(photograph, **keywords).pastiche, expected, atol=1e-4, rtol=0)
    mixed = painter(photograph, style=["calm", "rough"], style_blend=(3.0, 1.0), strength=0.8)
    assert mixed.styles == {"calm": 0.6, "rough": 0.2}


def test_onnxruntime_paints_the_same(path: Path, picture: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    quick, usual = load_painter(path, engine="onnxruntime", threads=1), load_painter(path, threads=1)
    for size in ((40, 48), (37, 51), (3, 20)):
        for strength in (1.0, 0.5):
            expected = usual(picture(*size), strength=strength).pastiche
            painted = quick(picture(*size), strength=strength).pastiche
            torch.testing.assert_close(painted, expected, atol=1e-3, rtol=0)
    assert len(quick._sessions) == 2  # one for each strength, none for what is too small
    with pytest.raises(RecipeError, match="engine is 'tensorflow'; expected one of torch, onnxruntime"):
        load_painter(path, engine="tensorflow")
    monkeypatch.setattr("impasto.fast.export.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"the engine onnxruntime needs .*impasto\[export\]"):
        load_painter(path, engine="onnxruntime")


def test_regions_are_painted_in_their_styles(painter: Painter, picture: Paint) -> None:
    photograph, left = picture(64, 64), np.zeros((64, 64), np.uint8)
    left[:, :32] = 255
    inside = torch.from_numpy(left)[None, None] / 255
    for strength, masks, shares in (
        (1.0, [left], [0 * inside, inside, 1 - inside]),
        (0.5, [left, 255 - left], [0 * inside + 0.5, inside / 2, (1 - inside) / 2]),
    ):
        mixed = painter(photograph, style=["calm", "rough"], content_masks=masks, strength=strength)
        expected = StripPainter(painter.network).paint(photograph, torch.cat(shares, dim=1))
        torch.testing.assert_close(mixed.pastiche, expected, atol=1e-4, rtol=0)
        assert mixed.styles == {"calm": strength / 2, "rough": strength / 2}
    calm = painter(photograph, style="calm").pastiche
    only = painter(photograph, only=left, only_feather=0)
    assert torch.equal(only.pastiche[..., 33:], photograph[..., 33:])
    assert torch.equal(only.pastiche[..., :31], calm[..., :31])


@pytest.mark.parametrize("color", ["style", "content-luma", "match", "histogram", "oklab"])
def test_every_color_mode_works(color: str, painter: Painter, picture: Paint) -> None:
    photograph = 0.3 + 0.4 * picture(48, 40)
    result = painter(photograph, color=color)
    plain = painter(photograph).pastiche
    assert (color == "style") == torch.equal(result.pastiche, plain)
    if color == "content-luma":
        assert float((to_oklab(result.pastiche) - to_oklab(photograph))[:, 1:].abs().mean()) < 0.02
    if color in ("match", "histogram"):
        far, near = ((each.mean((2, 3)) - photograph.mean((2, 3))).abs().max() for each in (plain, result.pastiche))
        assert float(near) < 0.5 * float(far)
    assert result.metadata["recipe"]["color"] == color


def test_the_file_has_alpha_depth_and_metadata(painter: Painter, path: Path, picture: Paint, tmp_path: Path) -> None:
    alpha = np.full((32, 40, 1), 65535, np.uint16)
    alpha[:8] = 0
    color = (picture(32, 40)[0].permute(1, 2, 0).numpy() * 65535).astype(np.uint16)
    result = painter(np.concatenate([color, alpha], axis=2), strength=0.5)
    result.save(tmp_path / "out.png", depth=16)
    read = read_picture(tmp_path / "out.png")
    assert read.carried.depth in (8, 16)  # 8 where the extra deep is missing
    assert read.alpha is not None and float(read.alpha[..., :8, :].max()) == 0
    metadata = read_metadata(tmp_path / "out.png")
    assert metadata is not None
    sha256 = read_model(path).sha256
    assert metadata["network"] == {"name": "two.safetensors", "sha256": sha256, "styles": {"calm": 0.5}}
    assert metadata["recipe"]["strength"] == 0.5  # type: ignore[index]
    assert result.to_dict()["network"]["name"] == "two.safetensors"


def test_mistakes_are_refused(painter: Painter, picture: Paint, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="style 'clam' is not in two.safetensors; expected one of calm, rough. Did"):
        painter(picture(), style="clam")
    with pytest.raises(RecipeError, match="style_blend has 3 weights for 2 style images"):
        painter(picture(), style=["calm", "rough"], style_blend=(1.0, 1.0, 1.0))
    with pytest.raises(RecipeError, match="a painter has no keyword 'steps'"):
        painter(picture(), steps=3)  # type: ignore[call-arg]
    with pytest.raises(RecipeError, match="strength is none"):
        painter(picture(), strength=None)
    with pytest.raises(WeightsError, match="does not exist"):
        load_painter(tmp_path / "none.safetensors")


def test_a_network_s_colors_are_the_default(path: Path, picture: Paint) -> None:
    write_image(picture(20, 20), path.parent / "photo.png")
    model = read_model(path)
    grey = Model(
        network=model.network, names=model.names, icons=model.icons, look=Recipe(color="content-luma"), name="grey"
    )
    assert Painter(grey, device="cpu")(path.parent / "photo.png").recipe.color == "content-luma"

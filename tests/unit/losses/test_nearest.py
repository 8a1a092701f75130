"""The nearest-neighbour loss on patches whose match is known."""

import pytest
import torch

from impasto.losses.nearest import STYLE_PATCHES, nearest_loss, style_patches


def spread(*vectors: tuple[float, float]) -> torch.Tensor:
    """Two channels on a map of 3 x 3 tiles side by side, each tile filled with one vector: (1, 2, 3, 3 n)."""
    return torch.tensor(vectors).T.repeat_interleave(3, dim=1).view(1, 2, 1, -1).expand(1, 2, 3, -1).contiguous()


def test_each_patch_is_pulled_to_the_nearest_by_angle() -> None:
    style = spread((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0))
    vectors, mean = style_patches(style, 0)
    assert float(mean.abs().max()) == 0
    axes = torch.stack([patch for patch in vectors if len(patch.abs().unique()) == 2])  # those inside one tile
    assert float(nearest_loss(spread((5.0, 5.0)), (axes, mean))) == pytest.approx(1 - 0.5**0.5, abs=1e-6)
    assert float(nearest_loss(spread((0.0, -0.1)), (axes, mean))) == pytest.approx(0, abs=1e-6)


def test_a_patch_knows_its_arrangement() -> None:
    """Stripes across are far from stripes down, though every single position has its equal."""
    down = torch.tensor([1.0, -1.0]).repeat(6).view(1, 1, 1, 12).expand(1, 1, 12, 12).contiguous()
    target = style_patches(down, 0)
    assert float(nearest_loss(down, target)) == pytest.approx(0, abs=1e-6)
    assert float(nearest_loss(down.transpose(2, 3), target)) > 0.5


def test_many_positions_are_drawn_by_the_seed() -> None:
    style = torch.randn(1, 3, 80, 80)
    vectors, _ = style_patches(style, 5)
    assert vectors.shape == (STYLE_PATCHES, 27)
    assert torch.equal(vectors, style_patches(style, 5)[0])
    assert not torch.equal(vectors, style_patches(style, 6)[0])

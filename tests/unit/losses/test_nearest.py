"""The nearest-neighbour loss on vectors whose match is known."""

import pytest
import torch

from impasto.losses.nearest import STYLE_VECTORS, nearest_loss, style_vectors


def test_each_vector_is_pulled_to_the_nearest_by_angle() -> None:
    style = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]).T.reshape(1, 2, 2, 2)
    F = torch.tensor([[5.0, 5.0], [0.0, -0.1]]).T.reshape(1, 2, 1, 2)
    expected = ((1 - 0.5**0.5) + 0) / 2  # 45 degrees from the nearest, and on it
    assert float(nearest_loss(F, style_vectors(style, 0))) == pytest.approx(expected, abs=1e-6)


def test_many_positions_are_drawn_by_the_seed() -> None:
    style = torch.randn(1, 3, 80, 80)
    vectors, _ = style_vectors(style, 5)
    assert vectors.shape == (STYLE_VECTORS, 3)
    assert torch.equal(vectors, style_vectors(style, 5)[0])
    assert not torch.equal(vectors, style_vectors(style, 6)[0])

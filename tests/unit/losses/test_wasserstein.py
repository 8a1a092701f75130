"""The W2 distance where it is known in closed form."""

import pytest
import torch
from torch import Tensor

from impasto.losses.moments import raw_moments
from impasto.losses.wasserstein import blend_raw_moments, wasserstein_distance


def draws(deviations: list[float], means: list[float], seed: int = 0) -> Tensor:
    """Features (1, C, 40, 40), white except for the given moments, exactly."""
    noise = torch.randn(len(means), 1600, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    noise = noise - noise.mean(1, keepdim=True)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(noise @ noise.T / 1600), noise, upper=False)
    scaled = white * torch.tensor(deviations).unsqueeze(1) + torch.tensor(means).unsqueeze(1)
    return scaled.reshape(1, len(means), 40, 40)


def test_independent_channels_have_a_closed_form() -> None:
    """W2^2 of axis-aligned normals: squared differences of means and of standard deviations."""
    F, S = draws([1.0, 2.0], [0.0, 1.0]), draws([3.0, 0.5], [1.0, -1.0], seed=1)
    expected = ((0 - 1) ** 2 + (1 + 1) ** 2 + (1 - 3) ** 2 + (2 - 0.5) ** 2) / 2
    assert float(wasserstein_distance(raw_moments(F), raw_moments(S))) == pytest.approx(expected, rel=1e-3)


def test_blend_is_the_mixtures_moments() -> None:
    a, b = draws([1.0, 2.0], [0.0, 1.0]), draws([3.0, 0.5], [1.0, -1.0], seed=1)
    both = raw_moments(torch.cat([a, a, a, b], dim=3))
    blended = blend_raw_moments([raw_moments(a), raw_moments(b)], [0.75, 0.25])
    torch.testing.assert_close(blended, both)

"""The histogram loss on features whose numbers are known."""

import pytest
import torch

from impasto.losses.histogram import histogram_distance, resample_ranks, sorted_channels


def test_loss_is_the_mean_square_between_equal_ranks() -> None:
    F = torch.tensor([[[[3.0, 1.0, 2.0]]]])
    target = sorted_channels(torch.tensor([[[[10.0, 30.0, 20.0]]]]))
    assert float(histogram_distance(sorted_channels(F), target)) == pytest.approx((9**2 + 18**2 + 27**2) / 3)


def test_gradient_pulls_each_value_to_the_one_of_its_rank() -> None:
    """Risser et al.: R(O) is a constant in the gradient, which is then O - R(O)."""
    F = torch.tensor([[[[3.0, 1.0, 2.0]]]], requires_grad=True)
    histogram_distance(sorted_channels(F), torch.tensor([[[10.0, 20.0, 30.0]]])).backward()
    assert F.grad is not None
    assert F.grad.flatten().tolist() == pytest.approx([2 / 3 * (3 - 30), 2 / 3 * (1 - 10), 2 / 3 * (2 - 20)])


def test_ranks_are_resampled_to_the_same_distribution() -> None:
    ordered = torch.linspace(0, 1, 1001).view(1, 1, -1)
    fewer = resample_ranks(ordered, 10)
    torch.testing.assert_close(fewer.flatten(), torch.linspace(0.05, 0.95, 10), atol=1e-3, rtol=0)

"""Moments and covariance on features whose numbers are known."""

import pytest
import torch

from impasto.losses.moments import (
    channel_moments,
    covariance_distance,
    covariance_matrix,
    moments_distance,
    raw_moments,
)

F = torch.tensor([[[[1.0, 3.0]], [[2.0, 2.0]]]], dtype=torch.float64)  # two channels on two positions


def test_moments_are_mean_and_mean_square() -> None:
    mean, square = channel_moments(F)
    assert mean.tolist() == [[2.0, 2.0]]
    assert square.tolist() == [[5.0, 4.0]]


def test_distance_adds_means_and_standard_deviations_over_channels() -> None:
    nothing = (torch.zeros(1, 2), torch.zeros(1, 2))
    assert float(moments_distance(channel_moments(F), nothing)) == pytest.approx((4 + 4 + 1 + 0) / 2)


def test_covariance_is_the_gram_matrix_without_the_means() -> None:
    assert covariance_matrix(raw_moments(F))[0].tolist() == [[1.0, 0.0], [0.0, 0.0]]
    flat = raw_moments(torch.ones_like(F))
    assert float(covariance_distance(raw_moments(F), flat)) == pytest.approx(1 / 16)
    torch.testing.assert_close(covariance_matrix(raw_moments(F + 7)), covariance_matrix(raw_moments(F)))


def test_the_gradient_of_the_mean_takes_no_memory() -> None:
    """One number a channel: a map of the features' size in another layout took 5 % of an evaluation to add."""
    features = torch.rand(1, 2, 4, 3).contiguous(memory_format=torch.channels_last).requires_grad_()
    (gradient,) = torch.autograd.grad(raw_moments(features)[0].sum(), features)
    assert gradient.stride()[2:] == (0, 0)

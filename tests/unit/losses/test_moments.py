"""Moments and covariance on features whose numbers are known."""

import pytest
import torch

from impasto.losses.moments import channel_moments, covariance_loss, covariance_matrix, moments_loss

F = torch.tensor([[[[1.0, 3.0]], [[2.0, 2.0]]]], dtype=torch.float64)  # two channels on two positions


def test_moments_are_mean_and_standard_deviation() -> None:
    mean, deviation = channel_moments(F)
    assert mean.tolist() == [[2.0, 2.0]]
    assert deviation[0].tolist() == [1.0, pytest.approx(0, abs=1e-70)]


def test_loss_adds_both_over_channels() -> None:
    assert float(moments_loss(F, (torch.zeros(1, 2), torch.zeros(1, 2)))) == pytest.approx((4 + 4 + 1 + 0) / 2)


def test_covariance_is_the_gram_matrix_without_the_means() -> None:
    assert covariance_matrix(F)[0].tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert float(covariance_loss(F, torch.zeros(1, 2, 2))) == pytest.approx(1 / 16)
    torch.testing.assert_close(covariance_matrix(F + 7), covariance_matrix(F))

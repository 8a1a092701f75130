"""The statistics "moments" and "covariance": mean and deviation of each channel, and the centered Gram matrix."""

import torch
from torch import Tensor

from impasto.losses.gram import gram_matrix

LEAST_SPREAD = 1e-3
"""Least share of the squared second raw moment that normalizes "covariance"; paintings have 1e-2 and more."""

Moments = tuple[Tensor, Tensor]
RawMoments = tuple[Tensor, Tensor]


def channel_moments(features: Tensor) -> Moments:
    """Return the mean and the mean square of each channel over positions.

    features: (B, C, H, W). Returns two tensors (B, C).
    """
    return features.mean(dim=(2, 3)), features.square().mean(dim=(2, 3))


def moments_distance(moments: Moments, target: Moments) -> Tensor:
    """Return the mean over channels of (mu - mu_style)^2 + (sigma - sigma_style)^2, summed over the batch.

    moments, target: from `channel_moments`; sigma^2 is the mean square less mu^2. Returns a scalar.
    Li et al. 2017, "Demystifying Neural Style Transfer" (arXiv 1701.01036), and Huang and Belongie 2017
    (arXiv 1703.06868), eq. 13, with squared instead of plain norms.
    """
    squares = (moments[0] - target[0]).square() + (_deviation(moments) - _deviation(target)).square()
    return squares.sum() / squares.shape[1]


def raw_moments(features: Tensor) -> RawMoments:
    """Return the mean, (B, C), and the second raw moment, (B, C, C), over positions.

    features: (B, C, H, W).
    """
    # Not mean(), whose gradient is a tensor of the features' size in another layout: 5 % of an evaluation.
    H, W = features.shape[-2:]
    return features.sum(dim=(2, 3)) / (H * W), gram_matrix(features)


def covariance_matrix(moments: RawMoments) -> Tensor:
    """Return the covariance of the channels over positions: the Gram matrix of the centered features, divided by M.

    moments: from `raw_moments`. Returns (B, C, C).
    """
    mean, second = moments
    return second - mean.unsqueeze(2) * mean.unsqueeze(1)


def covariance_distance(moments: RawMoments, target: RawMoments) -> Tensor:
    """Return the squared difference of the covariances, 1 / (4 N^2) sum (C - C_style)^2, summed over the batch.

    moments, target: from `raw_moments`. Returns a scalar.
    Gatys et al. 2015, eq. 4, on centered features: what a Gram matrix holds beyond the means.
    """
    squares = (covariance_matrix(moments) - covariance_matrix(target)).square()
    return squares.sum() / (4 * squares.shape[1] ** 2)


def least_covariance_loss(target: RawMoments) -> float:
    """Return the least loss of a silent image by which "covariance" is normalized: a share of that of the raw moments.

    target: from `raw_moments`. One position, or one color, has no covariance to be relative to.
    """
    second = target[1]
    return LEAST_SPREAD * float(second.square().sum()) / (4 * second.shape[1] ** 2)


def _deviation(moments: Moments) -> Tensor:
    mean, square = moments
    variance = square - mean.square()
    # The root of exactly 0, a silent channel, has no derivative; rounding leaves a silent channel a little above 0.
    floor = torch.finfo(variance.dtype).eps * square.detach() + torch.finfo(variance.dtype).tiny ** 0.5
    return torch.maximum(variance, floor).sqrt()

"""Mean and standard deviation of each channel, and the centred Gram matrix."""

import torch
from torch import Tensor

from impasto.losses.gram import gram_matrix

Moments = tuple[Tensor, Tensor]


def channel_moments(features: Tensor) -> Moments:
    """Mean and standard deviation of each channel over positions.

    features: (B, C, H, W). Returns two tensors (B, C).
    """
    mean = features.mean(dim=(2, 3))
    variance = (features - mean[:, :, None, None]).square().mean(dim=(2, 3))
    # The root of exactly 0, a silent channel, has no derivative.
    return mean, variance.clamp_min(torch.finfo(variance.dtype).tiny ** 0.5).sqrt()


def moments_loss(features: Tensor, target: Moments) -> Tensor:
    """Mean over channels of (mu - mu_style)^2 + (sigma - sigma_style)^2, summed over the batch.

    features: (B, C, H, W). target: from `channel_moments`. Returns a scalar.
    Li et al. 2017, "Demystifying Neural Style Transfer" (arXiv 1701.01036), and Huang and Belongie 2017
    (arXiv 1703.06868), eq. 13, with squared instead of plain norms.
    """
    mean, deviation = channel_moments(features)
    return ((mean - target[0]).square() + (deviation - target[1]).square()).sum() / features.shape[1]


def covariance_matrix(features: Tensor) -> Tensor:
    """Covariance of the channels over positions: the Gram matrix of the centred features.

    features: (B, C, H, W). Returns (B, C, C).
    """
    return gram_matrix(features - features.mean(dim=(2, 3), keepdim=True))


def covariance_loss(features: Tensor, target: Tensor) -> Tensor:
    """Squared distance of the covariances, 1 / (4 N^2) sum (C - C_style)^2, summed over the batch.

    features: (B, C, H, W). target: from `covariance_matrix`. Returns a scalar.
    Gatys et al. 2015, eq. 4, on centred features: what the Gram matrix tells beyond the means.
    """
    return (covariance_matrix(features) - target).square().sum() / (4 * features.shape[1] ** 2)

"""The statistic "wasserstein": the Wasserstein-2 distance of two normal distributions fitted to the features."""

import torch
from torch import Tensor

from impasto.losses.moments import RawMoments, covariance_matrix

REGULARIZATION = 1e-6
"""Fraction of the mean variance added to both covariances' diagonals, so that their roots have derivatives."""


def blend_raw_moments(targets: list[RawMoments], shares: list[float]) -> RawMoments:
    """Return the raw moments of a mixture of styles with these shares."""
    means = torch.stack([share * mean for share, (mean, _) in zip(shares, targets, strict=True)]).sum(0)
    seconds = torch.stack([share * second for share, (_, second) in zip(shares, targets, strict=True)]).sum(0)
    return means, seconds


def wasserstein_distance(moments: RawMoments, target: RawMoments) -> Tensor:
    """Return W2^2 / N = (|mu - mu_s|^2 + tr(S + S_s - 2 (S_s^1/2 S S_s^1/2)^1/2)) / N, summed over the batch.

    moments, target: from `raw_moments`; N channels. Returns a scalar.
    Dowson and Landau 1982, eq. 4; used for style by style-transfer-pytorch. The trace of the root is the sum
    of the roots of eigenvalues, whose derivative exists even where eigenvalues coincide.
    Differs: 1e-6 of the mean variance is added to both diagonals.
    """
    covariance, target_covariance = _regularize(covariance_matrix(moments)), _regularize(covariance_matrix(target))
    # B may be 1 for the target only.
    values, vectors = torch.linalg.eigh(target_covariance)
    root = (vectors * values.clamp_min(0).sqrt().unsqueeze(1)) @ vectors.transpose(1, 2)
    inner = root @ covariance @ root
    floor = torch.finfo(inner.dtype).tiny ** 0.5
    eigenvalues = torch.linalg.eigvalsh((inner + inner.transpose(1, 2)) / 2).clamp_min(floor)
    traces: Tensor = _trace(covariance) + _trace(target_covariance) - 2 * eigenvalues.sqrt().sum(1)
    distances: Tensor = (moments[0] - target[0]).square().sum(1) + traces
    return distances.sum() / covariance.shape[1]


def _regularize(covariance: Tensor) -> Tensor:
    variance: Tensor = _trace(covariance.detach()).clamp_min(0) / covariance.shape[1]
    identity = torch.eye(covariance.shape[1], dtype=covariance.dtype, device=covariance.device)
    floor: float = torch.finfo(variance.dtype).tiny ** 0.5
    regularized: Tensor = covariance + (REGULARIZATION * variance + floor)[:, None, None] * identity
    return regularized


def _trace(matrices: Tensor) -> Tensor:
    traces: Tensor = torch.einsum("bcc->b", matrices)
    return traces

"""Statistics of one region: each position has a weight, and positions of weight 0 are left out.

weights: (1, 1, H, W), at least 0, summing to 1 over the positions of a layer, from `carry_guide`; for a tile, its part
of them. With equal weights each function returns what its namesake without `guided_` returns.
"""

import torch
from torch import Tensor

from impasto.losses.gram import row_products
from impasto.losses.moments import Moments, RawMoments

Ranks = tuple[Tensor, Tensor, Tensor]
"""Each channel's values in ascending order, their ranks between 0 and 1, and their weights; each (B, C, K)."""


def select_positions(features: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return the positions of a weight above 0: features (B, C, H, W) as (B, C, K), and their weights (K,)."""
    shares = weights.flatten().to(features)
    places = shares.nonzero().flatten()
    return features.flatten(2).index_select(2, places), shares[places]


def guided_gram_matrix(features: Tensor, weights: Tensor) -> Tensor:
    """Return the `gram_matrix` of a region, (B, C, C): the sum over positions of w F F^T.

    Gatys et al. 2017 (arXiv 1611.07865), eq. 3 and 4: the Gram matrix of T F, where T^2 = w.
    """
    rows, shares = select_positions(features, weights)
    guided = rows * shares.sqrt()
    return row_products(guided)


def guided_moments(features: Tensor, weights: Tensor) -> Moments:
    """Return the `channel_moments` of a region: two tensors (B, C)."""
    rows, shares = select_positions(features, weights)
    return rows @ shares, rows.square() @ shares


def guided_raw_moments(features: Tensor, weights: Tensor) -> RawMoments:
    """Return the `raw_moments` of a region: (B, C) and (B, C, C)."""
    rows, shares = select_positions(features, weights)
    guided = rows * shares.sqrt()
    return rows @ shares, row_products(guided)


def guided_ranks(features: Tensor, weights: Tensor) -> Ranks:
    """Return the `sorted_channels` of a region, as a weighted histogram.

    The rank of a value is the weight of all below it plus half its own: (i + 1/2) / M where the weights are equal.
    """
    rows, shares = select_positions(features, weights)
    ordered = rows.sort(dim=2)
    own = shares[ordered.indices]
    return ordered.values, own.cumsum(2) - own / 2, own


def ranks_distance(ranks: Ranks, target: Ranks) -> Tensor:
    """Return the `histogram_distance` of regions: the mean over channels of sum w (O - R(O))^2, summed over the batch.

    R(O) is the target's value at the same rank, linearly interpolated between two of its values.
    """
    values, at, weights = ranks
    known, places, _ = (part.contiguous() for part in target)
    above = torch.searchsorted(places, at.contiguous()).clamp_max(places.shape[2] - 1)
    below = (above - 1).clamp_min(0)
    low, high = places.gather(2, below), places.gather(2, above)
    share = ((at - low) / (high - low).clamp_min(torch.finfo(at.dtype).tiny)).clamp(0, 1)
    remapped = torch.lerp(known.gather(2, below), known.gather(2, above), share)
    return (weights * (values - remapped).square()).sum() / values.shape[1]

"""Distances of sorted values: each channel's histogram, and those of random directions (sliced Wasserstein)."""

import torch
from torch import Tensor
from torch.nn import functional


def sorted_channels(features: Tensor) -> Tensor:
    """Each channel's values in ascending order: its exact histogram.

    features: (B, C, H, W). Returns (B, C, H*W).
    """
    return features.flatten(2).sort(dim=2).values


def histogram_distance(ordered: Tensor, target: Tensor) -> Tensor:
    """Mean squared distance of each value from the one of the same rank in the style, summed over the batch.

    ordered, target: from `sorted_channels`, (B, C, any number of positions). Returns a scalar.
    Risser et al. 2017 (arXiv 1701.08893), section 4.2: sum (O - R(O))^2, where R remaps O to the style's histogram
    and is held constant. Differs: exact by sorting instead of 256 bins; divided by channels and positions.
    """
    return (ordered - resample_ranks(target, ordered.shape[2])).square().sum() / ordered[0].numel()


def resample_ranks(ordered: Tensor, count: int) -> Tensor:
    """The same distribution on another number of ranks: (B, C, M) becomes (B, C, count), by linear interpolation."""
    if ordered.shape[2] == count:
        return ordered
    # Without interpolate's half-pixel rule at the ends: rank (i + 1/2) / count of one is that of the other.
    return functional.interpolate(ordered, size=count, mode="linear", align_corners=False)


def random_directions(channels: int, seed: int) -> Tensor:
    """As many unit vectors as channels, uniform on the sphere: (channels, channels), a row a direction."""
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(channels, channels, generator=generator), dim=1)


def project(features: Tensor, directions: Tensor) -> Tensor:
    """Features along directions: (B, C, H, W) and (K, C) give (B, K, H, W)."""
    return torch.einsum("kc,bchw->bkhw", directions.to(features), features)


def sorted_projections(features: Tensor, seed: int) -> Tensor:
    """Values along random directions, in ascending order: what `histogram_distance` compares for "sliced".

    features: (B, C, H, W). Returns (B, C, H*W): as many directions as channels, drawn from the seed.
    Heitz et al. 2021 (arXiv 2006.07229), eq. 2 and 3, with as many directions as channels, as there.
    Differs: the directions are drawn once from the recipe's seed, not anew each step, since L-BFGS needs one objective.
    """
    return sorted_channels(project(features, random_directions(features.shape[1], seed)))

"""The statistic "sliced": the sliced Wasserstein distance, histograms along random directions."""

import torch
from torch import Tensor
from torch.nn import functional

from impasto.losses.histogram import sorted_channels


def random_directions(channels: int, seed: int) -> Tensor:
    """Draw as many unit vectors as channels, uniform on the sphere: (channels, channels), one a row."""
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(channels, channels, generator=generator), dim=1)


def project(features: Tensor, directions: Tensor) -> Tensor:
    """Project features, (B, C, H, W), onto directions, (K, C). Returns (B, K, H, W)."""
    return torch.einsum("kc,bchw->bkhw", directions.to(features), features)


def sorted_projections(features: Tensor, directions: Tensor) -> Tensor:
    """Return the values along random directions in ascending order, which `histogram_distance` compares.

    features: (B, C, H, W). directions: from `random_directions`. Returns (B, C, H*W).
    Heitz et al. 2021 (arXiv 2006.07229), eq. 2 and 3, with as many directions as channels, as there.
    Differs: the directions are drawn once from the recipe's seed, not anew each step, since L-BFGS needs one objective.
    """
    return sorted_channels(project(features, directions))

"""The statistic "histogram": each channel's distribution of values, exact by sorting."""

from torch import Tensor
from torch.nn import functional


def sorted_channels(features: Tensor) -> Tensor:
    """Return each channel's values in ascending order: its exact histogram.

    features: (B, C, H, W). Returns (B, C, H*W).
    """
    return features.flatten(2).sort(dim=2).values


def histogram_distance(ordered: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared difference of values of the same rank in pastiche and style, summed over the batch.

    ordered, target: from `sorted_channels`, (B, C, any number of positions). Returns a scalar.
    Risser et al. 2017 (arXiv 1701.08893), section 4.2: sum (O - R(O))^2, where R remaps O to the style's histogram
    and is held constant. Differs: exact by sorting instead of 256 bins; divided by channels and positions.
    """
    return (ordered - resample_ranks(target, ordered.shape[2])).square().sum() / ordered[0].numel()


def resample_ranks(ordered: Tensor, count: int) -> Tensor:
    """Resample sorted values, (B, C, M), to another number of ranks, (B, C, count), by linear interpolation."""
    if ordered.shape[2] == count:
        return ordered
    # Half-pixel centers (align_corners=False): rank (i + 1/2) / count of one is that of the other.
    return functional.interpolate(ordered, size=count, mode="linear", align_corners=False)

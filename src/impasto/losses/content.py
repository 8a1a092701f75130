"""Content loss: the distance of two pictures' responses in one layer."""

from typing import Literal

from torch import Tensor


def content_loss(
    features: Tensor, target_features: Tensor, normalization: Literal["sum", "mean"] = "sum"
) -> Tensor:
    """Squared distance of the pastiche's responses from the content image's, summed over the batch.

    features, target_features: F and P, (B, C, H, W), after the ReLU. Returns a scalar.
    Gatys et al. 2015 (arXiv 1508.06576), eq. 1: L = 1/2 sum (F - P)^2, whose gradient is eq. 2.
    Differs with "mean": the mean of (F - P)^2 over channels and positions, so that size does not change it.
    """
    squares = (features - target_features).square().sum()
    return squares / 2 if normalization == "sum" else squares / features[0].numel()

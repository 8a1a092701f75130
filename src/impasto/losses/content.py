"""Content loss: the squared difference of two pictures' feature maps in one layer (eq. 1 and 2)."""

from typing import Literal

from torch import Tensor


def content_loss(
    features: Tensor,
    target_features: Tensor,
    normalization: Literal["sum", "positions", "mean"] = "sum",
    weights: Tensor | None = None,
) -> Tensor:
    """Return the squared difference of the pastiche's features and the content image's, summed over the batch.

    features, target_features: F and P, (B, C, H, W), after the ReLU. weights: (1, 1, H, W), of each position; 1 if left
    out. Returns a scalar.
    Gatys et al. 2015 (arXiv 1508.06576), eq. 1: L = 1/2 sum (F - P)^2. Eq. 2, its gradient F - P, is left to autograd.
    Differs with "positions": eq. 1 divided by the number of positions M, as eq. 4 divides the style by M^2; the paper's
    ratios alpha/beta give its figures this way only (docs/experiments.md). With "mean": the mean of (F - P)^2 over
    channels and positions.
    """
    difference = (features - target_features).square()
    squares = (difference if weights is None else difference * weights).sum()
    positions = features.shape[2] * features.shape[3]
    return squares / {"sum": 2, "positions": 2 * positions, "mean": features.shape[1] * positions}[normalization]

"""Total variation: the sum of the differences of neighboring pixels, which smooths a picture."""

from typing import Literal

from torch import Tensor


def tv_loss(image: Tensor, normalization: Literal["sum", "mean"] = "mean") -> Tensor:
    """Return the absolute differences of vertical and of horizontal neighbors, added, summed over the batch.

    image: (B, 3, H, W) in [0, 1], sRGB. Returns a scalar; 0 for a flat image.
    Not in Gatys et al. 2015. "sum": sum |dx| + sum |dy|, as neural-style, whose pixels go to 255.
    "mean": mean |dx| + mean |dy|, so that size does not change it.
    """
    down = (image[:, :, 1:, :] - image[:, :, :-1, :]).abs()
    across = (image[:, :, :, 1:] - image[:, :, :, :-1]).abs()
    if normalization == "sum":
        return down.sum() + across.sum()
    return down.sum() / max(down[0].numel(), 1) + across.sum() / max(across[0].numel(), 1)

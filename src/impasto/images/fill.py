"""Fill transparent pixels smoothly from the visible ones around them."""

import torch
from torch import Tensor
from torch.nn import functional


def fill_transparent(image: Tensor, alpha: Tensor) -> Tensor:
    """Return the image, opaque: each pixel mixed, by its alpha, with a smooth continuation of visible ones.

    image: (1, 3, H, W) in [0, 1]. alpha: (1, 1, H, W) in [0, 1]; 1 where the image is visible. Returns (1, 3, H, W).
    Where alpha is 1 the image stays exact; where alpha is 0 everywhere it is returned as it is.

    Gortler et al. 1996, "The Lumigraph", section 3.4: pull to ever coarser levels, push back into the gaps.
    Differs: bilinear weights on the way back.
    """
    if bool((alpha == 1).all()) or bool((alpha == 0).all()):
        return image
    return torch.where(alpha == 1, image, _pull_push(image * alpha, alpha)).clamp_(0, 1)


def _pull_push(weighed: Tensor, weight: Tensor) -> Tensor:
    """Fill the gaps of colors. weighed: (1, 3, H, W), colors times weight; weight: (1, 1, H, W), not 0 everywhere."""
    height, width = weight.shape[-2:]
    if max(height, width) == 1:
        return weighed / weight
    coarse = functional.avg_pool2d(weighed, 2, ceil_mode=True, count_include_pad=False)
    visible = functional.avg_pool2d(weight, 2, ceil_mode=True, count_include_pad=False)
    # A quarter of a block that is visible is enough to know its color: the weight is raised, the color stays.
    raised = (visible * 4).clamp(max=1)
    filled = _pull_push(coarse / visible.clamp(min=1e-12) * raised, raised)
    behind = functional.interpolate(filled, size=(height, width), mode="bilinear", align_corners=False)
    return behind.mul_(1 - weight).add_(weighed)  # in place: each copy of a large photograph counts

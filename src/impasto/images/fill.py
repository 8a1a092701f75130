"""What is behind transparent pixels: a smooth continuation of what is seen around them."""

import torch
from torch import Tensor
from torch.nn import functional


def fill_transparent(image: Tensor, alpha: Tensor) -> Tensor:
    """The image, opaque: each pixel mixed, by its alpha, with what the seen pixels around it continue to.

    image: (1, 3, H, W) in [0, 1]. alpha: (1, 1, H, W) in [0, 1]; 1 where the image is seen. Returns (1, 3, H, W).
    Where alpha is 1 the image stays exact; where alpha is 0 everywhere it is given back.

    Gortler et al. 1996, "The Lumigraph", section 3.4: pull to ever coarser levels, push back into the gaps.
    Differs: bilinear weights on the way back.
    """
    if bool((alpha == 1).all()) or bool((alpha == 0).all()):
        return image
    return torch.where(alpha == 1, image, _pull_push(image * alpha, alpha)).clamp(0, 1)


def _pull_push(weighed: Tensor, weight: Tensor) -> Tensor:
    """Colors without gaps. weighed: (1, 3, H, W), colors times weight; weight: (1, 1, H, W), somewhere above 0."""
    height, width = weight.shape[-2:]
    if max(height, width) == 1:
        return weighed / weight
    coarse = functional.avg_pool2d(weighed, 2, ceil_mode=True, count_include_pad=False)
    seen = functional.avg_pool2d(weight, 2, ceil_mode=True, count_include_pad=False)
    # A quarter of a block that is seen is enough to know its color: the weight is raised, the color stays.
    raised = (seen * 4).clamp(max=1)
    filled = _pull_push(coarse / seen.clamp(min=1e-12) * raised, raised)
    behind = functional.interpolate(filled, size=(height, width), mode="bilinear", align_corners=False)
    return weighed + (1 - weight) * behind

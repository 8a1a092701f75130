"""Each feature vector pulled to the style vector that is most like it."""

import torch
from torch import Tensor
from torch.nn import functional

STYLE_VECTORS = 4096
"""Style vectors kept a layer, drawn at random from all positions where there are more."""

_CHUNK = 8192


def style_vectors(features: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Unit vectors of the style's positions, centred, and their mean.

    features: (1, C, H, W). Returns (K, C), K at most STYLE_VECTORS, and (1, C, 1, 1).
    """
    mean = features.mean(dim=(2, 3), keepdim=True)
    rows = (features - mean)[0].flatten(1).T  # (M, C)
    if len(rows) > STYLE_VECTORS:
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
        rows = rows[order[:STYLE_VECTORS].to(rows.device)]
    return functional.normalize(rows, dim=1), mean


def nearest_loss(features: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
    """Mean over positions of 1 - cosine to the nearest style vector, summed over the batch.

    features: (B, C, H, W). target: from `style_vectors`. Returns a scalar between 0 and 2.
    Kolkin et al. 2022 (arXiv 2203.13215), section 3.2, and in spirit Li and Wand 2016 (arXiv 1601.04589), eq. 2 and 3,
    on 1x1 patches. The match is found anew at every evaluation and held constant in the gradient.
    Differs: one layer at a time instead of hypercolumns; both sides are centred by the style's mean.
    """
    vectors, mean = target
    rows = functional.normalize((features - mean).flatten(2).transpose(1, 2), dim=2)  # (B, M, C)
    with torch.no_grad():
        flat = rows.detach().flatten(0, 1)
        match = torch.cat([(part @ vectors.T).argmax(1) for part in torch.split(flat, _CHUNK)])
    cosine = (rows.flatten(0, 1) * vectors[match]).sum(1)
    return (1 - cosine).sum() / rows.shape[1]

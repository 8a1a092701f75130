"""Each patch of features pulled to the style patch that is most like it."""

import torch
from torch import Tensor
from torch.nn import functional

STYLE_PATCHES = 4096
"""Style patches kept a layer, drawn at random from all positions where there are more."""

SIDE = 3
"""Positions on each side of a patch. Single positions are content with flat color: the strokes are lost."""

_CHUNK = 8192


def style_patches(features: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Unit vectors of the style's patches, centred, and the style's mean.

    features: (1, C, H, W). Returns (K, 9 C), K at most STYLE_PATCHES, and (1, C, 1, 1).
    """
    mean = features.mean(dim=(2, 3), keepdim=True)
    rows = _patches(features - mean, stride=1)[0]
    if len(rows) > STYLE_PATCHES:
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
        rows = rows[order[:STYLE_PATCHES].to(rows.device)]
    return functional.normalize(rows, dim=1), mean


def nearest_loss(features: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
    """Mean over patches of 1 - cosine to the nearest style patch, summed over the batch.

    features: (B, C, H, W). target: from `style_patches`. Returns a scalar between 0 and 2.
    Li and Wand 2016 (arXiv 1601.04589), eq. 2 and 3: 3x3 patches of one layer, each matched by normalised
    correlation. Differs: the distance is Kolkin et al.'s (2022, arXiv 2203.13215) 1 - cosine, centred by the style's
    mean; patches overlap by one position. The match is found anew at every evaluation, and held constant in the
    gradient.
    """
    vectors, mean = target
    rows = functional.normalize(_patches(features - mean, stride=2), dim=2)  # (B, L, 9 C)
    flat = rows.flatten(0, 1)
    with torch.no_grad():
        match = torch.cat([(part @ vectors.T).argmax(1) for part in torch.split(flat.detach(), _CHUNK)])
    cosine = (flat * vectors[match]).sum(1)
    return (1 - cosine).sum() / rows.shape[1]


def _patches(features: Tensor, stride: int) -> Tensor:
    """All SIDE x SIDE patches as rows: (B, L, 9 C); pictures smaller than a patch are widened by their border."""
    H, W = features.shape[-2:]
    down, across = max(0, SIDE - H), max(0, SIDE - W)
    if down or across:
        features = functional.pad(features, (0, across, 0, down), mode="replicate")
    return functional.unfold(features, SIDE, stride=stride).transpose(1, 2)

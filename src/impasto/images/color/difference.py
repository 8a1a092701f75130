"""Perceptual differences of two pictures: structure of the luma, colors by place, colors as a palette."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from impasto.images.color.lab import ciede2000, to_lab

WINDOW, WINDOW_SIGMA = 11, 1.5
DIRECTIONS = 32
RANKS = 4096
LEVELS = 32
COLORS = 4096
"""Most colors that a picture's palette keeps, the most frequent ones."""

CANDIDATES = 64
"""Colors among which the nearest by CIEDE2000 is searched: the nearest in CIELAB, where a search is fast."""


def ssim_metric(image: Tensor, other: Tensor) -> float:
    """Return the structural similarity of the lumas, the mean over all whole windows: 1 for equal pictures.

    image, other: (1, 3, H, W) of one size, at least 11 pixels a side, in [0, 1], sRGB.
    Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity", eq. 13, with its
    11x11 Gaussian window of sigma 1.5, K1 = 0.01 and K2 = 0.03. Luma is that of BT.601, 0.299 R + 0.587 G + 0.114 B of
    the gamma-coded values. Differs from the authors' code: not shrunk to 256 pixels first.
    """
    x, y = _luma(image), _luma(other)
    mean_x, mean_y, xx, yy, xy = (_blur(plane) for plane in (x, y, x * x, y * y, x * y))
    variance_x, variance_y, covariance = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    similar = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    whole = (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    return float((similar / whole).mean())


def color_metric(image: Tensor, other: Tensor) -> float:
    """Return the mean CIEDE2000 difference of the two pictures' colors, pixel by pixel; 0 for equal pictures.

    image, other: (1, 3, H, W) of one size, in [0, 1], sRGB.
    """
    return float(ciede2000(_colors(image), _colors(other)).mean())


def palette_color_metric(image: Tensor, other: Tensor) -> float:
    """Return the mean CIEDE2000 difference of the picture's colors from the nearest one anywhere in the other.

    image, other: (1, 3, H, W) of any sizes, in [0, 1], sRGB. 0 if every color of the picture is in the other, however
    often (`palette_metric` counts that). Pixels are grouped in cells of 32 levels a channel, each with the mean of its
    pixels; of more than 4096 cells the fullest are kept.
    """
    (colors, counts), (others, _) = _palette(image), _palette(other)
    near = torch.cdist(colors, others).topk(min(CANDIDATES, len(others)), largest=False).indices
    nearest = ciede2000(colors[:, None], others[near]).amin(1)
    return float((nearest * counts).sum() / counts.sum())


def palette_metric(image: Tensor, other: Tensor) -> float:
    """Return the distance of the two pictures' color distributions in CIELAB, in its units, wherever the colors are.

    image, other: (1, 3, H, W) of any sizes, in [0, 1], sRGB.
    Sliced Wasserstein-1 distance (Rabin et al. 2011, "Wasserstein Barycenter and Its Application to Texture Mixing",
    eq. 4, with absolute values instead of squares): the mean over directions of the distance of sorted projections,
    here at 4096 ranks along 32 even directions. Differs: doubled, so that a cloud moved by t units is at distance t.
    """
    directions = _even_directions(DIRECTIONS).to(image)
    ours, theirs = (_quantiles(directions @ _colors(picture).T) for picture in (image, other))
    return 2 * float((ours - theirs).abs().mean())


def _luma(image: Tensor) -> Tensor:
    return 0.299 * image[:, 0:1] + 0.587 * image[:, 1:2] + 0.114 * image[:, 2:3]


def _blur(plane: Tensor) -> Tensor:
    places = torch.arange(WINDOW, dtype=plane.dtype, device=plane.device) - WINDOW // 2
    window = torch.exp(-(places**2) / (2 * WINDOW_SIGMA**2))
    window = window / window.sum()
    return functional.conv2d(functional.conv2d(plane, window.view(1, 1, 1, -1)), window.view(1, 1, -1, 1))


def _colors(image: Tensor) -> Tensor:
    return to_lab(image)[0].flatten(1).T  # (H W, 3)


def _palette(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean colors (K, 3) in CIELAB of the cells that have pixels, and how many each has (K,)."""
    levels = (image[0].flatten(1) * LEVELS).long().clamp_max(LEVELS - 1)
    cells = (levels[0] * LEVELS + levels[1]) * LEVELS + levels[2]
    counts = torch.zeros(LEVELS**3, dtype=image.dtype, device=image.device)
    counts = counts.index_add(0, cells, torch.ones_like(cells, dtype=image.dtype))
    sums = counts.new_zeros(LEVELS**3, 3).index_add(0, cells, _colors(image))
    fullest = counts.sort(descending=True, stable=True).indices[: min(COLORS, int((counts > 0).sum()))]
    return sums[fullest] / counts[fullest, None], counts[fullest]


def _quantiles(values: Tensor) -> Tensor:
    """Return each row's values at RANKS even ranks: (K, M) becomes (K, RANKS)."""
    ranks = (2 * torch.arange(RANKS, device=values.device) + 1) * values.shape[1] // (2 * RANKS)
    return values.sort(dim=1).values[:, ranks]


def _even_directions(count: int) -> Tensor:
    """Return unit vectors spread evenly over a half sphere, along a golden spiral: (count, 3)."""
    index = torch.arange(count) + 0.5
    height, turn = index / count, index * math.pi * (3 - math.sqrt(5))
    radius = (1 - height**2).sqrt()
    return torch.stack([radius * torch.cos(turn), radius * torch.sin(turn), height], dim=1)

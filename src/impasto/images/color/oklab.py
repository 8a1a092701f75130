"""Oklab, in which lightness and chroma are independent: conversion from sRGB, to grey, and back into the gamut."""

import torch
from torch import Tensor

from impasto.images.color.lab import from_linear, to_linear

# B. Ottosson 2020, "A perceptual color space for image processing" (bottosson.github.io/posts/oklab), the matrices of
# 2021: linear sRGB to the responses of the cones, and their cube roots to L, a, b.
_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_OKLAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
HALVINGS = 12
"""Steps of the search for the gamut's border: to 1/4096 of a color's chroma, far below one of 8 bits."""

EDGE = 1e-5
"""Linear light this far beyond [0, 1] still counts as inside: rounding of white, black and the primaries."""


def to_oklab(image: Tensor) -> Tensor:
    """Return the image in Oklab: L from 0, black, to 1, white; a is green to red, b blue to yellow; grey has a = b = 0.

    image: (B, 3, H, W) in [0, 1], sRGB. Returns (B, 3, H, W), same dtype and device.
    Ottosson 2020: (L, a, b) = M2 cbrt(M1 rgb), rgb linear.
    """
    return _apply(_OKLAB, _apply(_CONES, to_linear(image).movedim(1, -1)).clamp_min(0) ** (1 / 3)).movedim(-1, 1)


def from_oklab(colors: Tensor) -> Tensor:
    """Return the sRGB image of Oklab colors; those outside the gamut keep lightness and hue and lose chroma.

    colors: (B, 3, H, W) in Oklab; L is clamped to [0, 1]. Returns (B, 3, H, W) in [0, 1], same dtype and device.
    Inverse of Ottosson 2020. Outside, (L, a, b) becomes (L, t a, t b) with the largest t in [0, 1] that halving finds
    inside: his "keep lightness constant, only compress chroma" (bottosson.github.io/posts/gamutclipping).
    """
    known = colors.movedim(1, -1)
    known = torch.cat([known[..., :1].clamp(0, 1), known[..., 1:]], dim=-1)
    outside = ~_is_inside(_to_linear_rgb(known))
    known[outside] = _reduce_chroma(known[outside])
    return from_linear(_to_linear_rgb(known).clamp(0, 1)).clamp(0, 1).movedim(-1, 1).contiguous()


def to_grey(image: Tensor) -> Tensor:
    """Return the image without chroma, at the same lightness in Oklab.

    image: (B, 3, H, W) in [0, 1], sRGB. Returns (B, 3, H, W) with three equal channels, same dtype and device.
    """
    return grey_of(to_oklab(image)[:, :1])


def grey_of(lightness: Tensor) -> Tensor:
    """Return the grey sRGB image of a lightness in Oklab: linear light is L^3.

    lightness: (B, 1, H, W), clamped to [0, 1]. Returns (B, 3, H, W) with three equal channels.
    """
    return from_linear(lightness.clamp(0, 1) ** 3).clamp(0, 1).repeat(1, 3, 1, 1)


def _reduce_chroma(colors: Tensor) -> Tensor:
    """Return the colors (K, 3) with as much of their chroma as the gamut holds."""
    low = colors.new_zeros(len(colors), 1)
    high = torch.ones_like(low)
    for _ in range(HALVINGS):
        share = (low + high) / 2
        inside = _is_inside(_to_linear_rgb(_scale_chroma(colors, share)))[:, None]
        low, high = torch.where(inside, share, low), torch.where(inside, high, share)
    return _scale_chroma(colors, low)


def _scale_chroma(colors: Tensor, share: Tensor) -> Tensor:
    return torch.cat([colors[:, :1], share * colors[:, 1:]], dim=1)


def _to_linear_rgb(colors: Tensor) -> Tensor:
    """Return the linear sRGB, perhaps beyond [0, 1], of Oklab colors; both (..., 3)."""
    return _apply(_CONES, _apply(_OKLAB, colors, inverse=True) ** 3, inverse=True)


def _is_inside(linear: Tensor) -> Tensor:
    return ((linear >= -EDGE) & (linear <= 1 + EDGE)).all(dim=-1)


def _apply(matrix: tuple[tuple[float, ...], ...], colors: Tensor, *, inverse: bool = False) -> Tensor:
    exact = torch.tensor(matrix, dtype=torch.float64)
    chosen = (torch.linalg.inv(exact) if inverse else exact).to(colors)
    return torch.einsum("kc,...c->...k", chosen, colors)

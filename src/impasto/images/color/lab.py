"""CIELAB, in which distances are about as large as they look, and the CIEDE2000 color difference."""

import math

import torch
from torch import Tensor

# Linear sRGB to CIE XYZ under D65, IEC 61966-2-1. White is what it makes of (1, 1, 1), so that grey has a = b = 0.
_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_FULL_TURN = 2 * math.pi


def to_linear(image: Tensor) -> Tensor:
    """Return values proportional to light, from gamma-coded sRGB in [0, 1], any shape: IEC 61966-2-1."""
    return torch.where(image <= 0.04045, image / 12.92, ((image.clamp_min(0) + 0.055) / 1.055) ** 2.4)


def from_linear(linear: Tensor) -> Tensor:
    """Return gamma-coded sRGB of values proportional to light, any shape; inverse of `to_linear`: IEC 61966-2-1."""
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055)


def to_lab(image: Tensor) -> Tensor:
    """Return the image in CIELAB under D65: L from 0, black, to 100, white; a is green to red, b blue to yellow.

    image: (B, 3, H, W) in [0, 1], sRGB. Returns (B, 3, H, W), same dtype and device.
    CIE 15:2004, section 8.2.1: L = 116 f(Y/Yn) - 16, a = 500 (f(X/Xn) - f(Y/Yn)), b = 200 (f(Y/Yn) - f(Z/Zn)).
    """
    matrix = torch.tensor(_XYZ, dtype=image.dtype, device=image.device)
    matrix = matrix / matrix.sum(1, keepdim=True)
    x, y, z = _lab_root(torch.einsum("kc,bchw->kbhw", matrix, to_linear(image)))
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def ciede2000(first: Tensor, second: Tensor) -> Tensor:
    """Return the CIEDE2000 difference of colors: 0 the same, about 1 just visible side by side.

    first, second: (..., 3) in CIELAB, of shapes that broadcast. Returns (...), same dtype.
    Sharma, Wu and Dalal 2005, "The CIEDE2000 Color-Difference Formula", eq. 2 to 22, with kL = kC = kH = 1.
    Symmetric; no metric in the strict sense, since the triangle inequality does not always hold.
    """
    (L1, a1, b1), (L2, a2, b2) = first.unbind(-1), second.unbind(-1)
    stretch = 1 + 0.5 * (1 - _sevenths((torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2))  # 1 + G, eq. 4
    a1, a2 = a1 * stretch, a2 * stretch
    C1, C2 = torch.hypot(a1, b1), torch.hypot(a2, b2)
    h1, h2 = torch.atan2(b1, a1) % _FULL_TURN, torch.atan2(b2, a2) % _FULL_TURN
    grey = C1 * C2 == 0

    turn = h2 - h1  # eq. 10
    turn = turn - _FULL_TURN * (turn > math.pi) + _FULL_TURN * (turn < -math.pi)
    turn = turn.masked_fill(grey, 0)
    dL, dC, dH = L2 - L1, C2 - C1, 2 * (C1 * C2).sqrt() * torch.sin(turn / 2)

    L, C, h = (L1 + L2) / 2, (C1 + C2) / 2, _mean_hue(h1, h2, grey)
    T = (
        1
        - 0.17 * torch.cos(h - math.radians(30))
        + 0.24 * torch.cos(2 * h)
        + 0.32 * torch.cos(3 * h + math.radians(6))
        - 0.20 * torch.cos(4 * h - math.radians(63))
    )
    SL = 1 + 0.015 * (L - 50) ** 2 / (20 + (L - 50) ** 2).sqrt()
    SC, SH = 1 + 0.045 * C, 1 + 0.015 * C * T
    bend = math.radians(60) * torch.exp(-(((torch.rad2deg(h) - 275) / 25) ** 2))
    RT = -2 * _sevenths(C) * torch.sin(bend)
    squares = (dL / SL) ** 2 + (dC / SC) ** 2 + (dH / SH) ** 2 + RT * (dC / SC) * (dH / SH)
    return squares.clamp_min(0).sqrt()


def _lab_root(ratio: Tensor) -> Tensor:
    """Return f of CIELAB: the cube root, continued by its tangent where it would be too steep, below (6/29)^3."""
    edge = 6 / 29
    return torch.where(ratio > edge**3, ratio.clamp_min(edge**3) ** (1 / 3), ratio / (3 * edge**2) + 4 / 29)


def _sevenths(chroma: Tensor) -> Tensor:
    """Return sqrt(C^7 / (C^7 + 25^7)) of eq. 4 and 17, as powers of C/25, which float32 can hold."""
    power = (chroma / 25) ** 7
    return (power / (power + 1)).sqrt()


def _mean_hue(h1: Tensor, h2: Tensor, grey: Tensor) -> Tensor:
    """Eq. 14: halfway along the shorter arc; the other color's hue where one is grey and has none."""
    total = h1 + h2
    wide = ((h1 - h2).abs() > math.pi) & ~grey
    other_way = torch.where(total < _FULL_TURN, _FULL_TURN, -_FULL_TURN)
    return torch.where(grey, total, (total + other_way * wide) / 2)

"""Color transport: a smooth map from a photograph's colors to those of paintings, by entropic optimal transport."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from impasto.images.color.oklab import from_oklab, to_oklab
from impasto.images.resize import fit_long_edge, resize_image, resize_long_edge

LONG_EDGE = 256
"""Pictures are seen at most this large in pixels, so that a map is about the same at any size of them."""

CELL = 0.05
"""Colors are grouped in cubes of this side in Oklab: about the least difference between two paints of a palette."""

CELLS = 512
"""Most cells of a palette, the fullest ones; paintings have 100 to 300."""

CHROMA = 1.5
"""Weight of a and b in distances, beside 1 of L: a red is rather matched to a red than to a grey as light."""

EVENNESS = 0.5
"""Exponent of the cells' shares: with 1, a sky's many pixels would take every paint and leave the subject one."""

SOFTNESS = 0.003
"""Epsilon of the transport, in squared distance: colors closer than its root, 0.05, are moved alike."""

HALVING = 0.7
"""Factor of epsilon from round to round, from 1 down to SOFTNESS."""

ROUNDS = 60
"""Rounds at SOFTNESS; the shares of the paintings' cells are then right to about 1 %."""

LEAST_CONTRAST = 0.6
"""Least slope of lightness after the map over lightness before, over all cells: a subject stays apart from its ground.
"""

NODES = 33
"""Nodes of the table along each axis of the sRGB cube; between them it is linear."""

SMOOTHING = 1.5
"""Standard deviation, in nodes, of the Gaussian that smooths the table: it halves the grain that a plain sky, spread
over many paints, would get."""

PART = 2**20
"""Pixels mapped at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class ColorMap:
    """A map of colors, as a table with a color at each of NODES^3 nodes of the sRGB cube.

    table: (3, R, G, B) float32 in [0, 1], sRGB.
    """

    table: Tensor

    def apply(self, image: Tensor, amount: float = 1.0) -> Tensor:
        """Return the image with its colors moved by `amount` of the way, 0 to 1; the image itself for 0.

        image: (1, 3, H, W) in [0, 1], sRGB, of any size. Returns the same shape, dtype and device, in [0, 1]. A pixel's
        new color depends on its own color alone. Beside the result some 40 MB are used.
        """
        if amount == 0:
            return image
        table = self.table[None].to(image)
        pixels = image[0].flatten(1)
        mapped = torch.empty_like(pixels)
        for part, into in zip(torch.split(pixels, PART, dim=1), torch.split(mapped, PART, dim=1), strict=True):
            # The last axis of the table, blue, is the first coordinate.
            places = (2 * part.flip(0) - 1).T.reshape(1, 1, 1, -1, 3)
            found = functional.grid_sample(table, places, "bilinear", "border", align_corners=True)
            into.copy_(part.lerp(found[0, :, 0, 0], amount).clamp_(0, 1))
        return mapped.view(image.shape)


def fit_color_map(
    content: Tensor,
    styles: Sequence[Tensor],
    shares: Sequence[float],
    content_weight: Tensor | None = None,
    style_weights: Sequence[Tensor | None] = (),
) -> ColorMap:
    """Return the map that gives a photograph the colors of the style images, mixed by their shares.

    content: (1, 3, H, W) in [0, 1], sRGB; styles: such images of any sizes; shares: one each, at least 0, not all 0.
    content_weight, style_weights: how much each pixel counts, (1, 1, H, W) of the picture's size, at least 0 and not 0
    everywhere; None where all count alike. Nothing is random.

    With cells x_i, y_j of colors in Oklab and their shares a_i, b_j, each the root of the pixels' share, the map is
    T(x) = sum_j y_j p_j(x), p_j(x) ~ b_j exp((g_j - |x - y_j|^2) / epsilon), and g makes sum_i a_i p_j(x_i) = b_j:
    Sinkhorn's rounds (Cuturi 2013, "Sinkhorn Distances", arXiv 1306.0895), extended to any x as in Pooladian and
    Niles-Weed 2021 (arXiv 2109.12004), eq. 4. T is the gradient of a convex function: no color passes another, so that
    lightness never folds, and it is smooth, so that nothing bands.
    Differs: lightness is spread linearly about its mean where LEAST_CONTRAST would not be reached; the table is
    smoothed.
    """
    colors, counts = _palette(content, content_weight)
    chosen = [
        (*_palette(style, weight), share)
        for style, weight, share in zip(styles, style_weights or [None] * len(styles), shares, strict=True)
        if share > 0
    ]
    paints, paint_shares = _fullest(
        torch.cat([own for own, _, _ in chosen]), torch.cat([counted * share for _, counted, share in chosen])
    )
    potential = _solve(colors, counts, paints, paint_shares)
    steps = torch.linspace(0, 1, NODES, dtype=torch.float64)
    nodes = torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij")).view(1, 3, -1, 1)
    seen = _to_points(nodes)
    moved = _move(seen, paints, paint_shares, potential)
    before, after = colors[:, 0], _move(colors, paints, paint_shares, potential)[:, 0]
    centred = before - counts @ before
    slope = counts @ (centred * after) / (counts @ centred**2).clamp_min(1e-12)
    missing = (LEAST_CONTRAST - slope).clamp_min(0)
    moved[:, 0] += missing * (seen[:, 0] - counts @ before)
    table = nodes + _smooth((_to_image(moved) - nodes).view(3, NODES, NODES, NODES)).view(nodes.shape)
    return ColorMap(table=table.clamp(0, 1).view(3, NODES, NODES, NODES).float())


def contrast_kept_metric(image: Tensor, recolored: Tensor) -> float:
    """Return how much of the image's contrast of lightness its recolored version has: 1 all, 0 none, below 0 inverted.

    image, recolored: (1, 3, H, W) of one size, in [0, 1], sRGB. The slope of the differences of neighboring pixels'
    lightness in Oklab, at a long edge of 256 px, after over before: sum d d' / sum d^2. 1 for an image in one color.
    """
    first, second = (to_oklab(_seen(picture).double())[:, :1] for picture in (image, recolored))
    steps = [torch.cat([plane.diff(dim=2).flatten(), plane.diff(dim=3).flatten()]) for plane in (first, second)]
    whole = float(steps[0] @ steps[0])
    return float(steps[0] @ steps[1]) / whole if whole > 0 else 1.0


def _seen(image: Tensor) -> Tensor:
    return resize_long_edge(image, LONG_EDGE) if max(image.shape[-2:]) > LONG_EDGE else image


def _to_points(image: Tensor) -> Tensor:
    """Return the pixels of an image, (1, 3, H, W), as points (M, 3) between which distances are measured."""
    return to_oklab(image)[0].flatten(1).T * image.new_tensor([1, CHROMA, CHROMA])


def _to_image(points: Tensor) -> Tensor:
    """Return points (M, 3) as an image (1, 3, M, 1) in sRGB; inverse of `_to_points`."""
    return from_oklab((points / points.new_tensor([1, CHROMA, CHROMA])).T[None, :, :, None])


def _palette(image: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the cells of an image's colors: their mean points (K, 3) and evened shares (K,), float64 on the CPU."""
    image = image.to("cpu", torch.float64)
    height, width = image.shape[-2:]
    weight = image.new_ones(1, 1, height, width) if weight is None else weight.to(image)
    if max(height, width) > LONG_EDGE:
        size = fit_long_edge(height, width, LONG_EDGE)
        image = resize_image(image * weight, size, "bilinear")
        weight = resize_image(weight, size, "bilinear")
        image = (image / weight.clamp_min(1e-9)).clamp(0, 1)
    points, weights = _to_points(image), weight.flatten()
    points, weights = points[weights > 0], weights[weights > 0]
    cells = torch.floor(points / CELL).long()
    _, own, counts = torch.unique(cells, dim=0, return_inverse=True, return_counts=True)
    sums = points.new_zeros(len(counts), 4)
    sums.index_add_(0, own, torch.cat([points * weights[:, None], weights[:, None]], dim=1))
    return _fullest(sums[:, :3] / sums[:, 3:], (sums[:, 3] / sums[:, 3].sum()) ** EVENNESS)


def _fullest(points: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Return the CELLS points of the largest shares, which then sum to 1."""
    kept = shares.sort(descending=True, stable=True).indices[:CELLS]
    return points[kept], shares[kept] / shares[kept].sum()


def _solve(colors: Tensor, counts: Tensor, paints: Tensor, shares: Tensor) -> Tensor:
    """Return the potential g of each paint, (K,)."""
    cost = torch.cdist(colors, paints) ** 2
    f, epsilon, left = torch.zeros_like(counts), 1.0, ROUNDS
    g = torch.zeros_like(shares)
    while left:
        g = -epsilon * torch.logsumexp((f[:, None] - cost) / epsilon + counts.log()[:, None], dim=0)
        f = -epsilon * torch.logsumexp((g - cost) / epsilon + shares.log(), dim=1)
        left -= epsilon == SOFTNESS
        epsilon = max(epsilon * HALVING, SOFTNESS)
    return g


def _move(points: Tensor, paints: Tensor, shares: Tensor, potential: Tensor) -> Tensor:
    """Return T of points (M, 3)."""
    moved = []
    for part in torch.split(points, 4096):
        exponents = (potential - torch.cdist(part, paints) ** 2) / SOFTNESS + shares.log()
        moved.append(torch.softmax(exponents, dim=1) @ paints)
    return torch.cat(moved)


def _smooth(table: Tensor) -> Tensor:
    """Return a table, (3, R, G, B), smoothed along its three axes; at the border its values go on."""
    reach = round(3 * SMOOTHING)
    weights = torch.exp(-(torch.arange(-reach, reach + 1, dtype=table.dtype) ** 2) / (2 * SMOOTHING**2))
    weights = weights / weights.sum()
    for axis in (1, 2, 3):
        first, last = table.narrow(axis, 0, 1), table.narrow(axis, NODES - 1, 1)
        padded = torch.cat([*[first] * reach, table, *[last] * reach], dim=axis)
        table = torch.stack([w * padded.narrow(axis, i, NODES) for i, w in enumerate(weights)]).sum(0)
    return table

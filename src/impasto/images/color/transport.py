"""Color transport: a smooth map from a photograph's colors to those of paintings, by entropic optimal transport."""

from collections.abc import Callable, Sequence
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

CELLS_A_SIDE = 1024
"""More cells than colors, or places, can lie apart along one axis."""

CELLS = 512
"""Most cells of a palette, the fullest ones; paintings have 100 to 300."""

CHROMA = 1.5
"""Weight of a and b in distances, beside 1 of L: a red is rather matched to a red than to a grey as light."""

EVENNESS = 0.5
"""Exponent of the cells' shares: with 1, a sky's many pixels would take every paint and leave the subject one."""

SOFTNESS = 0.003
"""Least epsilon of the transport, in squared distance: colors closer than its root, 0.05, are moved alike."""

SOFTEST = 0.2
"""An epsilon from which on a map is steep nowhere."""

STEEPEST = 4.5
"""Most change of a color for a change of the photograph's: a steeper map is made softer, since it would make grain of a
plain wall's noise. With 1 all colors would stay as near as they are."""

HALVING = 0.7
"""Factor of epsilon from round to round, from 1 down to its least."""

ROUNDS = 30
"""Rounds at the least epsilon; the shares of the paintings' cells are then right to about 1 %."""

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


Recolorer = Callable[[Tensor, slice, float], Tensor]
"""Recolors rows of a picture, given their pixels, (1, 3, R, W), which rows they are, and the amount: 0 none, 1 all."""


@dataclass(frozen=True, slots=True, eq=False)
class ColorMap:
    """A map of colors, as a table with a color at each of NODES^3 nodes of the sRGB cube.

    table: (3, R, G, B) float32 in [0, 1], sRGB.
    """

    table: Tensor

    def start(self, image: Tensor, seen: Tensor | None = None) -> Recolorer:
        """Return the function that recolors rows of this image, (1, 3, H, W) in [0, 1], sRGB, whatever is `seen`."""
        return lambda part, rows, amount: self.apply(part, amount)

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
    smoothed; epsilon is doubled until no step is steeper than STEEPEST.
    """
    colors, counts = _palette(content, content_weight)
    chosen = [
        (*_palette(style, weight), share)
        for style, weight, share in zip(styles, style_weights or [None] * len(styles), shares, strict=True)
        if share > 0
    ]
    paints, paint_shares = keep_fullest(
        torch.cat([own for own, _, _ in chosen]), torch.cat([counted * share for _, counted, share in chosen]), CELLS
    )
    steps = torch.linspace(0, 1, NODES, dtype=torch.float64)
    nodes = to_points(torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij")).view(1, 3, -1, 1))
    softness = SOFTNESS
    while True:
        table = _make_table(nodes, colors, counts, paints, paint_shares, softness)
        if softness >= SOFTEST or _steepest_step(table, colors) <= STEEPEST / (NODES - 1):
            return ColorMap(table=table)
        softness *= 2


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


def to_points(image: Tensor) -> Tensor:
    """Return the pixels of an image, (1, 3, H, W), as points (M, 3) between which distances are measured."""
    return to_oklab(image)[0].flatten(1).T * image.new_tensor([1, CHROMA, CHROMA])


def to_image(points: Tensor) -> Tensor:
    """Return points (M, 3) as an image (1, 3, M, 1) in sRGB; inverse of `to_points`."""
    return from_oklab((points / points.new_tensor([1, CHROMA, CHROMA])).T[None, :, :, None])


def _palette(image: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the cells of an image's colors: their mean points (K, 3) and evened shares (K,), float64 on the CPU."""
    pixels, _, weights = see_pixels(image, weight, LONG_EDGE)
    points = to_points(pixels)
    points, weights = to_cells(points[weights > 0], weights[weights > 0], points.new_tensor(CELL))
    return keep_fullest(points, (weights / weights.sum()) ** EVENNESS, CELLS)


def see_pixels(image: Tensor, weight: Tensor | None, long_edge: int) -> tuple[Tensor, tuple[int, int], Tensor]:
    """Return an image at most `long_edge` large, its size (height, width), and the weights of its pixels, (H W,).

    image: (1, 3, H, W); weight: (1, 1, H, W), or None for all 1. In float64 on the CPU.
    """
    size = image.shape[-2], image.shape[-1]
    if max(size) > long_edge:
        size = fit_long_edge(*size, long_edge)
    if weight is None:
        image, weight = resize_image(image, size, "bilinear"), torch.ones(1, 1, *size)
    elif size != tuple(image.shape[-2:]):
        weight = weight.to(image)
        # One channel at a time, so that no second copy of a large picture is needed.
        seen = [resize_image(channel * weight, size, "bilinear") for channel in torch.split(image, 1, dim=1)]
        weight = resize_image(weight, size, "bilinear")
        image = (torch.cat(seen, dim=1) / weight.clamp_min(1e-9)).clamp(0, 1)
    return image.to("cpu", torch.float64), size, weight.to("cpu", torch.float64).flatten()


def to_cells(points: Tensor, weights: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
    """Return the means (K, D) of the points, (M, D), in each cell of these sides, and their sums of weights (K,)."""
    cells = torch.floor(points / side).long() + CELLS_A_SIDE // 2
    # One number a cell: rows of numbers are sorted ten times as slowly.
    digits = CELLS_A_SIDE ** torch.arange(points.shape[1]).flip(0)
    _, own, counts = torch.unique((cells * digits).sum(1), return_inverse=True, return_counts=True)
    sums = points.new_zeros(len(counts), points.shape[1] + 1)
    sums.index_add_(0, own, torch.cat([points * weights[:, None], weights[:, None]], dim=1))
    return sums[:, :-1] / sums[:, -1:], sums[:, -1]


def keep_fullest(points: Tensor, shares: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Return the points of the largest shares, which then sum to 1, at most so many."""
    kept = shares.sort(descending=True, stable=True).indices[:most]
    return points[kept], shares[kept] / shares[kept].sum()


def _make_table(
    nodes: Tensor, colors: Tensor, counts: Tensor, paints: Tensor, shares: Tensor, softness: float
) -> Tensor:
    """Return the table of a map of that softness, (3, R, G, B) float32. nodes: the points of its nodes."""
    potential = find_potential(colors, counts, paints, shares, softness)
    moved = transport_points(nodes, paints, shares, potential, softness)
    mean, missing = find_contrast(colors, counts, transport_points(colors, paints, shares, potential, softness))
    moved[:, 0] += missing * (nodes[:, 0] - mean)
    return _smooth(to_image(moved).view(3, NODES, NODES, NODES)).clamp(0, 1).float()


def find_contrast(before: Tensor, counts: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean lightness of points before the map, and what its slope after it lacks of LEAST_CONTRAST.

    before, after: points (K, D), lightness first. counts: their shares, (K,).
    """
    mean = counts @ before[:, 0]
    apart = before[:, 0] - mean
    slope = counts @ (apart * after[:, 0]) / (counts @ apart**2).clamp_min(1e-12)
    return mean, (LEAST_CONTRAST - slope).clamp_min(0)


def _steepest_step(table: Tensor, colors: Tensor) -> float:
    """Return the largest distance of a table's neighbors on an axis, of those beside the points `colors`, (K, 3)."""
    red, green, blue = (to_image(colors)[0, :, :, 0] * (NODES - 1)).long().clamp_max(NODES - 2)
    node = table[:, red, green, blue]
    beside = (table[:, red + 1, green, blue], table[:, red, green + 1, blue], table[:, red, green, blue + 1])
    return max(float((other - node).norm(dim=0).max()) for other in beside)


def find_potential(colors: Tensor, counts: Tensor, paints: Tensor, shares: Tensor, softness: float) -> Tensor:
    """Return the potential g of each paint, (K,), as in `fit_color_map`. colors: (I, D); paints: (K, D)."""
    cost = torch.cdist(colors, paints) ** 2
    f, g, epsilon, left = torch.zeros_like(counts), torch.zeros_like(shares), 1.0, ROUNDS
    while left:
        g = -epsilon * torch.logsumexp((f[:, None] - cost) / epsilon + counts.log()[:, None], dim=0)
        f = -epsilon * torch.logsumexp((g - cost) / epsilon + shares.log(), dim=1)
        left -= epsilon == softness
        epsilon = max(epsilon * HALVING, softness)
    return g


def transport_points(points: Tensor, paints: Tensor, shares: Tensor, potential: Tensor, softness: float) -> Tensor:
    """Return T of points, (M, D), as in `fit_color_map`. paints: (K, D)."""
    moved = []
    for part in torch.split(points, 4096):
        exponents = (potential - torch.cdist(part, paints) ** 2) / softness + shares.log()
        moved.append(torch.softmax(exponents, dim=1) @ paints)
    return torch.cat(moved)


def _smooth(table: Tensor) -> Tensor:
    """Return a table, (3, R, G, B), smoothed along its three axes; at the border its slope goes on."""
    reach = round(3 * SMOOTHING)
    weights = torch.exp(-(torch.arange(-reach, reach + 1, dtype=table.dtype) ** 2) / (2 * SMOOTHING**2))
    weights = weights / weights.sum()
    for axis in (1, 2, 3):
        before = 2 * table.narrow(axis, 0, 1) - table.narrow(axis, 1, reach).flip(axis)
        after = 2 * table.narrow(axis, NODES - 1, 1) - table.narrow(axis, NODES - 1 - reach, reach).flip(axis)
        padded = torch.cat([before, table, after], dim=axis)
        table = torch.stack([w * padded.narrow(axis, i, NODES) for i, w in enumerate(weights)]).sum(0)
    return table

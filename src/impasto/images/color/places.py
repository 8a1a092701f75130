"""Color transport that heeds places: a sky takes the colors of the painting's sky, a face those of its middle."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from impasto.images.color.transport import (
    CELL,
    EVENNESS,
    SOFTEST,
    Recolorer,
    find_contrast,
    find_potential,
    keep_fullest,
    see_pixels,
    to_cells,
    to_image,
    to_points,
    transport_points,
)

LONG_EDGE = 128
"""Pictures are seen at most this large in pixels."""

PLACE_CELL = 0.25
"""Places are grouped in squares of this share of a picture's height and width."""

CELLS = 1000
"""Most cells of a picture, the fullest ones."""

SOFTNESS = 0.006
"""Epsilon of the transport, in squared distance: colors closer than its root, 0.08, are moved alike."""

STEEPEST = 4.0
"""Most change of a color for a change of the photograph's, but for 1 % of the pixels: a steeper map is made softer."""

WINDOW = 5
"""Side in pixels of the windows in which a change is linear in the colors, on pictures of LONG_EDGE pixels."""

RIDGE = 1e-3
"""Variance of a window's colors below which the whole picture says how the new ones depend on them."""

NOISE = 1e-4
"""Variance of a whole picture's colors below which the new ones hardly depend on them: that of strong noise."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedColorMap:
    """A map of colors at their places, from a photograph's to those of paintings.

    paints: (K, 5), points of color and place. shares, potential: (K,). middle, spread: (2, 1), of the photograph's
    places. placement: weight of places in distances. softness: epsilon. mean, contrast: lightness is spread by
    `contrast` about `mean`.
    """

    paints: Tensor
    shares: Tensor
    potential: Tensor
    middle: Tensor
    spread: Tensor
    placement: float
    softness: float
    mean: float
    contrast: float

    def start(self, image: Tensor, seen: Tensor | None = None) -> Recolorer:
        """Return the function that recolors rows of this image, (1, 3, H, W) in [0, 1], sRGB.

        seen: how much each pixel counts, (1, 1, H, W), or None for all alike. The map is evaluated on a small version;
        in windows of it the new colors are fitted as linear in the old ones (He, Sun and Tang 2010, "Guided Image
        Filtering", with the photograph as the guide), and these fits, smooth over the picture, are applied at its size:
        edges stay where they are, and gradients do not band.
        """
        fits = self.fit(image, seen).to(image)
        H, W = image.shape[-2:]

        def recolor(part: Tensor, rows: slice, amount: float) -> Tensor:
            down, across = ((2 * torch.arange(side, dtype=torch.float64) + 1) / side - 1 for side in (H, W))
            here = torch.stack(torch.meshgrid(down[rows], across, indexing="ij")[::-1], dim=-1)[None].to(fits)
            fit = functional.grid_sample(fits, here, "bilinear", "border", align_corners=False)
            moved = torch.einsum("bjihw,bihw->bjhw", fit[:, :9].reshape(1, 3, 3, *part.shape[-2:]), part) + fit[:, 9:]
            return part.lerp(moved.clamp_(0, 1), amount)

        return recolor

    def fit(self, image: Tensor, seen: Tensor | None = None) -> Tensor:
        """Return slopes and constants, (1, 12, h, w), of the new colors of an image seen small; see `start`."""
        pixels, small, weight = see_pixels(image, seen, LONG_EDGE)
        moved = to_image(self.move(to_points(pixels), _places(small)))
        return _fit_colors(pixels, moved.view(1, 3, *small), weight.view(1, 1, *small))

    def move(self, colors: Tensor, places: Tensor) -> Tensor:
        """Return the points, (M, 3), that points of color, (M, 3), at places, (2, M), become."""
        points = torch.cat([colors, self.placement * ((places - self.middle) / self.spread).T], dim=1)
        # Of a thousand weights float32 is enough, and twice as fast.
        points, paints, shares, potential = (
            values.float() for values in (points, self.paints, self.shares, self.potential)
        )
        moved = transport_points(points, paints, shares, potential, self.softness)[:, :3].double()
        moved[:, 0] += self.contrast * (colors[:, 0] - self.mean)
        return moved


def fit_placed_map(
    content: Tensor,
    styles: Sequence[Tensor],
    shares: Sequence[float],
    placement: float,
    content_weight: Tensor | None = None,
    style_weights: Sequence[Tensor | None] = (),
) -> PlacedColorMap:
    """Return the map that gives a photograph the colors of the style images, where these have them.

    The arguments are those of `fit_color_map`, with the same transport, between points of color and place: |x - y|^2 is
    the squared distance of the colors and `placement`^2 times that of the places, in shares of height and width (of
    what is visible, or of a region: from the mean of its places, in units of their deviation).
    Differs from `fit_color_map`: a cell's share is the root of its color's share times its part of that color.
    """
    colors, places, counts, middle, spread = _cells(content, content_weight)
    points = torch.cat([colors, placement * places], dim=1)
    chosen = [
        (_cells(style, weight), share)
        for style, weight, share in zip(styles, style_weights or [None] * len(styles), shares, strict=True)
        if share > 0
    ]
    paints, paint_shares = keep_fullest(
        torch.cat([torch.cat([found[0], placement * found[1]], dim=1) for found, _ in chosen]),
        torch.cat([found[2] * share for found, share in chosen]),
        CELLS,
    )
    softness = SOFTNESS
    while True:
        potential = find_potential(points, counts, paints, paint_shares, softness)
        after = transport_points(points, paints, paint_shares, potential, softness)
        mean, contrast = (float(value) for value in find_contrast(colors, counts, after))
        fixed = (paints, paint_shares, potential, middle, spread, placement)
        found = PlacedColorMap(*fixed, softness, mean, contrast)
        slopes = found.fit(content, content_weight)[0, :9].view(3, 3, -1).norm(dim=1).amax(0)
        if softness >= SOFTEST or float(slopes.quantile(0.99)) <= STEEPEST:
            return found
        softness *= 2


def _places(size: tuple[int, int]) -> Tensor:
    """Return the places of an image's pixels, row by row, (2, H W): y and x in (0, 1)."""
    across = [(torch.arange(side, dtype=torch.float64) + 0.5) / side for side in size]
    return torch.stack(torch.meshgrid(*across, indexing="ij")).flatten(1)


def _cells(image: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return the cells of an image: colors (K, 3), places (K, 2), shares (K,); and middle and spread of its places."""
    pixels, size, weights = see_pixels(image, weight, LONG_EDGE)
    places = _places(size)
    middle = (places * weights).sum(1, keepdim=True) / weights.sum()
    # A whole picture has a spread of 1, and places from -0.5 to 0.5.
    spread = (12 * ((places - middle) ** 2 * weights).sum(1, keepdim=True) / weights.sum()).sqrt().clamp_min(1e-3)
    points = torch.cat([to_points(pixels), ((places - middle) / spread).T], dim=1)[weights > 0]
    points, counts = to_cells(points, weights[weights > 0], points.new_tensor([CELL] * 3 + [PLACE_CELL] * 2))
    _, own = torch.unique(torch.floor(points[:, :3] / CELL), dim=0, return_inverse=True)
    of_color = torch.zeros_like(counts).index_add_(0, own, counts)[own]
    points, shares = keep_fullest(points, counts / of_color * (of_color / counts.sum()) ** EVENNESS, CELLS)
    return points[:, :3], points[:, 3:], shares, middle, spread


def _fit_colors(before: Tensor, after: Tensor, weight: Tensor) -> Tensor:
    """Return slopes and constants, (1, 12, h, w), of the new color at each pixel as a linear function of the old one.

    before, after: (1, 3, h, w). weight: how much each pixel counts, (1, 1, h, w). The means of the least-squares fits
    of all windows that a pixel is in; RIDGE draws their slopes to those of the whole picture, made less where they are
    above 1, so that the noise of a plain wall stays as weak as it is.
    """

    def mean(planes: Tensor) -> Tensor:
        return functional.avg_pool2d(planes, WINDOW, 1, WINDOW // 2, count_include_pad=False)

    products = (torch.einsum("bihw,bjhw->bijhw", before, image).flatten(1, 2) for image in (before, after))
    planes = weight * torch.cat([torch.ones_like(weight), before, after, *products], dim=1)
    identity = torch.eye(3, dtype=before.dtype)
    _, _, square, mixed = _moments(planes.mean(dim=(2, 3), keepdim=True))
    whole = torch.linalg.solve(square + NOISE * identity, mixed)
    whole = whole / whole.norm(dim=1, keepdim=True).amax().clamp_min(1)
    means = mean(planes)
    first, second, square, mixed = _moments(means)
    slopes = torch.linalg.solve(square + RIDGE * identity, mixed + RIDGE * whole)
    constants = second - (first.unsqueeze(1) @ slopes).squeeze(1)
    fits = torch.cat([slopes.mT.flatten(1), constants], dim=1).T.view(1, 12, *before.shape[-2:])
    seen = means[:, :1].clamp_min(1e-9)
    return mean(fits * seen) / mean(seen)


def _moments(means: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the mean colors before and after, (P, 3), and their covariances, before with before and before with after,
    (P, 3, 3), from the means of weights, of weighted colors and of their products, (1, 25, h, w)."""
    sums = (means[:, 1:] / means[:, :1].clamp_min(1e-9))[0].flatten(1).T
    first, second = sums[:, :3], sums[:, 3:6]
    square, mixed = sums[:, 6:15].reshape(-1, 3, 3), sums[:, 15:].reshape(-1, 3, 3)
    own = first.unsqueeze(2)
    return first, second, square - own * first.unsqueeze(1), mixed - own * second.unsqueeze(1)

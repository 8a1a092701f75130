"""Temporal loss: the difference of a film's frame from earlier ones, carried along the motion."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.features.guides import resize_guide
from impasto.features.tiling import Tile
from impasto.images.resize import resize_image


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Temporal:
    """The temporal part of a frame's objective.

    weight: of the loss (gamma in the paper). carried: painted earlier frames on the frame's grid, each (1, 3, H, W) in
    [0, 1], sRGB. weights: how much each counts at each pixel, (1, 1, H, W) in [0, 1].
    """

    weight: float
    carried: tuple[Tensor, ...]
    weights: tuple[Tensor, ...]

    def resized(self, size: tuple[int, int]) -> "Temporal":
        """Return the same for a frame of another size, (height, width)."""
        return Temporal(
            weight=self.weight,
            carried=tuple(resize_image(image, size) for image in self.carried),
            weights=tuple(resize_guide(weights, size) for weights in self.weights),
        )

    def to(self, device: torch.device) -> "Temporal":
        """Return the same on a device."""
        carried, weights = (tuple(each.to(device) for each in group) for group in (self.carried, self.weights))
        return Temporal(weight=self.weight, carried=carried, weights=weights)

    def loss(self, image: Tensor) -> Tensor:
        """Return the weighted loss of a whole frame, (1, 3, H, W), as a scalar."""
        pairs = zip(self.carried, self.weights, strict=True)
        return self.weight * torch.stack([temporal_loss(image, each, weights) for each, weights in pairs]).sum()

    def addend(self, part: Tensor, tile: Tile) -> Tensor:
        """Return a tile's addend to `loss`. part: the tile's pixels, margins included."""
        rows, columns = slice(tile.rows.start, tile.rows.stop), slice(tile.columns.start, tile.columns.stop)
        top, left = rows.start - tile.rows.low, columns.start - tile.columns.low
        inner = part[:, :, top : top + rows.stop - rows.start, left : left + columns.stop - columns.start]
        carried, weights = (
            tuple(each[:, :, rows, columns].to(part.device) for each in group)
            for group in (self.carried, self.weights)
        )
        share = inner[0, 0].numel() / (tile.rows.length * tile.columns.length)
        return share * Temporal(weight=self.weight, carried=carried, weights=weights).loss(inner)


def temporal_loss(image: Tensor, carried: Tensor, weights: Tensor) -> Tensor:
    """Return the mean over pixels and channels of c (x - w)^2, as a scalar.

    image: the frame x, (1, 3, H, W) in [0, 1], sRGB; carried: an earlier one on its grid, w, of that shape. weights: c,
    (1, 1, H, W) in [0, 1]: 0 where the earlier frame does not show the place.
    Ruder, Dosovitskiy and Brox 2016 (arXiv 1604.08610), section 4.2: 1/D sum_k c_k (x_k - w_k)^2, D = 3 H W.
    Differs: the paper's pixels go to 255, so that its weight of 200 is one of 200 * 255^2 here.
    """
    return (weights * (image - carried).square()).mean()


def long_term_weights(visible: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return how much each earlier frame counts: where newer ones show a place, they count and not the older ones.

    visible: of each earlier frame, the newest first, where it shows the frame's pixels, (1, 1, H, W) in [0, 1].
    Ruder, Dosovitskiy and Brox 2016, section 4.3: c_j = max(c_j - sum of the newer c_k, 0).
    """
    pairs = enumerate(visible)
    return tuple((each - sum(visible[:index], torch.zeros_like(each))).clamp_min(0) for index, each in pairs)

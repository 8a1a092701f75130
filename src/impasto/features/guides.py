"""Guides: masks of where a style applies, carried from a picture's pixels to the positions of each layer."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from impasto.features.receptive_field import reach, stride_of
from impasto.features.vgg import Vgg

SMALLEST_SUM = 1.0
"""Smallest sum of a region's guide over a layer's positions; below it the mode "simple" is used instead."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """A part of the pastiche with a style of its own.

    name: for messages. content: the guide of the pastiche, (1, 1, H, W) in [0, 1]; those of all regions add up
    to at most 1. styles: of each style image its guide, (1, 1, h, w) in [0, 1], or None where it has no part in the
    region. weight: of its style, 1 for its due by area. statistic: as the recipe's.
    """

    name: str
    content: Tensor
    styles: tuple[Tensor | None, ...]
    weight: float = 1.0
    statistic: tuple[str, ...] = ("gram",)

    def resized(self, size: tuple[int, int], style_sizes: Collection[tuple[int, int]]) -> "Region":
        """Return this region for pictures of other sizes, (height, width)."""
        pairs = zip(self.styles, style_sizes, strict=True)
        styles = tuple(None if guide is None else resize_guide(guide, to) for guide, to in pairs)
        return replace(self, content=resize_guide(self.content, size), styles=styles)

    def to(self, device: torch.device, dtype: torch.dtype = torch.float32) -> "Region":
        """Return this region on a device."""
        styles = tuple(None if guide is None else guide.to(device, dtype) for guide in self.styles)
        return replace(self, content=self.content.to(device, dtype), styles=styles)


def resize_guide(guide: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the guide at (height, width): each pixel the mean of those it covers, without overshoot."""
    if tuple(guide.shape[-2:]) == tuple(size):
        return guide
    return functional.interpolate(guide, size=size, mode="bilinear", align_corners=False, antialias=True).clamp(0, 1)


def visible_guide(alpha: Tensor | None, size: tuple[int, int]) -> Tensor | None:
    """Return the alpha as a guide of (height, width); None where all or nothing is visible, which is taken as all."""
    if alpha is None or bool((alpha == 1).all()) or bool((alpha == 0).all()):
        return None
    return resize_guide(alpha, size)


def carry_guide(guide: Tensor, encoder: Vgg, layers: Collection[str], mode: str, dilation: int) -> dict[str, Tensor]:
    """Return the weights of each layer's positions: {layer: (1, 1, h, w)}, at least 0, summing to 1.

    guide: (1, 1, H, W) in [0, 1], somewhere above 0. mode: one of MODES. dilation: positions by which the guide then
    grows in each layer, or shrinks where negative.

    Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer" (arXiv 1611.07865), section 4: guides
    T with sum T^2 = 1 over positions. Here T^2 is what is carried, so that soft guides that add up to 1 still do.
    Differs: levels stay soft instead of being cut at a half. A layer in which the mode leaves less than one position,
    as "inside" does at coarse scales, takes "simple".
    """
    return {layer: _carry(guide, encoder, layer, mode, dilation) for layer in layers}


def _carry(guide: Tensor, encoder: Vgg, layer: str, mode: str, dilation: int) -> Tensor:
    carried = _dilate(MODES[mode](guide, encoder, layer), dilation)
    if float(carried.sum()) < SMALLEST_SUM:
        carried = carry_simple(guide, encoder, layer)
    if float(carried.sum()) == 0:
        # The region lies in the last rows or columns of a side that pools unevenly, where no position is.
        carried = carry_all(guide, encoder, layer)
    return carried / carried.sum()


def carry_simple(guide: Tensor, encoder: Vgg, layer: str) -> Tensor:
    """Return the mean of the guide over each position's own square of pixels."""
    return functional.avg_pool2d(guide, stride_of(layer))


def carry_all(guide: Tensor, encoder: Vgg, layer: str) -> Tensor:
    """Return the largest level of the guide in each position's receptive field: all that sees the region."""
    stride, margin = stride_of(layer), reach(layer, encoder.layer_names)
    side = stride + 2 * margin
    down = functional.max_pool2d(guide, (side, 1), stride=(stride, 1), padding=(margin, 0))
    return functional.max_pool2d(down, (1, side), stride=(1, stride), padding=(0, margin))


def carry_inside(guide: Tensor, encoder: Vgg, layer: str) -> Tensor:
    """Return the smallest level in each position's receptive field, cut at the picture's border: all inside it."""
    return 1 - carry_all(1 - guide, encoder, layer)


MODES: Mapping[str, Callable[[Tensor, Vgg, str], Tensor]] = {
    "simple": carry_simple,
    "inside": carry_inside,
    "all": carry_all,
}
"""The paper's ways to carry a guide, (1, 1, H, W), to a layer of the encoder: (1, 1, h, w)."""


def _dilate(guide: Tensor, dilation: int) -> Tensor:
    side = 2 * abs(dilation) + 1
    grown = functional.max_pool2d(guide if dilation >= 0 else -guide, side, stride=1, padding=abs(dilation))
    return grown if dilation >= 0 else -grown

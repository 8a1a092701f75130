"""Recoloring: the photograph in the colors of its paintings, region by region, before it is painted."""

from collections.abc import Sequence

import torch
from torch import Tensor

from impasto.features.guides import Region, resize_guide, visible_guide
from impasto.images.color.places import PlacedColorMap, fit_placed_map
from impasto.images.color.transport import ColorMap, fit_color_map
from impasto.recipe.checks import check_blend
from impasto.recipe.recipe import Recipe

ROWS = 64
"""Rows recolored at a time, so that a large picture needs no third copy."""

ColorMaps = tuple[ColorMap | PlacedColorMap | None, ...]
"""The map of each region; None where the region keeps its colors."""

LEAST_SHARE = 1e-6
"""Added to each region's guide: a gap between masks is shared by all."""


def recolor(
    recipe: Recipe,
    content: Tensor,
    styles: Sequence[Tensor],
    content_alpha: Tensor | None = None,
    style_alphas: Sequence[Tensor | None] = (),
    regions: Sequence[Region] = (),
    protect: Tensor | None = None,
    maps: ColorMaps | None = None,
) -> Tensor:
    """Return the photograph with its colors moved by `recolor` of the way to those of the styles.

    Below a `strength` of 0.5 they are moved in proportion less.

    content: (1, 3, H, W); styles: each (1, 3, h, w), of any sizes; in [0, 1], sRGB. Returns (1, 3, H, W).
    content_alpha, style_alphas: (1, 1, H, W) of their pictures, or None; maps are fitted with them where there are no
    regions, whose guides have them in already. Each region has a map of its own (`fit_color_map`, or `fit_placed_map`
    for a `placement` above 0), from its part of the photograph to its parts of its styles, mixed by `style_blend`;
    where regions overlap the results are mixed. A region of weight 0 keeps its colors. protect: a mask, (1, 1, H, W) in
    [0, 1]: white keeps its colors, for a `protect_strength` of 1 or more.
    maps: those of each region, fitted before to another picture of the same scene.
    """
    size = (content.shape[-2], content.shape[-1])
    # A strength of 0 is the photograph, in its own colors.
    amount = recipe.recolor * (1 if recipe.strength is None else min(1, 2 * recipe.strength))
    if maps is None:
        maps = fit_color_maps(recipe, content, styles, content_alpha, style_alphas, regions)
    shares = None
    if len(regions) > 1:
        shares = torch.cat([resize_guide(region.content, size) for region in regions]).to(content) + LEAST_SHARE
        shares /= shares.sum(0, keepdim=True)
    kept = None if protect is None else min(1.0, recipe.protect_strength) * resize_guide(protect, size).to(content)
    seen = _to_size(content_alpha, content)
    recolorers = [None if colors is None or amount == 0 else colors.start(content, seen) for colors in maps]
    recolored = torch.empty_like(content)
    for top in range(0, size[0], ROWS):
        rows = slice(top, top + ROWS)
        part = content[..., rows, :]
        mapped = [part if move is None else move(part, rows, amount) for move in recolorers]
        if shares is None:
            moved = mapped[0]
        else:
            moved = torch.stack([share[:, rows] * each for share, each in zip(shares, mapped, strict=True)]).sum(0)
        recolored[..., rows, :] = moved if kept is None else moved.lerp(part, kept[..., rows, :])
    return recolored.clamp_(0, 1)


def fit_color_maps(
    recipe: Recipe,
    content: Tensor,
    styles: Sequence[Tensor],
    content_alpha: Tensor | None = None,
    style_alphas: Sequence[Tensor | None] = (),
    regions: Sequence[Region] = (),
) -> ColorMaps:
    """Return the map of each region, None where colors stay; one map where there are no regions.

    The arguments are those of `recolor`.
    """
    blend = check_blend(recipe.style_blend, len(styles))
    if not regions:
        seen = _to_size(content_alpha, content)
        pairs = zip(style_alphas or [None] * len(styles), styles, strict=True)
        return (_fit(recipe, content, styles, blend, seen, [_to_size(alpha, style) for alpha, style in pairs]),)
    maps: list[ColorMap | PlacedColorMap | None] = []
    for region in regions:
        chosen = [index for index, guide in enumerate(region.styles) if guide is not None]
        shares = [blend[index] for index in chosen]
        weights = [_to_size(region.styles[index], styles[index]) for index in chosen]
        maps.append(
            _fit(
                *(recipe, content, [styles[index] for index in chosen]),
                *(shares if sum(shares) > 0 else [1.0] * len(chosen), _to_size(region.content, content), weights),
            )
            if region.weight > 0
            else None
        )
    return tuple(maps)


def _fit(
    recipe: Recipe,
    content: Tensor,
    styles: Sequence[Tensor],
    shares: Sequence[float],
    seen: Tensor | None,
    style_seen: Sequence[Tensor | None],
) -> ColorMap | PlacedColorMap:
    if recipe.placement == 0:
        return fit_color_map(content, styles, shares, seen, style_seen)
    return fit_placed_map(content, styles, shares, recipe.placement, seen, style_seen)


def _to_size(guide: Tensor | None, image: Tensor) -> Tensor | None:
    return visible_guide(guide, (image.shape[-2], image.shape[-1]))

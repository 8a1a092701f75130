"""How much each part of the style images counts for one photograph: `proportions` below 1."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from impasto.features.guides import Region, resize_guide
from impasto.features.vgg import Vgg, sort_layers
from impasto.images.resize import resize_long_edge
from impasto.losses.nearest import NearestStyle, share_vectors
from impasto.recipe.layers import column_layer
from impasto.recipe.recipe import Recipe

LONG_EDGE = 128
"""Pixels of the pictures compared, enough for the parts of a picture, whatever size is painted."""

MOST = 3.0
"""Largest share of a place, in shares of the painting: a small part must not fill the picture."""

LEAST = 0.02
"""Smallest share of a place."""


def find_shares(encoder: Vgg, recipe: Recipe, content: Tensor | None, styles: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the share of each place of the style images, each (1, 1, h, w) in (0, 1]; none at `proportions` 1.

    content: (1, 3, H, W); styles: each (1, 3, h, w), of any sizes; in [0, 1], sRGB, on the encoder's device.
    A transport from the photograph's features to the painting's, which keeps the painting's proportions the less the
    lower `proportions` is: of each place's price (`price_vectors`) that much is paid. At 0 each place of the photograph
    takes what is nearest. Without it, statistics and colors of the whole painting are asked of every photograph, and
    before a large sky a face becomes blue.
    """
    if recipe.proportions == 1 or content is None or not recipe.style_layers:
        return ()
    layers = sort_layers(recipe.style_layers)
    weights = dict.fromkeys(layers, 1 / len(layers))
    with torch.no_grad():
        photograph = encoder(resize_long_edge(content, LONG_EDGE), layers)
        return tuple(_find(encoder, recipe, photograph, style, weights) for style in styles)


def share_regions(recipe: Recipe, regions: Sequence[Region], shares: Sequence[Tensor]) -> tuple[Region, ...]:
    """Return the regions with their style guides times these shares; of the whole picture where there are none."""
    if not shares:
        return tuple(regions)
    if not regions:
        whole = torch.ones(1, 1, 1, 1)
        return (Region(name="the picture", content=whole, styles=tuple(shares), statistic=recipe.statistic),)
    return tuple(replace(region, styles=tuple(map(_times, region.styles, shares))) for region in regions)


def _find(
    encoder: Vgg, recipe: Recipe, photograph: dict[str, Tensor], style_image: Tensor, weights: dict[str, float]
) -> Tensor:
    features = encoder(resize_long_edge(style_image, LONG_EDGE), tuple(weights))
    grid = column_layer(tuple(weights), recipe.nearest_layer)
    style = NearestStyle(features, None, weights, recipe.seed, grid=grid)
    columns = style.columns(*(features[layer] for layer in weights))
    shares = share_vectors(style, style.columns(*photograph.values()), columns, recipe.proportions)
    smooth = functional.avg_pool2d(shares, 3, 1, 1, count_include_pad=False)
    return (smooth / MOST).clamp(LEAST, 1)


def _times(guide: Tensor | None, share: Tensor) -> Tensor | None:
    if guide is None:
        return None
    return guide * resize_guide(share, (guide.shape[-2], guide.shape[-1])).to(guide)

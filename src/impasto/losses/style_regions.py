"""The regions of a picture that have style losses of their own; without masks the whole picture is one."""

from collections.abc import Sequence
from dataclasses import dataclass

from impasto.features.guides import Region, carry_guide
from impasto.features.vgg import Vgg, sort_layers
from impasto.losses.nearest import Guides
from impasto.recipe.checks import check_blend
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import split_statistic


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StyleRegion:
    """One region with style losses of its own, its guides carried to the layers.

    name: the end of its terms' names. share: of the style weight. statistic: as the recipe's. styles: indices of the
    style images painted there, mixed by blend. guide, style_guides: weights of positions by layer, of the pastiche and
    of each of these style images; None where all positions have the same weight.
    """

    name: str
    share: float
    statistic: tuple[str, ...]
    styles: tuple[int, ...]
    blend: tuple[float, ...]
    guide: Guides
    style_guides: tuple[Guides, ...]


def list_style_regions(encoder: Vgg, recipe: Recipe, regions: Sequence[Region], count: int) -> list[StyleRegion]:
    """Return a style region for each region of a weight above 0, or one for the whole picture if there are none.

    count: number of style images.
    Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer" (arXiv 1611.07865), section 4: the
    style losses of the regions are added. Differs: each is multiplied by its share of the picture's area times its
    weight, so that a place is pulled to its style as strongly in a small region as in a large one, and as without any.
    """
    shares = check_blend(recipe.style_blend, count)
    if not regions:
        return [
            StyleRegion(
                name="",
                share=1.0,
                statistic=recipe.statistic,
                styles=tuple(range(count)),
                blend=shares,
                guide=None,
                style_guides=(None,) * count,
            )
        ]
    area = sum(float(region.content.sum()) for region in regions)
    return [_to_style_region(encoder, recipe, region, shares, area) for region in regions if region.weight > 0]


def _to_style_region(encoder: Vgg, recipe: Recipe, region: Region, shares: Sequence[float], area: float) -> StyleRegion:
    chosen = [layers or recipe.style_layers for _, _, layers in map(split_statistic, region.statistic)]
    layers = sort_layers([layer for some in chosen for layer in some])
    guides = {index: guide for index, guide in enumerate(region.styles) if guide is not None}
    whole = sum(shares[index] for index in guides)
    mode, dilation = recipe.guide_mode, recipe.guide_dilation
    return StyleRegion(
        name=f", {region.name}",
        share=region.weight * float(region.content.sum()) / area,
        statistic=region.statistic,
        styles=tuple(guides),
        blend=tuple(shares[index] / whole if whole > 0 else 1 / len(guides) for index in guides),
        guide=carry_guide(region.content, encoder, layers, mode, dilation),
        style_guides=tuple(carry_guide(guide, encoder, layers, mode, dilation) for guide in guides.values()),
    )

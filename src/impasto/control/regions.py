"""Regions: from masks and alpha of photograph and paintings to one list of guides for the objective."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from impasto.errors import MaskError, RecipeError
from impasto.features.guides import Region, resize_guide, visible_guide
from impasto.images.masks import Color, is_coded, match_color, name_color, split_codes, to_levels
from impasto.recipe.recipe import Recipe

REST = "the rest"

REST_AREA = 0.01
"""Least share of a picture, outside all masks, that is a region; less is a gap between masks."""

LEAST_AREA = 0.001
"""Least share of a film's frame that is a region: a mask that moves may leave the frame."""

Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Masks:
    """The masks of a run, from `read_mask`, and the alpha of its pictures, None where these are opaque.

    size: (height, width) of the pastiche; style_sizes: of the style images. style_alphas: one a style image. of_film:
    a frame of a film; a region that its masks leave empty is left out.
    """

    size: Size
    style_sizes: Sequence[Size]
    content_masks: Sequence[Tensor] = ()
    style_masks: Sequence[Tensor] = ()
    content_alpha: Tensor | None = None
    style_alphas: Sequence[Tensor | None]
    of_film: bool = False


def build_regions(recipe: Recipe, masks: Masks) -> tuple[Region, ...]:
    """Return the regions of the pastiche, with guides of its size; none without masks and transparency.

    Grey masks: the i-th content mask and the i-th style mask are region i, in the i-th style or in the only one;
    without style masks it takes the whole of that style. What no content mask covers is a region too: in the last style
    if there is one more than masks, else in what the first style's masks leave of it, or in all of it where they leave
    none. Color-coded maps, one of the content and one of each style: a color is a region, in all styles that have it.
    Style masks alone select a part of each style, as alpha does everywhere. Where content masks overlap they share.

    Raises MaskError (numbers that fit nothing, a region without a style or wholly transparent), RecipeError (weights or
    statistics that do not fit the regions).
    """
    seen = visible_guide(masks.content_alpha, masks.size)
    pairs = zip(masks.style_alphas, masks.style_sizes, strict=True)
    style_seen = [visible_guide(alpha, size) for alpha, size in pairs]
    if not masks.content_masks:
        _refuse_settings(recipe)
        regions = _without_content_masks(masks)
    elif len(masks.content_masks) == 1 and any(map(is_coded, [*masks.content_masks, *masks.style_masks])):
        regions = _coded_regions(masks)
    else:
        regions = _grey_regions(masks)
    if not regions and all(guide is None for guide in [seen, *style_seen]):
        return ()
    if not masks.style_sizes:
        return ()
    regions = regions or [Region(name="the picture", content=_ones(masks.size), styles=_whole_styles(masks))]
    regions = [_weigh(region, seen, style_seen) for region in regions]
    if masks.content_masks:
        regions = _choose(recipe, _share_overlaps(regions))
        if masks.of_film:
            regions = [region for region in regions if not _is_empty(region)]
    else:
        regions = [replace(region, statistic=recipe.statistic) for region in regions]
    return tuple(regions)


def _without_content_masks(masks: Masks) -> list[Region]:
    if not masks.style_masks:
        return []
    if len(masks.style_masks) != len(masks.style_sizes) or any(map(is_coded, masks.style_masks)):
        raise MaskError(
            f"{_count(masks.style_masks, 'style mask')} without a content mask for "
            f"{_count(masks.style_sizes, 'style image')}; expected as many style masks, in grey, or content masks too.",
            "Give --content-mask for each region, or one --style-mask a style image to use that part of it.",
        )
    pairs = zip(masks.style_masks, masks.style_sizes, strict=True)
    styles = tuple(_guide(mask, size) for mask, size in pairs)
    return [Region(name="the picture", content=_ones(masks.size), styles=styles)]


def _grey_regions(masks: Masks) -> list[Region]:
    _check_numbers(masks)
    count, styles = len(masks.content_masks), len(masks.style_sizes)
    regions = []
    for i, mask in enumerate(masks.content_masks):
        own = 0 if styles == 1 else i
        size = masks.style_sizes[own]
        guide = _guide(masks.style_masks[i], size) if masks.style_masks else _ones(size)
        regions.append(
            Region(
                name=f"region {i + 1}",
                content=_guide(mask, masks.size),
                styles=tuple(guide if index == own else None for index in range(styles)),
            )
        )
    rest = (1 - _sum([region.content for region in regions])).clamp_min(0)
    if float(rest.mean()) < REST_AREA and not masks.of_film:
        if styles == count + 1:
            raise MaskError(
                f"{_count(masks.content_masks, 'content mask')} cover the photograph; "
                f"nothing is left for style image {styles}.",
                "Leave one style image out, or make a mask smaller.",
            )
        return regions
    own = styles - 1 if styles == count + 1 else 0
    covered = [region.styles[own] for region in regions]
    left = (1 - _sum([guide for guide in covered if guide is not None])).clamp_min(0) if own == 0 else None
    if left is None or float(left.mean()) < REST_AREA:
        left = _ones(masks.style_sizes[own])
    return [
        *regions,
        Region(name=REST, content=rest, styles=tuple(left if index == own else None for index in range(styles))),
    ]


def _check_numbers(masks: Masks) -> None:
    contents, style_masks, styles = len(masks.content_masks), len(masks.style_masks), len(masks.style_sizes)
    for kind, some in (("content", masks.content_masks), ("style", masks.style_masks)):
        for number, mask in enumerate(some, start=1):
            if is_coded(mask):
                raise MaskError(
                    f"{kind} mask {number} of {len(some)} is color-coded; expected grey levels, or one content map for "
                    "all regions.",
                    "Give one color-coded --content-mask and one such --style-mask a style image; or grey masks alone.",
                )
    if style_masks not in (0, contents):
        raise MaskError(
            f"{_count(masks.content_masks, 'content mask')} and {_count(masks.style_masks, 'style mask')}; expected as "
            "many of both, or no style mask, which takes the whole of each style.",
            f"Give {contents} --style-mask, in the order of the content masks.",
        )
    if styles not in (1, contents, contents + 1):
        raise MaskError(
            f"{_count(masks.style_sizes, 'style image')} for {_count(masks.content_masks, 'content mask')}; expected 1 "
            f"for all, {contents}, one a mask, or {contents + 1}, the last for the rest.",
            "Give as many --content-mask as style images, or one color-coded map of the photograph and of each style.",
        )


def _coded_regions(masks: Masks) -> list[Region]:
    (content_map,) = masks.content_masks
    if len(masks.style_masks) != len(masks.style_sizes):
        raise MaskError(
            f"the masks are color-coded, {len(masks.style_masks)} of them for "
            f"{_count(masks.style_sizes, 'style image')}; expected one map a style image.",
            f"Give {len(masks.style_sizes)} --style-mask, in the order of the style images.",
        )
    content_codes = split_codes(content_map)
    style_codes = [split_codes(style_map) for style_map in masks.style_masks]
    regions = []
    for color, guide in content_codes.items():
        styles: list[Tensor | None] = []
        for codes, size in zip(style_codes, masks.style_sizes, strict=True):
            matched = match_color(color, list(codes))
            styles.append(None if matched is None else resize_guide(codes[matched], size))
        if all(style is None for style in styles):
            raise MaskError(
                f"region {name_color(color)} of the photograph, {float(guide.mean()):.1%} of it, has no style; "
                f"expected one of {_colors(style_codes)}, as the style maps have.",
                "Paint a part of a style map in that color, or the photograph's region in one of these.",
            )
        regions.append(
            Region(name=name_color(color), content=resize_guide(guide, masks.size), styles=tuple(styles))
        )
    return regions


def _weigh(region: Region, seen: Tensor | None, style_seen: Sequence[Tensor | None]) -> Region:
    """Return the region without transparent parts."""
    pairs = zip(region.styles, style_seen, strict=True)
    styles = tuple(guide if guide is None or alpha is None else guide * alpha for guide, alpha in pairs)
    content = region.content if seen is None else region.content * seen
    guides = [(guide, "style image") for guide in styles if guide is not None]
    if float(region.content.sum()) > 0:  # else it has left a film's frame
        guides = [(content, "photograph"), *guides]
    for guide, picture in guides:
        if float(guide.sum()) == 0:
            raise MaskError(
                f"{region.name} is where the {picture} is transparent; expected some of it to be seen.",
                "Move the mask, or give the picture without alpha.",
            )
    return replace(region, content=content, styles=styles)


def _is_empty(region: Region) -> bool:
    """Whether masks leave a region too little of a film's frame; those of a photograph are never black."""
    return float(region.content.mean()) < (REST_AREA if region.name == REST else LEAST_AREA)


def _share_overlaps(regions: Sequence[Region]) -> list[Region]:
    whole = _sum([region.content for region in regions]).clamp_min(1)
    return [replace(region, content=region.content / whole) for region in regions]


def _choose(recipe: Recipe, regions: Sequence[Region]) -> list[Region]:
    """Return the regions with the recipe's weights and statistics, one each; those of the rest may be left out."""
    names = [region.name for region in regions]
    for field, values in (
        ("region_weights", recipe.region_weights),
        ("region_statistics", recipe.region_statistics),
    ):
        fitting = {len(names), len(names) - (REST in names)}
        if values and len(values) not in fitting:
            raise RecipeError(
                f"{field} has {len(values)} for {len(names)} regions, {', '.join(names)}; expected one each"
                f"{', or one less, without the rest' if REST in names else ''}.",
                f"Give {len(names)} to --{field.replace('_', '-')}, in this order, or leave it out.",
            )
    weights = [*recipe.region_weights, *[1.0] * (len(names) - len(recipe.region_weights))]
    statistics: list[tuple[str, ...]] = [(item,) for item in recipe.region_statistics]
    statistics += [recipe.statistic] * (len(names) - len(statistics))
    return [
        replace(region, weight=weight, statistic=statistic)
        for region, weight, statistic in zip(regions, weights, statistics, strict=True)
    ]


def _refuse_settings(recipe: Recipe) -> None:
    for field in ("region_weights", "region_statistics"):
        if getattr(recipe, field):
            raise RecipeError(
                f"{field} is given without content masks; expected a mask for each region.",
                f"Give `impasto stylize` a --content-mask for each region, or leave {field} out of the recipe.",
            )


def _guide(mask: Tensor, size: Size) -> Tensor:
    return resize_guide(to_levels(mask), size)


def _ones(size: Size) -> Tensor:
    return torch.ones(1, 1, *size)


def _whole_styles(masks: Masks) -> tuple[Tensor | None, ...]:
    return tuple(_ones(size) for size in masks.style_sizes)


def _sum(guides: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(guides)).sum(0)


def _count(some: Sequence[object], noun: str) -> str:
    return f"{len(some)} {noun}{'s' if len(some) != 1 else ''}"


def _colors(style_codes: Sequence[dict[Color, Tensor]]) -> str:
    return ", ".join(dict.fromkeys(name_color(color) for codes in style_codes for color in codes))

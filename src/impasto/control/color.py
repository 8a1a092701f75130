"""Color control: how `color` and `recolor` change the pictures before painting and the pastiche after it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.control.recolor import ColorMaps, fit_color_maps, recolor
from impasto.errors import RecipeError
from impasto.features.guides import Region, visible_guide
from impasto.images.color.oklab import to_grey
from impasto.images.color.palette import match_chroma, match_histogram, match_lightness, match_moments, take_chroma
from impasto.images.resize import resize_image
from impasto.losses.objective import Objective
from impasto.recipe.checks import check_blend
from impasto.recipe.recipe import Recipe

_BOTH = ("photograph", "style image")

NEEDS: dict[str, tuple[str, ...]] = {
    "content-luma": _BOTH,
    "style": (),
    "match": _BOTH,
    "histogram": _BOTH,
    "oklab": ("style image",),
}
"""Pictures that each `color` needs."""

GREY = 2 / 255
"""Largest difference of a pixel's channels in a grey picture: JPEG and rounding leave one level or two."""

ROWS = 256
"""Rows compared at a time, so that a large picture needs no second copy."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedColors:
    """Colors fitted to one photograph. styles: the style images in them, each (1, 3, h, w) in [0, 1], sRGB. maps: those
    that recolor photographs, one a region; empty where these keep their colors."""

    styles: tuple[Tensor, ...]
    maps: ColorMaps = ()


def check_color(recipe: Recipe, *, has_content: bool, has_styles: bool) -> None:
    """Accept a recipe if the pictures that its `color` needs are given. Raises RecipeError."""
    there = {"photograph": has_content, "style image": has_styles}
    if missing := [name for name in NEEDS[recipe.color] if not there[name]]:
        possible = [color for color, needed in NEEDS.items() if all(there[name] for name in needed)]
        raise RecipeError(
            f"color is {recipe.color!r}, which needs a {missing[0]}, and there is none here; "
            f"expected {' or '.join(possible)}.",
            "Leave --color out, or give --color style.",
        )


def is_grey(image: Tensor) -> bool:
    """Whether no pixel of an image, (1, 3, H, W), has a color."""
    return all(bool((rows.amax(1) - rows.amin(1) <= GREY).all()) for rows in torch.split(image, ROWS, dim=2))


def prepare_colors(
    recipe: Recipe,
    content: Tensor | None,
    styles: Sequence[Tensor],
    content_alpha: Tensor | None = None,
    style_alphas: Sequence[Tensor | None] = (),
    regions: Sequence[Region] = (),
    protect: Tensor | None = None,
    fitted: FittedColors | None = None,
) -> tuple[Tensor | None, list[Tensor]]:
    """Return the photograph and the style images in the colors in which the losses see them.

    content: (1, 3, H, W); styles: each (1, 3, h, w), of any sizes; all in [0, 1], sRGB, as are those returned.
    content_alpha, style_alphas, one a style image: (1, 1, H, W) in [0, 1], or None where all is opaque; transparent
    pixels are left out.
    fitted: to an earlier photograph of the same scene, by `fit_colors`, so that colors stay over the frames of a film.
    `content-luma`: all in grey, the styles' lightness matched to the photograph's. `match`: the styles' mean and
    covariance are the photograph's, then clamped to [0, 1]. `histogram`: the styles' channels have its histograms. With
    both, a grey photograph makes the styles grey. Else the photograph gets the styles' colors by `recolor`, whose
    regions and mask these are; `color` that keeps the photograph's has no use for that.
    """
    if content is None:
        return None, list(styles)
    if fitted is None:
        fitted = fit_colors(recipe, content, styles, content_alpha, style_alphas, regions)
    if fitted.maps:
        content = recolor(recipe, content, styles, content_alpha, (), regions, protect, fitted.maps)
    return to_grey(content) if recipe.color == "content-luma" else content, list(fitted.styles)


def fit_colors(
    recipe: Recipe,
    content: Tensor,
    styles: Sequence[Tensor],
    content_alpha: Tensor | None = None,
    style_alphas: Sequence[Tensor | None] = (),
    regions: Sequence[Region] = (),
) -> FittedColors:
    """Return the colors of the style images and of recoloring, fitted to a photograph; as for `prepare_colors`."""
    if recipe.color in ("style", "oklab"):
        fits = recipe.recolor > 0 and bool(styles)
        maps = fit_color_maps(recipe, content, styles, content_alpha, style_alphas, regions) if fits else ()
        return FittedColors(styles=tuple(styles), maps=maps)
    seen = _visible(content_alpha, content)
    pairs = [(style, _visible(a, style)) for style, a in zip(styles, style_alphas or [None] * len(styles), strict=True)]
    if recipe.color == "content-luma":
        return FittedColors(styles=tuple(match_lightness(style, content, alpha, seen) for style, alpha in pairs))
    if recipe.color == "match":
        matched = [match_moments(style, content, recipe.color_map, alpha, seen).clamp(0, 1) for style, alpha in pairs]
    else:
        matched = [match_histogram(style, content, alpha, seen) for style, alpha in pairs]
    grey = is_grey(content)
    return FittedColors(styles=tuple(mean_channels(style).contiguous() if grey else style for style in matched))


def finish_colors(
    recipe: Recipe,
    pastiche: Tensor,
    content: Tensor | None,
    styles: Sequence[Tensor],
    content_alpha: Tensor | None = None,
    style_alphas: Sequence[Tensor | None] = (),
) -> Tensor:
    """Return the painted pastiche in its final colors.

    pastiche: (1, 3, H, W) in [0, 1], sRGB. content, styles: as they were read, before `prepare_colors`, whose alphas
    they have; the content's is the pastiche's too.
    `content-luma`: the photograph's chroma at the pastiche's lightness. `oklab`: the mean and covariance of the
    pastiche's chroma become those of the styles, mixed by `style_blend`. Else the pastiche itself.
    """
    if recipe.color == "content-luma" and content is not None:
        return take_chroma(pastiche, resize_image(content, (pastiche.shape[-2], pastiche.shape[-1])))
    if recipe.color == "oklab":
        shares = check_blend(recipe.style_blend, len(styles))
        pairs = zip(styles, style_alphas or [None] * len(styles), strict=True)
        alphas = [_visible(alpha, style) for style, alpha in pairs]
        return match_chroma(
            pastiche, styles, shares, recipe.color_map, _visible(content_alpha, pastiche), alphas
        )
    return pastiche


def _visible(alpha: Tensor | None, image: Tensor) -> Tensor | None:
    return visible_guide(alpha, (image.shape[-2], image.shape[-1]))


def to_painted(recipe: Recipe, image: Tensor) -> Tensor:
    """Return a start image or a final pastiche in the colors in which it is painted: for `content-luma` in grey.

    image: (1, 3, H, W) in [0, 1], sRGB. For `oklab` the chroma that was painted cannot be recovered.
    """
    return to_grey(image) if recipe.color == "content-luma" else image


def see_grey(objective: Objective) -> Callable[[Tensor], dict[str, Tensor]]:
    """Return the objective as a function of the mean of the picture's channels, so that a grey picture stays grey.

    Otherwise faint colors are painted that a grey picture should lack: with `content-luma` the loss of the final one is
    a quarter higher (docs/experiments.md).
    """
    return lambda image: objective(mean_channels(image))


def mean_channels(image: Tensor) -> Tensor:
    """Return an image of three equal channels, (B, 3, H, W), the means of those given."""
    return image.mean(dim=1, keepdim=True).expand_as(image)

"""The sizes of a run: its scales and its style images, large enough for the network."""

import math
from collections.abc import Sequence

from impasto.errors import ImageSizeError, RecipeError
from impasto.features.vgg import smallest_side
from impasto.images.resize import fit_long_edge, fit_pixels, fit_side
from impasto.optimize.pyramid import plan_scales
from impasto.recipe.fields import split_side
from impasto.recipe.recipe import Recipe

WRAP = 16
"""Pixels of which a side that wraps around is a multiple: four poolings halve it evenly."""


MAX_PIXELS = 2**32
"""Of a picture that is planned at all: far beyond the memory of machines, but its tiles are still counted quickly."""


def picture_size(size: int | tuple[int, int] | str, original: tuple[int, int]) -> tuple[int, int]:
    """Return the finished picture's (height, width); where `size` is one side alone, in the aspect of the original.

    size: a recipe's. original: (height, width) of the photograph or, of a texture, its sample.
    """
    if isinstance(size, tuple):
        return size
    if isinstance(size, int):
        return fit_long_edge(*original, size)
    side = split_side(size)
    return original if side is None else fit_side(*original, *side)


def plan_sizes(
    recipe: Recipe, styles: Sequence[Sequence[int]], size: tuple[int, int]
) -> tuple[tuple[int, int], ...]:
    """Return the sizes (height, width) at which a picture of `size` is painted, coarse to fine.

    styles: (height, width) of the style images as they were read.
    """
    first_scale = recipe.first_scale
    if recipe.style_size == "native" and styles:
        # A texture may be much larger than its sample, which is what must not become too small.
        first_scale = round(first_scale * max(size) / min(map(min, styles)))
    least = smallest_side(recipe.content_layers + recipe.style_layers)

    def is_fit(scale: tuple[int, int]) -> bool:
        shortest = min((min(style_size(recipe, style, scale, size)) for style in styles), default=least)
        return shortest >= least and fit_wrap(scale, recipe.padding) == scale

    scales = plan_scales(*size, first_scale, least)
    return tuple(scale for scale in scales if scale == size or is_fit(scale))


def check_sizes(
    recipe: Recipe, content: Sequence[int] | None, styles: Sequence[Sequence[int]], size: tuple[int, int]
) -> None:
    """Accept sizes in which the deepest layer still has a position. Raises ImageSizeError, RecipeError.

    content, styles: (height, width) of the pictures as they were read. size: that of the pastiche.
    """
    layers = recipe.content_layers + recipe.style_layers
    least, deepest = smallest_side(layers), max(layers)
    if 0 < recipe.first_scale < least:
        raise RecipeError(
            f"first_scale is {recipe.first_scale}; {deepest} needs at least {least} pixels at every scale.",
            f"Give --first-scale {least} or more, 0 for one scale, or shallower layers.",
        )
    if content is None and min(size) < least:
        raise ImageSizeError(
            f"size is {size[1]}x{size[0]}; {deepest} needs at least {least} pixels on the short side.",
            f"Use a --size with sides of {least} or more, or shallower layers.",
        )
    for name, option, (height, width) in (
        ("size", "--size", size),
        *(("style_image", "--style-size or --style-scale", style_size(recipe, style, size, size)) for style in styles),
    ):
        if height * width > MAX_PIXELS:
            raise ImageSizeError(
                f"{name} would be {width}x{height} pixels; expected at most {MAX_PIXELS:,} of them.",
                f"Give a smaller {option}.",
            )
    given = [] if content is None else [("content_image", content, size)]
    given += [("style_image", style, style_size(recipe, style, size, size)) for style in styles]
    for name, (H, W), (height, width) in given:
        if min(H, W) < least:
            raise ImageSizeError(
                f"{name} is {W}x{H}; {deepest} needs at least {least} pixels a side to see anything in it.",
                "Use a larger picture, or shallower layers.",
            )
        if min(height, width) < least:
            is_content = name == "content_image"
            enough = math.ceil(-(-least * max(H, W) // min(H, W)) / (1 if is_content else recipe.style_scale))
            option = "--size" if is_content else "--style-size"
            raise ImageSizeError(
                f"{name} is {W}x{H} and would be painted at {width}x{height}; {deepest} needs at least {least} "
                "pixels on the short side.",
                f"Use {option} {enough} or more, a less narrow picture, or shallower layers.",
            )


def style_size(recipe: Recipe, style: Sequence[int], scale: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Return the size (height, width) at which a style image is used, for a pastiche of `size` at `scale`.

    style: (height, width) of the style image as it was read.
    """
    height, width = style
    if recipe.style_size == "same-pixels":
        return fit_pixels(height, width, round(scale[0] * scale[1] * recipe.style_scale**2))
    named = {"long-edge": max(size), "native": max(height, width)}
    long_edge = named[recipe.style_size] if isinstance(recipe.style_size, str) else recipe.style_size
    shrink = max(scale) / max(size)
    return fit_long_edge(height, width, max(1, round(long_edge * shrink * recipe.style_scale)))


def fit_wrap(size: tuple[int, int], padding: str) -> tuple[int, int]:
    """Return the nearest size (height, width) that pools evenly along the directions that this padding wraps around."""
    height, width = (max(WRAP, round(side / WRAP) * WRAP) for side in size)
    return (height if padding == "wrap" else size[0]), (width if padding in ("wrap", "wrap-x") else size[1])

"""Fine style: a style image is repainted with the fine strokes of another painting before the run."""

from torch import Tensor

from impasto.control.sizes import style_size
from impasto.errors import ImageSizeError, RecipeError
from impasto.features.vgg import smallest_side
from impasto.losses.objective import style_padding
from impasto.recipe.recipe import Recipe

SHARE = 0.15
"""Fraction of the run's steps, at the style image's full size. With shallow layers only, a step is cheap."""


def fine_recipe(recipe: Recipe, size: tuple[int, int]) -> Recipe:
    """Return the recipe that repaints a style image of (height, width), as the content, with the strokes of another.

    Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer" (arXiv 1611.07865), section 6: from the
    coarse painting, without a content loss, the Gram matrices of the fine one in the shallow layers alone.
    Differs: of lightness alone, so that the coarse painting keeps its colors, which these layers would repaint.
    """
    if not recipe.fine_layers:
        raise RecipeError(
            "fine_layers is empty and a fine style is given; expected at least one layer.",
            "Give --fine-layers conv1_1,conv2_1, or no --fine-style.",
        )
    return recipe.replace(
        content_layers=(),
        style_layers=recipe.fine_layers,
        statistic=("gram",),
        style_blend=(),
        region_weights=(),
        region_statistics=(),
        style_size="long-edge",
        style_scale=1.0,
        strength=1.0,
        size=size,
        init="content",
        color="content-luma",
        gamut="keep",
        padding=style_padding(recipe),
        steps=max(1, round(SHARE * recipe.steps)),
        first_scale=0,
        tolerance=0.0,
    )


def check_fine_style(recipe: Recipe, fine_style: Tensor, size: tuple[int, int]) -> None:
    """Accept a fine painting, (1, 3, h, w), that is large enough for the fine layers, beside a coarse one of `size`.

    recipe: from `fine_recipe`. Raises ImageSizeError.
    """
    least = smallest_side(recipe.style_layers)
    height, width = style_size(recipe, fine_style.shape[-2:], size, size)
    if min(*fine_style.shape[-2:], height, width) < least:
        H, W = fine_style.shape[-2:]
        raise ImageSizeError(
            f"fine_style is {W}x{H} and would be seen at {width}x{height}; {max(recipe.style_layers)} needs at least "
            f"{least} pixels a side.",
            "Give a larger, less narrow painting, or shallower --fine-layers.",
        )

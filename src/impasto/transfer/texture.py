"""Texture synthesis: a new picture with the texture of a sample."""

from typing import Unpack

from impasto.control.sizes import WRAP, fit_wrap
from impasto.errors import ImageSizeError, RecipeError
from impasto.images.resize import fit_long_edge
from impasto.optimize.events import OnStep
from impasto.painting.inputs import Inputs, check_given, read_inputs
from impasto.painting.job import Job, prepare
from impasto.painting.options import ImageSources, PaintFields, RunOptions, choose_recipe, split_fields
from impasto.painting.paint import paint
from impasto.painting.recorder import start_recorder
from impasto.recipe.fields import shown
from impasto.recipe.files import needs_photograph
from impasto.recipe.recipe import Recipe
from impasto.runs.result import Result
from impasto.transfer.reconstruction import check_weighed

SMALLEST_SAMPLE = 32
"""Pixels that a texture sample has at least on each side."""


def synthesize_texture(
    samples: ImageSources,
    recipe: Recipe | None = None,
    *,
    tileable: bool = False,
    on_step: OnStep | None = None,
    **fields: Unpack[PaintFields],
) -> Result:
    """Paint a new picture with the texture of the samples: the style loss alone, from noise.

    Gatys et al. 2015, "Texture Synthesis Using Convolutional Neural Networks" (arXiv 1505.07376), eq. 4 and 5.
    samples: one or several pictures, mixed by `style_blend`; each at least 32 pixels a side.
    recipe: the preset `texture` if left out; padding="wrap-x" repeats sideways only, for panoramas.
    tileable: the result repeats without a seam, because every convolution wraps around; sides must be multiples of 16.
    size, among the fields of the recipe: (height, width), or the long edge in the first sample's aspect.
    The rest, and what is raised, as for `stylize`.
    """
    job = prepare_texture(samples, recipe, tileable=tileable, **fields)
    return paint(job, start_recorder(job), on_step)


def prepare_texture(
    samples: ImageSources,
    recipe: Recipe | None = None,
    *,
    tileable: bool = False,
    **fields: Unpack[PaintFields],
) -> Job:
    """Return the job that `synthesize_texture` paints."""
    changes, run, _ = split_fields("synthesize_texture", fields, ["recipe", "tileable"])
    if not isinstance(tileable, bool):
        raise RecipeError(f"tileable is {shown(tileable)}; expected True or False.", "Or leave it out.")
    recipe, options = choose_recipe(recipe, "texture", changes), RunOptions(**run)
    if tileable:
        recipe = recipe.replace(padding="wrap")
    check_texture(recipe)
    check_given("texture sample", samples)
    return prepare_sampled(recipe, read_inputs(recipe, options, style_images=samples), options)


def check_texture(recipe: Recipe) -> None:
    """Accept a recipe that paints style alone. Raises RecipeError."""
    if needs_photograph(recipe):
        raise RecipeError(
            f"init is {recipe.init!r}, and a texture has no photograph.", "Use --init noise, style or a picture."
        )
    if not recipe.style_layers:
        raise RecipeError(
            "style_layers is empty; expected at least one layer, since a texture has no content.",
            "Give --style-layers conv1_1,conv2_1, say.",
        )
    if recipe.strength == 0:
        raise RecipeError(
            "strength is 0; expected more than 0, since a texture is style alone.",
            "Leave --strength out, or give --strength 1.",
        )
    check_weighed(recipe, "style")


def prepare_sampled(recipe: Recipe, inputs: Inputs, options: RunOptions) -> Job:
    """Return the job of a texture whose samples were read. Raises ImageSizeError, and what `prepare` raises."""
    if isinstance(recipe.size, str):
        raise RecipeError(
            f"size is {recipe.size!r}, which follows a photograph, and a texture has none.",
            "Give --size 1024, or --size 1024x768.",
        )
    for height, width in (sample.size for sample in inputs.styles):
        if min(height, width) < SMALLEST_SAMPLE:
            raise ImageSizeError(
                f"texture sample is {width}x{height}; expected at least {SMALLEST_SAMPLE} pixels a side.",
                "Use a larger sample: a texture is what repeats within it.",
            )
    size = _fit_texture(recipe.size, inputs.styles[0].size, recipe.padding)
    return prepare(recipe.replace(size=size), inputs, options)


def _fit_texture(size: int | tuple[int, int], sample: tuple[int, int], padding: str) -> tuple[int, int]:
    """Return the texture's (height, width). A given side stays or is refused; one that follows is fitted."""
    asked = fit_long_edge(*sample, size) if isinstance(size, int) else size
    fitted = fit_wrap(asked, padding)
    is_refused = fitted != asked if isinstance(size, tuple) else max(fitted) != size
    if is_refused:
        nearest = f"{fitted[1]}x{fitted[0]}" if isinstance(size, tuple) else max(fitted)
        raise ImageSizeError(
            f"size is {asked[1]}x{asked[0]}; sides that wrap around must be multiples of {WRAP}.",
            f"The nearest is --size {nearest}.",
        )
    return fitted

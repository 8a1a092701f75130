"""A pastiche: the photograph repainted in the style of one or several paintings."""

from typing import Unpack

from impasto.cost.estimate import Estimate
from impasto.errors import RecipeError
from impasto.images.io import ImageSource
from impasto.optimize.events import OnStep
from impasto.painting.inputs import read_inputs
from impasto.painting.job import Job, prepare
from impasto.painting.options import ImageSources, PasticheFields, RunFields, RunOptions
from impasto.painting.paint import paint
from impasto.painting.recorder import start_recorder
from impasto.recipe.recipe import Recipe
from impasto.runs.result import Result


def stylize(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe | None = None,
    *,
    on_step: OnStep | None = None,
    **options: Unpack[PasticheFields],
) -> Result:
    """The content image repainted in the style of the style images: Gatys et al. 2015, eq. 7.

    content_image, style_images: paths, PIL images, arrays (H, W, 3) of uint8 or of floats in [0, 1], or tensors
    (3, H, W) in [0, 1]; one style or a list of them, mixed by the recipe's `style_blend`.
    recipe: what to paint; `Recipe()`, the preset `standard`, if left out.
    on_step: called after every step; may return "stop". Ctrl-C after the first step also gives the best picture so far.
    options: fine_style, masks, device, threads, precision, max_pixels, max_memory, plan, cache, run_dir: see
    `impasto.PasticheFields` and `impasto.RunOptions`.

    Everything is checked before slow work begins. Raises ImageReadError, ImageSizeError, ImageRangeError, MaskError,
    RecipeError, MissingExtraError, WeightsError, DeviceError, MemoryLimitError, DiskError, OutOfMemoryError; all are
    ImpastoError.
    """
    job = prepare_pastiche(content_image, style_images, recipe, **options)
    return paint(job, start_recorder(job), on_step)


def estimate(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe | None = None,
    **options: Unpack[PasticheFields],
) -> Estimate:
    """What `stylize` will cost on this machine, with the same arguments; nothing is painted.

    The first time that a machine, a precision and a kind of recipe meet, a small picture is evaluated, and the speed is
    written to the user's cache folder, where later runs correct it.
    For textures and reconstructions: `prepare_texture(...).estimate()`. Raises what `stylize` raises before slow
    work.
    """
    return prepare_pastiche(content_image, style_images, recipe, **options).estimate()


def prepare_pastiche(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe | None = None,
    *,
    fine_style: ImageSource | None = None,
    content_masks: ImageSources = (),
    style_masks: ImageSources = (),
    only: ImageSource | None = None,
    protect: ImageSource | None = None,
    **fields: Unpack[RunFields],
) -> Job:
    """The job that `stylize` paints."""
    recipe, options = recipe if recipe is not None else Recipe(), RunOptions(**fields)
    check_pastiche(recipe)
    inputs = read_inputs(
        *(recipe, options, content_image, style_images),
        fine_style=fine_style,
        content_masks=content_masks,
        style_masks=style_masks,
        only=only,
        protect=protect,
    )
    return prepare(recipe, inputs, options)


def check_pastiche(recipe: Recipe) -> None:
    """Accept a recipe of a single pastiche in the photograph's aspect. Raises RecipeError."""
    if recipe.frames > 1:
        raise RecipeError(
            f"frames is {recipe.frames}; expected 1, since one pastiche is made here.",
            "Use impasto.morph, or `impasto stylize`, for a morph.",
        )
    if isinstance(recipe.size, tuple):
        raise RecipeError(
            f"size is {recipe.size[1]}x{recipe.size[0]}; a pastiche keeps the photograph's aspect.",
            f"Give its long edge alone: --size {max(recipe.size)}.",
        )

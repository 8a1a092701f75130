"""A pastiche: the photograph repainted in the style of one or several paintings."""

from typing import Unpack

from impasto.cost.estimate import Estimate
from impasto.errors import RecipeError
from impasto.images.io import ImageSource
from impasto.optimize.events import OnStep
from impasto.painting.inputs import check_given, read_inputs
from impasto.painting.job import Job, prepare
from impasto.painting.options import ImageSources, PasticheFields, RunOptions, choose_recipe, split_fields
from impasto.painting.paint import paint
from impasto.painting.recorder import start_recorder
from impasto.recipe.checks import check_aspect
from impasto.recipe.recipe import Recipe
from impasto.runs.result import Result
from impasto.transfer.instant import paint_start


def stylize(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe | None = None,
    *,
    on_step: OnStep | None = None,
    **fields: Unpack[PasticheFields],
) -> Result:
    """Paint the content image in the style of the style images: Gatys et al. 2015, eq. 7.

    content_image, style_images: paths, open files, bytes, PIL images, arrays or tensors, as `read_image` takes them;
    one style or a list of them, mixed by `style_blend`.
    recipe: what to paint; the preset `standard` if left out. Any field of `impasto.Recipe` as a keyword changes it.
    on_step: called after every step; may return "stop". Ctrl-C after the first step also gives the best picture so far.
    fields: strength, size and all others of the recipe; device, threads, max_memory, run_dir and all others of
    `impasto.RunOptions`; fine_style and masks: see `impasto.PasticheFields`.

    Everything is checked before slow work begins. Raises ImageReadError, ImageSizeError, ImageRangeError, MaskError,
    RecipeError, MissingExtraError, WeightsError, DeviceError, MemoryLimitError, DiskError, OutOfMemoryError; all are
    ImpastoError.
    """
    job = prepare_pastiche(content_image, style_images, recipe, **fields)
    return paint(job, start_recorder(job), on_step)


def estimate(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe | None = None,
    **fields: Unpack[PasticheFields],
) -> Estimate:
    """Return what `stylize` will cost on this machine, with the same arguments; nothing is painted.

    The first time that a machine, a precision and a kind of recipe meet, a small picture is evaluated, and the speed is
    written to the user's cache folder, where later runs correct it.
    For textures and reconstructions: `prepare_texture(...).estimate()`. Raises what `stylize` raises before slow
    work.
    """
    split_fields("estimate", fields, ["recipe", *PasticheFields.__annotations__])
    return prepare_pastiche(content_image, style_images, recipe, **fields).estimate()


def prepare_pastiche(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe | None = None,
    **fields: Unpack[PasticheFields],
) -> Job:
    """Return the job that `stylize` paints."""
    changes, run, pictures = split_fields("stylize", fields, ["recipe", *PasticheFields.__annotations__])
    recipe, options = choose_recipe(recipe, "standard", changes), RunOptions(**run)
    check_pastiche(recipe)
    check_given("content image", content_image)
    check_given("style image", style_images)
    return paint_start(prepare(recipe, read_inputs(recipe, options, content_image, style_images, **pictures), options))


def check_pastiche(recipe: Recipe) -> None:
    """Accept a recipe of a single pastiche in the photograph's aspect. Raises RecipeError."""
    if recipe.frames > 1:
        raise RecipeError(
            f"frames is {recipe.frames}; expected 1, since one pastiche is made here.",
            "Use impasto.morph, or `impasto stylize`, for a morph.",
        )
    check_aspect(recipe.size)

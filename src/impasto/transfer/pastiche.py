"""The door: from pictures and a recipe to a pastiche, a texture or a reconstruction, and what it will cost."""

from collections.abc import Iterator
from typing import Unpack

from impasto.cost.estimate import Estimate
from impasto.images.io import ImageSource
from impasto.optimize.events import OnStep
from impasto.painting.options import How, ImageSources, PasticheHow
from impasto.recipe.recipe import Recipe
from impasto.runs.result import Result
from impasto.transfer.morph import prepare_morph
from impasto.transfer.preparation import prepare_pastiche, prepare_reconstruction, prepare_texture


def stylize(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe | None = None,
    *,
    on_step: OnStep | None = None,
    **how: Unpack[PasticheHow],
) -> Result:
    """The content image repainted in the style of the style images: Gatys et al. 2015, eq. 7.

    content_image, style_images: paths, PIL images, arrays (H, W, 3) of uint8 or of floats in [0, 1], or tensors
    (3, H, W) in [0, 1]; one style or a list of them, mixed by the recipe's `style_blend`.
    recipe: what to paint; `Recipe()`, the preset `standard`, if left out.
    on_step: called after every step; may return "stop". Ctrl-C after the first step also gives the best picture so far.
    how: fine_style, masks, device, threads, precision, max_pixels, max_memory, plan, run_dir: see
    `impasto.PasticheHow`.

    Everything is checked before slow work begins. Raises ImageReadError, ImageSizeError, ImageRangeError, MaskError,
    RecipeError, MissingExtraError, WeightsError, DeviceError, MemoryLimitError, DiskError, OutOfMemoryError; all are
    ImpastoError.
    """
    painting = prepare_pastiche(content_image, style_images, recipe, **how)
    return painting.paint(on_step)


def morph(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe | None = None,
    *,
    frames: int = 24,
    on_step: OnStep | None = None,
    **how: Unpack[PasticheHow],
) -> Iterator[Result]:
    """The content image on its way from the first style through all to the last, a `Result` a frame, the ends included.

    style_images: two or more. frames: as many at least. Each frame is painted on from the one before, with the
    recipe's `frame_steps`, so that they hang together. The shares of the styles, `Result.frame.style_blend`, are such
    that the blend of their statistics moves evenly.
    Everything is checked at once, before slow work; a frame is painted when it is asked for. A frame that was stopped
    is given only if it is the first. The rest, and what is raised, as for `stylize`; a `plan` is refused.
    """
    recipe = (recipe if recipe is not None else Recipe()).replace(frames=frames)
    return prepare_morph(content_image, style_images, recipe, **how).paint(on_step)


def estimate(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe | None = None,
    **how: Unpack[PasticheHow],
) -> Estimate:
    """What `stylize` will cost on this machine, with the same arguments; nothing is painted.

    The first time a machine, a precision and a kind of recipe meet, two small pictures are evaluated, for a second or
    two, and the speed is written to the user's cache folder, where the runs of the command line correct it.
    For textures and reconstructions: `prepare_texture(...).estimate()`, `prepare_reconstruction(...).estimate()`.
    Raises what `stylize` raises before slow work.
    """
    painting = prepare_pastiche(content_image, style_images, recipe, **how)
    return painting.estimate()


def synthesize_texture(
    samples: ImageSources,
    *,
    size: int | tuple[int, int] | None = None,
    tileable: bool = False,
    recipe: Recipe | None = None,
    on_step: OnStep | None = None,
    **how: Unpack[How],
) -> Result:
    """A new picture with the texture of the samples: the style loss alone, from noise.

    Gatys et al. 2015, "Texture Synthesis Using Convolutional Neural Networks" (arXiv 1505.07376), eq. 4 and 5.
    samples: one or several pictures, mixed by the recipe's `style_blend`; each at least 32 pixels a side.
    size: (height, width), or the long edge in the first sample's aspect; the recipe's size if left out.
    tileable: the result repeats without a seam, because every convolution wraps around; sides must be multiples of 16.
    recipe: the preset `texture` if left out; its padding "wrap-x" repeats sideways only, for panoramas.
    The rest, and what is raised, as for `stylize`.
    """
    painting = prepare_texture(
        samples,
        size=size,
        tileable=tileable,
        recipe=recipe,
        **how,
    )
    return painting.paint(on_step)


def reconstruct(
    image: ImageSource,
    *,
    content_layers: tuple[str, ...] = (),
    style_layers: tuple[str, ...] = (),
    content_layer_weights: tuple[float, ...] = (),
    style_layer_weights: tuple[float, ...] = (),
    recipe: Recipe | None = None,
    on_step: OnStep | None = None,
    **how: Unpack[How],
) -> Result:
    """The picture that has, from noise, the same responses in the content layers or the same style in the style layers.

    Gatys et al. 2015, figure 1: eq. 1 alone (bottom row) or eq. 5 alone (top row), in the network with its original
    maximum pooling, as the caption says.
    content_layers, style_layers: one of them. content_layer_weights, style_layer_weights: one a layer of that kind; if
    left out, the recipe's where its layers are the same, or else equal ones.
    recipe: the preset `reconstruct` if left out; its strength does not matter, since there is nothing to mix.
    The rest, and what is raised, as for `stylize`.
    """
    painting = prepare_reconstruction(
        image,
        content_layers=content_layers,
        style_layers=style_layers,
        content_layer_weights=content_layer_weights,
        style_layer_weights=style_layer_weights,
        recipe=recipe,
        **how,
    )
    return painting.paint(on_step)

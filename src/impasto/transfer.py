"""The door: from pictures and a recipe to a pastiche, a texture or a reconstruction."""

from typing import Any, Literal

from impasto.errors import ImageSizeError, RecipeError
from impasto.images.io import MAX_PIXELS, ImageSource
from impasto.images.resize import fit_long_edge
from impasto.optimize.events import OnStep
from impasto.painting import WRAP, Painting, Result, fit_wrap
from impasto.recipe import Recipe

SMALLEST_SAMPLE = 32
"""Pixels that a texture sample has at least on each side."""

Kind = Literal["content", "style"]

ImageSources = ImageSource | list[Any] | tuple[Any, ...]
"""One picture, or a list or tuple of them."""


def stylize(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe | None = None,
    *,
    device: str = "auto",
    threads: int | None = None,
    precision: str = "auto",
    max_pixels: int = MAX_PIXELS,
    max_memory: int | None = None,
    on_step: OnStep | None = None,
) -> Result:
    """The content image repainted in the style of the style images: Gatys et al. 2015, eq. 7.

    content_image, style_images: paths, PIL images, arrays (H, W, 3) of uint8 or of floats in [0, 1], or tensors
    (3, H, W) in [0, 1]; one style or a list of them, mixed by the recipe's `style_blend`.
    recipe: what to paint; `Recipe()`, the preset `standard`, if left out.
    device: "auto", "cpu", "cuda", "cuda:1", "mps". threads: CPU threads. max_pixels: the largest picture read.
    precision: "float32", "bfloat16" or "auto", bfloat16 where the device is faster with it; never in the steps that the
    recipe's float32_share sets apart.
    max_memory: bytes that the process, or torch on the GPU, may take; 70 % of what is free if left out. A picture that
    needs more is seen in tiles, with the same result but for rounding.
    on_step: called after every step; may return "stop". Ctrl-C after the first step also gives the best picture so far.

    Everything is checked before slow work begins. Raises ImageReadError, ImageSizeError, ImageRangeError, RecipeError,
    WeightsError, DeviceError, MemoryLimitError, DiskError, OutOfMemoryError; all are ImpastoError.
    """
    recipe = recipe if recipe is not None else Recipe()
    painting = Painting(recipe, device, threads, precision, max_pixels, on_step, max_memory)
    return painting.paint(_read_for_pastiche(painting, content_image, style_images))


def check_stylize(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe,
    *,
    device: str = "auto",
    max_pixels: int = MAX_PIXELS,
) -> None:
    """Raises what `stylize` would raise before its slow work: for a plan of many pictures, before the first of them."""
    painting = Painting(recipe, device, None, "auto", max_pixels, None)
    painting.check(_read_for_pastiche(painting, content_image, style_images))


def synthesize_texture(
    samples: ImageSources,
    *,
    size: int | tuple[int, int] | None = None,
    tileable: bool = False,
    recipe: Recipe | None = None,
    device: str = "auto",
    threads: int | None = None,
    precision: str = "auto",
    max_pixels: int = MAX_PIXELS,
    max_memory: int | None = None,
    on_step: OnStep | None = None,
) -> Result:
    """A new picture with the texture of the samples: the style loss alone, from noise.

    Gatys et al. 2015, "Texture Synthesis Using Convolutional Neural Networks" (arXiv 1505.07376), eq. 4 and 5.
    samples: one or several pictures, mixed by the recipe's `style_blend`; each at least 32 pixels a side.
    size: (height, width), or the long edge in the first sample's aspect; the recipe's size if left out.
    tileable: the result repeats without a seam, because every convolution wraps around; sides must be multiples of 16.
    recipe: the preset `texture` if left out; its padding "wrap-x" repeats sideways only, for panoramas.
    The rest, and what is raised, as for `stylize`.
    """
    recipe = recipe if recipe is not None else Recipe.preset("texture")
    if tileable:
        recipe = recipe.replace(padding="wrap")
    if recipe.init == "content":
        raise RecipeError("init is 'content', and a texture has none.", "Use --init noise, style or a picture.")
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
    _check_weighed(recipe, "style")
    painting = Painting(recipe, device, threads, precision, max_pixels, on_step, max_memory)
    sizes = [painting.read("style", source) for source in _listed(samples)]
    for height, width in sizes:
        if min(height, width) < SMALLEST_SAMPLE:
            raise ImageSizeError(
                f"texture sample is {width}x{height}; expected at least {SMALLEST_SAMPLE} pixels a side.",
                "Use a larger sample: a texture is what repeats within it.",
            )
    fitted = _fit_texture(recipe.size if size is None else size, sizes[0], recipe.padding)
    painting.recipe = recipe.replace(size=fitted)
    return painting.paint(fitted)


def reconstruct(
    image: ImageSource,
    *,
    content_layers: tuple[str, ...] = (),
    style_layers: tuple[str, ...] = (),
    content_layer_weights: tuple[float, ...] = (),
    style_layer_weights: tuple[float, ...] = (),
    recipe: Recipe | None = None,
    device: str = "auto",
    threads: int | None = None,
    precision: str = "auto",
    max_pixels: int = MAX_PIXELS,
    max_memory: int | None = None,
    on_step: OnStep | None = None,
) -> Result:
    """The picture that has, from noise, the same responses in the content layers or the same style in the style layers.

    Gatys et al. 2015, figure 1: eq. 1 alone (bottom row) or eq. 5 alone (top row), in the network with its original
    maximum pooling, as the caption says.
    content_layers, style_layers: one of them. content_layer_weights, style_layer_weights: one a layer of that kind; if
    left out, the recipe's where its layers are the same, or else equal ones.
    recipe: the preset `reconstruct` if left out; its strength does not matter, since there is nothing to mix.
    The rest, and what is raised, as for `stylize`.
    """
    recipe = recipe if recipe is not None else Recipe.preset("reconstruct")
    if bool(content_layers) == bool(style_layers):
        raise RecipeError(
            f"content_layers and style_layers are {'both given' if content_layers else 'both empty'}; "
            "expected one of them.",
            "Give --content-layers conv4_2, say, or --style-layers conv1_1,conv2_1.",
        )
    if isinstance(recipe.size, tuple) or recipe.init in ("content", "style"):
        raise RecipeError(
            f"size is {recipe.size}, init {recipe.init!r}; a reconstruction keeps the picture's aspect and does not "
            "start from it.",
            "Give the long edge alone as --size, and --init noise.",
        )
    size = recipe.size
    if content_layers:
        recipe = _reconstruction(recipe, "content", content_layers, content_layer_weights, style_layer_weights)
    else:
        recipe = _reconstruction(recipe, "style", style_layers, style_layer_weights, content_layer_weights)
    painting = Painting(recipe, device, threads, precision, max_pixels, on_step, max_memory)
    height, width = painting.read("content" if content_layers else "style", image)
    return painting.paint(fit_long_edge(height, width, size))


def _reconstruction(
    recipe: Recipe, kind: Kind, layers: tuple[str, ...], weights: tuple[float, ...], others: tuple[float, ...]
) -> Recipe:
    """The recipe of a reconstruction from the layers of one kind; others: the weights given for the other kind."""
    other = "style" if kind == "content" else "content"
    if others:
        raise RecipeError(
            f"{other}_layer_weights are given to reconstruct {kind}_layers; expected weights of these, or none.",
            f"Give --{kind}-layer-weights, or leave --{other}-layer-weights out.",
        )
    mine: dict[str, Any] = {f"{kind}_layers": layers, f"{kind}_layer_weights": weights}
    wanted = recipe.replace(**{f"{other}_layers": (), f"{other}_layer_weights": ()}, **mine)
    if not weights and getattr(wanted, f"{kind}_layers") == getattr(recipe, f"{kind}_layers"):
        wanted = wanted.replace(**{f"{kind}_layer_weights": getattr(recipe, f"{kind}_layer_weights")})
    _check_weighed(wanted, kind)
    return wanted if wanted.strength is None else wanted.replace(strength=0.0 if kind == "content" else 1.0)


def _check_weighed(recipe: Recipe, kind: Kind) -> None:
    if getattr(recipe, f"{kind}_weight") == 0:
        raise RecipeError(
            f"{kind}_weight is 0; expected a weight above 0, since nothing but {kind} is painted here.",
            f"Leave --{kind}-weight out, or give --{kind}-weight 1.",
        )


def _read_for_pastiche(
    painting: Painting, content_image: ImageSource, style_images: ImageSources
) -> tuple[int, int]:
    """Reads the inputs; returns the pastiche's (height, width)."""
    size = painting.recipe.size
    if isinstance(size, tuple):
        raise RecipeError(
            f"size is {size[1]}x{size[0]}; a pastiche keeps the photograph's aspect.",
            f"Give its long edge alone: --size {max(size)}.",
        )
    height, width = painting.read("content", content_image)
    for source in _listed(style_images):
        painting.read("style", source)
    return fit_long_edge(height, width, size)


def _fit_texture(size: int | tuple[int, int], sample: tuple[int, int], padding: str) -> tuple[int, int]:
    """The texture's (height, width). A side that was asked for stays or is refused; one that follows is fitted."""
    asked = fit_long_edge(*sample, size) if isinstance(size, int) else size
    fitted = fit_wrap(asked, padding)
    refused = fitted != asked if isinstance(size, tuple) else max(fitted) != size
    if refused:
        told = f"{fitted[1]}x{fitted[0]}" if isinstance(size, tuple) else max(fitted)
        raise ImageSizeError(
            f"size is {asked[1]}x{asked[0]}; sides that wrap around must be multiples of {WRAP}.",
            f"The nearest is --size {told}.",
        )
    return fitted


def _listed(sources: ImageSources) -> list[ImageSource]:
    return list(sources) if isinstance(sources, (list, tuple)) else [sources]

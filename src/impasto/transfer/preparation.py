"""A run made ready: pictures read, everything checked that can be wrong, the plan made, and nothing painted yet."""

from typing import Any, Literal, Unpack

from impasto.control.sizes import WRAP, fit_wrap
from impasto.errors import ImageSizeError, RecipeError
from impasto.images.io import ImageSource
from impasto.images.resize import fit_long_edge
from impasto.painting.options import How, ImageSources
from impasto.painting.painting import Painting
from impasto.recipe.recipe import Recipe

SMALLEST_SAMPLE = 32
"""Pixels that a texture sample has at least on each side."""

Kind = Literal["content", "style"]


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
    **how: Unpack[How],
) -> Painting:
    """What `stylize` will paint: its `estimate()` tells the cost, its `paint()` is the rest of the run."""
    recipe = recipe if recipe is not None else Recipe()
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
    painting = Painting(recipe, **how)
    inputs = painting.inputs
    content = inputs.read("content", content_image)
    styles = [inputs.read("style", source) for source in _listed(style_images)]
    if fine_style is not None:
        inputs.read("fine_style", fine_style)
    for source in _listed(content_masks):
        inputs.read_mask("content_mask", source, content)
    for index, source in enumerate(_listed(style_masks)):
        # One style has all the masks; of too many masks `prepare` tells.
        own = min(index, len(styles) - 1)
        inputs.read_mask("style_mask", source, styles[own])
    inputs.read_masks(only, protect, content)
    return painting.prepare(fit_long_edge(*content.size, recipe.size))


def prepare_texture(
    samples: ImageSources,
    *,
    size: int | tuple[int, int] | None = None,
    tileable: bool = False,
    recipe: Recipe | None = None,
    **how: Unpack[How],
) -> Painting:
    """What `synthesize_texture` will paint, as `prepare_pastiche`."""
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
    painting = Painting(recipe, **how)
    painting.keeping.kind = "texture"
    sizes = [painting.inputs.read("style", source).size for source in _listed(samples)]
    for height, width in sizes:
        if min(height, width) < SMALLEST_SAMPLE:
            raise ImageSizeError(
                f"texture sample is {width}x{height}; expected at least {SMALLEST_SAMPLE} pixels a side.",
                "Use a larger sample: a texture is what repeats within it.",
            )
    fitted = _fit_texture(recipe.size if size is None else size, sizes[0], recipe.padding)
    painting.recipe = recipe.replace(size=fitted)
    return painting.prepare(fitted)


def prepare_reconstruction(
    image: ImageSource,
    *,
    content_layers: tuple[str, ...] = (),
    style_layers: tuple[str, ...] = (),
    content_layer_weights: tuple[float, ...] = (),
    style_layer_weights: tuple[float, ...] = (),
    recipe: Recipe | None = None,
    **how: Unpack[How],
) -> Painting:
    """What `reconstruct` will paint, as `prepare_pastiche`."""
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
    painting = Painting(recipe, **how)
    painting.keeping.kind = "reconstruct"
    height, width = painting.inputs.read("content" if content_layers else "style", image).size
    return painting.prepare(fit_long_edge(height, width, size))


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

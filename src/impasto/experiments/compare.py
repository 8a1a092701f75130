"""Comparison of a pastiche with its inputs: the terms of the objective under a recipe, and quality figures."""

import dataclasses
import logging
import os
import time
from dataclasses import dataclass
from typing import Any, Unpack

import torch
from torch import Tensor

from impasto.control.color import prepare_colors, to_painted
from impasto.control.regions import Masks, build_regions
from impasto.control.sizes import style_size
from impasto.errors import ImageSizeError, RecipeError
from impasto.experiments.quality import (
    LEAST_SIDE,
    LONG_EDGE,
    STRUCTURE_METRIC_LAYER,
    STYLE_METRIC_LAYERS,
    Quality,
    RegionQuality,
    measure_quality,
    measure_regions,
)
from impasto.features.encoder import build_encoder
from impasto.features.vgg import smallest_side
from impasto.images.io import ImageSource, read_image, read_metadata, read_picture
from impasto.images.masks import read_mask
from impasto.images.picture import Picture, hold_source
from impasto.images.resize import fit_long_edge, resize_image
from impasto.losses.objective import Objective
from impasto.losses.proportions import find_shares, share_regions
from impasto.painting.options import ImageSources, PaintFields, RunOptions, choose_recipe, split_fields
from impasto.recipe.recipe import Recipe
from impasto.runs.recipes import recipe_inside
from impasto.runs.result import Result
from impasto.system.device import resolve_device
from impasto.system.torch_settings import products_in, running, torch_defaults

QUALITY_NETWORK = Recipe()
"""The recipe whose network measures the figures, whatever painted the picture, so that pictures compare."""

SMALLEST = 16
"""Least pixels of a picture on each side."""

ASPECT_TOLERANCE = 0.05

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermValue:
    """One weighted term of the objective: what it belongs to ("content", "style", "tv"), its name, its value."""

    term: str
    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Figures and objective of a pastiche.

    size: its own (height, width). terms, total: the objective at that size. optimised_layers: the layers of the figures
    that the recipe optimizes, whose figures are therefore too good. regions: the style figures of each region,
    where there are masks or transparent pixels.
    """

    size: tuple[int, int]
    figures: Quality
    terms: tuple[TermValue, ...]
    total: float
    optimised_layers: tuple[str, ...]
    regions: tuple[RegionQuality, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return size, figures, objective (terms and total), optimised_layers, regions and seconds as JSON values."""
        return {
            "size": {"width": self.size[1], "height": self.size[0]},
            "figures": dataclasses.asdict(self.figures),
            "objective": {"terms": [dataclasses.asdict(term) for term in self.terms], "total": self.total},
            "optimised_layers": list(self.optimised_layers),
            "regions": [dataclasses.asdict(region) for region in self.regions],
            "seconds": round(self.seconds, 3),
        }


@torch_defaults()
@products_in("float32")
def compare(
    content_image: ImageSource,
    style_image: ImageSource,
    pastiche: ImageSource | Result,
    recipe: Recipe | None = None,
    *,
    content_masks: ImageSources = (),
    style_masks: ImageSources = (),
    **fields: Unpack[PaintFields],
) -> Comparison:
    """Return the objective's terms and the quality figures of a pastiche, a picture or a `Result`.

    recipe: whose objective; that of the result or inside the picture, or else `standard`, if left out. The objective is
    taken at the pastiche's own size, as if it had just been painted; the figures as `measure_quality` says.
    The content image is stretched to the pastiche's aspect, with a warning, and refused beyond 5 %. The style image
    itself may be given as the pastiche; its style figures are 0.
    content_masks, style_masks: regions, as for `stylize`, of this one style image: the objective's style terms and the
    style figures are then per region. Alpha is used in the objective as it is while painting.
    fields: changes of the recipe; of the run options device, threads and max_pixels.
    Raises ImageReadError, ImageSizeError, MaskError, RecipeError, WeightsError, DeviceError, OutOfMemoryError.
    """
    started = time.perf_counter()
    own, taken = ("recipe", "content_masks", "style_masks"), ("device", "threads", "max_pixels")
    changes, run, _ = split_fields("compare", fields, own, taken)
    options = RunOptions(**run)
    chosen, max_pixels = resolve_device(options.device), options.max_pixels
    if isinstance(pastiche, Result):
        recipe, pastiche = recipe if recipe is not None else pastiche.recipe, pastiche.pastiche
    source: ImageSource = hold_source(pastiche)
    recipe = recipe if recipe is not None else find_recipe(source)[0]
    recipe = _for_one_style(choose_recipe(recipe, "standard", changes))
    photograph = read_picture(content_image, name="content_image", max_pixels=max_pixels)
    painting = read_picture(style_image, name="style_image", max_pixels=max_pixels)
    content, style = photograph.image, painting.image
    picture = read_image(source, name="pastiche", max_pixels=max_pixels)
    size = (picture.shape[-2], picture.shape[-1])
    _check_sizes(recipe, content, style, picture)
    _check_aspect(content, style, picture)
    masks = Masks(
        size=size,
        style_sizes=[style_size(recipe, style.shape[-2:], size, size)],
        content_masks=_read_masks("content_mask", content_masks, photograph, max_pixels),
        style_masks=_read_masks("style_mask", style_masks, painting, max_pixels),
        content_alpha=photograph.alpha,
        style_alphas=[painting.alpha],
    )
    if not masks.content_masks:
        recipe = recipe.replace(region_weights=(), region_statistics=())
        if not masks.style_masks:
            _warn_of_regions(source)
    regions = build_regions(recipe, masks)
    encoders = [build_encoder(one, (content, style))[0].to(chosen) for one in (recipe, QUALITY_NETWORK)]
    with running(chosen, options.threads, "Give smaller pictures, or close other programs."):
        content, style, picture = (image.to(chosen) for image in (content, style, picture))
        shared = share_regions(recipe, regions, find_shares(encoders[0], recipe, content, [style]))
        painted, (prepared,) = prepare_colors(recipe, content, [style], photograph.alpha, [painting.alpha], shared)
        assert painted is not None
        objective = Objective(
            encoders[0],
            recipe,
            resize_image(painted, size, recipe.resampling),
            [resize_image(prepared, masks.style_sizes[0], recipe.resampling)],
            [region.resized(size, masks.style_sizes).to(chosen) for region in shared],
        )
        terms, total = _evaluate(objective, to_painted(recipe, picture))
        layers = [layer for layer in (*STYLE_METRIC_LAYERS, STRUCTURE_METRIC_LAYER) if layer in objective.layers]
        del objective
        figures = measure_quality(encoders[1], content, style, picture)
        by_region = measure_regions(encoders[1], style, picture, regions)
    return Comparison(
        size=size,
        figures=figures,
        terms=terms,
        total=total,
        optimised_layers=tuple(layers),
        regions=by_region,
        seconds=time.perf_counter() - started,
    )


def find_recipe(pastiche: ImageSource) -> tuple[Recipe, str]:
    """Return the recipe inside a picture and "picture", or else `standard` and "preset standard"."""
    try:
        inside = recipe_inside(pastiche) if isinstance(pastiche, (str, os.PathLike, bytes)) else None
    except RecipeError as error:
        raise RecipeError(error.error, "Name another with --preset or --recipe.") from error
    return (Recipe(), "preset standard") if inside is None else (inside, "picture")


def _read_masks(name: str, sources: ImageSources, picture: Picture, max_pixels: int) -> list[Tensor]:
    of = "photograph" if name == "content_mask" else "style image"
    listed = sources if isinstance(sources, (list, tuple)) else [sources]
    return [
        read_mask(source, picture, name=f"{name} {number}", of=of, max_pixels=max_pixels).image
        for number, source in enumerate(listed, start=1)
    ]


def _warn_of_regions(pastiche: ImageSource) -> None:
    metadata = read_metadata(pastiche) if isinstance(pastiche, (str, os.PathLike, bytes)) else None
    inputs = (metadata or {}).get("inputs")
    roles = [entry.get("role") for entry in inputs if isinstance(entry, dict)] if isinstance(inputs, list) else []
    if "content_mask" in roles or "style_mask" in roles:
        logger.warning(
            "it was painted by regions; its style terms here are those of the whole picture. --content-mask and "
            "--style-mask give them region by region."
        )


def _for_one_style(recipe: Recipe) -> Recipe:
    if len(recipe.style_blend) < 2:
        return recipe
    logger.warning("the recipe blends %d styles; the one given here stands for all.", len(recipe.style_blend))
    return recipe.replace(style_blend=())


def _evaluate(objective: Objective, picture: Tensor) -> tuple[tuple[TermValue, ...], float]:
    """Return every term, then the sums that have no layers, such as "tv"; and the total."""
    with torch.no_grad():
        sums = {name: float(value) for name, value in objective(picture).items()}
        features = objective.encoder(picture, objective.layers)
        terms = [
            TermValue(term=group, name=term.name, value=float(term.value(features)))
            for group, members in objective.terms.items()
            for term in members
        ]
    rest = [name for name in sums if name not in objective.terms and name != "total"]
    return (*terms, *(TermValue(term=name, name=name, value=sums[name]) for name in rest)), sums["total"]


def _check_sizes(recipe: Recipe, content: Tensor, style: Tensor, picture: Tensor) -> None:
    size = (picture.shape[-2], picture.shape[-1])
    layers = recipe.content_layers + recipe.style_layers
    least = max(SMALLEST, smallest_side(layers))
    for name, image in (("content_image", content), ("style_image", style), ("pastiche", picture)):
        H, W = image.shape[-2:]
        if min(H, W) < least:
            raise ImageSizeError(
                f"{name} is {W}x{H}; expected at least {least} pixels a side to compare.", "Use a larger picture."
            )
        if min(fit_long_edge(H, W, LONG_EDGE)) < LEAST_SIDE:
            raise ImageSizeError(
                f"{name} is {W}x{H}; expected at most {LONG_EDGE // LEAST_SIDE} times as long as wide.",
                "Compare a part of it that is less narrow.",
            )
    height, width = style_size(recipe, style.shape[-2:], size, size)
    if min(height, width) < smallest_side(layers):
        raise ImageSizeError(
            f"style_image would be {width}x{height} under this recipe; {max(layers)} needs at least "
            f"{smallest_side(layers)} pixels on the short side.",
            "Give a --recipe with a larger style_size or with shallower layers.",
        )


def _check_aspect(content: Tensor, style: Tensor, picture: Tensor) -> None:
    (H, W), (height, width) = content.shape[-2:], picture.shape[-2:]
    stretch = (width / height) / (W / H)
    is_style = style.shape == picture.shape and torch.equal(style, picture)
    if max(stretch, 1 / stretch) > 1 + ASPECT_TOLERANCE and not is_style:
        raise ImageSizeError(
            f"pastiche is {width}x{height}, {width / height:.2f} to 1, and content_image {W}x{H}, {W / H:.2f} to 1; "
            f"expected one aspect, within {ASPECT_TOLERANCE:.0%}.",
            "Give the photograph that it was painted from, in the order CONTENT STYLE PASTICHE, or crop one of them.",
        )
    fitted = fit_long_edge(H, W, max(height, width))
    if max(abs(fitted[0] - height), abs(fitted[1] - width)) > 1:
        logger.warning("content_image is %dx%d; it is stretched to the pastiche's %dx%d.", W, H, width, height)

"""An instant pastiche: the photograph in the style of any painting, in one pass of a network."""

import logging
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypedDict, Unpack

import torch
from torch import Tensor

from impasto.control.color import check_color, finish_colors, is_grey, mean_channels, prepare_colors
from impasto.control.sizes import picture_size
from impasto.errors import RecipeError, RunError
from impasto.fast.instant import NAME, InstantNetwork, check_instant, find_files, load_instant
from impasto.fast.model import read_model
from impasto.fast.result import OnePassResult
from impasto.fast.strips import StripPainter
from impasto.images.io import ImageSource
from impasto.images.picture import Picture
from impasto.images.resize import fit_long_edge, resize_image
from impasto.painting.inputs import check_given, read_inputs
from impasto.painting.job import Job, memory_hint
from impasto.painting.options import ImageSources, RunOptions, choose_recipe
from impasto.painting.targets import build_targets
from impasto.recipe.checks import check_aspect, check_blend
from impasto.recipe.fields import check_names, format_value, to_plain
from impasto.recipe.files import begins_with_network
from impasto.recipe.recipe import ONE_PASS, Recipe
from impasto.runs.record import Input
from impasto.system.device import peak_bytes, resolve_devices
from impasto.system.torch_settings import default_threads, products_in, running, torch_defaults

logger = logging.getLogger(__name__)


class InstantFields(TypedDict, total=False):
    """The keyword arguments of `stylize_instantly`: fields of `Recipe` and of `RunOptions`, which say what each means.

    strength: 1 by default; below 1 the style vector is mixed with the photograph's own.
    """

    strength: float | None
    style_blend: tuple[float, ...]
    size: int | tuple[int, int] | str
    resampling: Literal["bicubic", "bilinear"]
    color: Literal["content-luma", "style", "match", "histogram", "oklab", "content"]
    recolor: float
    placement: float
    color_map: Literal["cholesky", "pca", "monge"]
    depth: Literal[8, 16] | None
    dpi: float | None
    keep_profile: bool
    strip: bool
    device: str | torch.device
    threads: int | None
    max_pixels: int
    max_memory: int | str | None


RUN_FIELDS = ("device", "threads", "max_pixels", "max_memory")

RECIPE_FIELDS = tuple(name for name in InstantFields.__annotations__ if name not in RUN_FIELDS)
"""Fields of a recipe that an instant pastiche heeds."""

START_EDGE = 1024
"""Longest edge of a start image, in pixels: a larger picture is begun at a coarser scale."""


@torch_defaults()
def stylize_instantly(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe | None = None,
    **fields: Unpack[InstantFields],
) -> OnePassResult:
    """Paint the content image in the style of the style images in one pass: Ghiasi et al. 2017 (arXiv 1705.06830).

    content_image, style_images: as for `stylize`; the styles are mixed by `style_blend`.
    recipe: its fields that count here are those of `InstantFields`; `Recipe(strength=1.0, recolor=0.0)` if left out.

    Needs the extra `instant`. Raises MissingExtraError where it is not installed, WeightsError, ImageReadError,
    ImageSizeError, ImageRangeError, RecipeError, DeviceError, MemoryLimitError, OutOfMemoryError.
    """
    recipe, options = choose_instant(recipe, fields)
    check_given("content image", content_image)
    check_given("style image", style_images)
    find_files()
    device = resolve_devices(options.device)[0]
    inputs = read_inputs(recipe, options, content_image, style_images)
    content = inputs.content
    assert content is not None
    blend = check_blend(recipe.style_blend, len(inputs.styles))
    check_color(recipe, has_content=True, has_styles=True)
    size = picture_size(recipe.size, content.size)
    check_instant(size, device, options.max_memory)
    threads = options.threads if options.threads is not None else default_threads()
    with running(device, threads, f"Lower --size (now {max(size)}), or close other programs."), products_in("float32"):
        network = load_instant(device)
        start_s = time.perf_counter()
        pastiche = paint_instantly(network, recipe, content, inputs.styles, blend)
    return OnePassResult(
        pastiche=pastiche,
        recipe=recipe,
        seconds=time.perf_counter() - start_s,
        peak_bytes=peak_bytes(device),
        inputs=tuple(Input.of(role, picture) for role, picture in inputs.by_role()),
        carried=inputs.carried,
        network=NAME,
        sha256=network.sha256,
    )


def paint_instantly(
    network: InstantNetwork, recipe: Recipe, content: Picture, styles: Sequence[Picture], blend: Sequence[float]
) -> Tensor:
    """Return the content image in the mixed style of the style images, (1, 3, H, W) in [0, 1], on the CPU.

    recipe: with a strength; its size is for the content image. blend: the share of each style, summing to 1.
    """
    assert recipe.strength is not None
    images, alphas = [style.image for style in styles], (content.alpha, [style.alpha for style in styles])
    photograph, paintings = prepare_colors(recipe, content.image, images, *alphas)
    assert photograph is not None
    resized = resize_image(photograph, picture_size(recipe.size, content.size), recipe.resampling)
    painted = network.paint(resized, paintings, blend, recipe.strength)
    if all(map(is_grey, (photograph, *paintings))):
        painted = mean_channels(painted)
    return finish_colors(recipe, painted, content.image, images, *alphas).contiguous()


@torch_defaults()
def paint_start(job: Job) -> Job:
    """Return the job with its start image, if a network is to paint that; the job itself if not.

    By "instant" it is the photograph in the mixed style of the paintings, both in the colors in which the losses see
    them; by a trained network, the photograph in its own styles. Among the job's inputs it has the name and the SHA-256
    of the network, so that these are in the picture. Raises MissingExtraError, WeightsError, ImageSizeError.
    """
    size = job.plan.size if max(job.plan.size) <= START_EDGE else fit_long_edge(*job.plan.size, START_EDGE)
    if begins_with_network(job.recipe):
        return _paint_trained_start(job, size)
    if job.recipe.init != NAME:
        return job
    find_files()
    check_instant(size, job.device)
    logger.info("painting the start image")
    with running(job.device, job.plan.threads, memory_hint(job.plan)):
        network = load_instant(job.device)
        targets = build_targets(job, job.inputs.style_images)
        assert targets.content is not None
        with products_in("float32"):
            content = resize_image(targets.content, size, job.recipe.resampling)
            start = network.paint(content, targets.styles, check_blend(job.recipe.style_blend, len(targets.styles)))
    picture = Picture(image=start, name=NAME, sha256=network.sha256)
    return replace(job, inputs=replace(job.inputs, init=picture))


def _paint_trained_start(job: Job, size: tuple[int, int]) -> Job:
    """Return the job with a start image by a trained network, in the shipped style that the recipe names, or in those
    that the paintings have there."""
    named, content = job.inputs.init, job.inputs.content
    assert named is not None and content is not None
    model = read_model(named.path)
    asked = job.recipe.init if job.recipe.init in model.names else ""
    styles = [asked or model.style_of(style.sha256, style.name) for style in job.inputs.styles]
    rows = [1 + model.names.index(style) for style in styles]
    shares = torch.zeros(1, 1 + len(model.names), 1, 1)
    for row, share in zip(rows, check_blend(job.recipe.style_blend, len(rows)), strict=True):
        shares[:, row] += share
    logger.info("painting the start image")
    with running(job.device, job.plan.threads, memory_hint(job.plan)), products_in("float32"):
        image = resize_image(content.image, size, job.recipe.resampling).to(job.device)
        painted = StripPainter(model.network.to(job.device)).paint(image, shares.to(job.device))
    # Without a path, a stopped run keeps the picture, and is resumed without the network.
    picture = Picture(image=painted.cpu().contiguous(), name=model.name, sha256=model.sha256)
    return replace(job, inputs=replace(job.inputs, init=picture))


def check_network(sha256: str, recorded: str, began: str, force: bool) -> None:
    """Accept the network that is recorded. began: what was painted with it, for the message. Raises RunError."""
    if sha256 != recorded and not force:
        raise RunError(
            f"{began} with another network {NAME!r} than is installed now (their SHA-256 differs).",
            "Install the same version, or --force continues with this one.",
        )


def one_pass_error(picture: str, recipe: Recipe, network: Mapping[str, Any], names: Sequence[str]) -> RecipeError:
    """Return the error for a picture painted in one pass where an optimization is to be repeated, with the command.

    network: as its metadata have it. names: of the photograph and its paintings; "" where they were left out.
    """
    words = ["instant", *(name or ("PAINTING" if index else "PHOTO") for index, name in enumerate(names))]
    default = ONE_PASS
    if network.get("name") != NAME:
        styles = [word for style in network.get("styles", ()) for word in ("--style", str(style))]
        words = ["apply", str(network.get("name") or "MODEL"), next(iter(names), "") or "PHOTO", *styles]
        default = ONE_PASS.replace(size="content")
    for name in RECIPE_FIELDS:
        value, option = getattr(recipe, name), f"--{name.replace('_', '-')}"
        if value != getattr(default, name):
            words += [option] if value is True else [option, format_value(value)]
    return RecipeError(
        f"{picture!r} was painted in one pass of a network; expected a picture that was optimized.",
        f"Paint it again: impasto {shlex.join(words)}",
    )


def choose_instant(recipe: Recipe | None, fields: Mapping[str, Any]) -> tuple[Recipe, RunOptions]:
    """Return the recipe, the fields that do not count here at their defaults, and the run options."""
    check_names(fields, [*RECIPE_FIELDS, *RUN_FIELDS], "stylize_instantly() has no keyword")
    changes = {name: to_plain(value) for name, value in fields.items() if name in RECIPE_FIELDS}
    chosen = choose_recipe(recipe if recipe is not None else ONE_PASS, "standard", changes)
    if chosen.strength is None:
        raise RecipeError(
            "strength is none, since the recipe has weights; expected a strength from 0 to 1.", "Give --strength 1."
        )
    check_aspect(chosen.size)
    options = RunOptions(**{name: value for name, value in fields.items() if name in RUN_FIELDS})
    return Recipe(**{name: getattr(chosen, name) for name in RECIPE_FIELDS}), options

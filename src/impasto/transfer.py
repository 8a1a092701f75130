"""The door: from pictures and a recipe to a pastiche."""

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor

from impasto import __version__
from impasto.errors import ImageSizeError
from impasto.features.encoder import build_encoder
from impasto.features.vgg import Vgg, smallest_side
from impasto.features.weights import WeightsRecord, file_sha256
from impasto.images.io import MAX_PIXELS, ImageSource, read_image, write_image
from impasto.images.resize import fit_long_edge, fit_pixels, resize_image
from impasto.losses.objective import Objective
from impasto.optimize.descent import Adam, Descent, Lbfgs
from impasto.optimize.device import peak_bytes, resolve_device, running
from impasto.optimize.events import OnStep, StepEvent
from impasto.optimize.init import build_init
from impasto.optimize.loop import Minimum, build_evaluate, minimize
from impasto.optimize.pyramid import plan_scales, share_steps
from impasto.recipe import Recipe, check_blend


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A picture that went in: its role, file name (empty if it came as an array) and SHA-256 of file or pixels."""

    role: Literal["content", "style"]
    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A pastiche and what is known about it.

    pastiche: (1, 3, H, W) float32 in [0, 1], sRGB, on the CPU. losses: the weighted terms by name, and "total", of this
    picture. steps, seconds: of the whole run. peak_bytes: most memory used. end: why it ended: "steps",
    "tolerance", "stopped" (by a callback or Ctrl-C) or "diverged" (after too many roll-backs).
    """

    pastiche: Tensor
    recipe: Recipe
    losses: Mapping[str, float]
    steps: int
    seconds: float
    peak_bytes: int
    end: Literal["steps", "tolerance", "stopped", "diverged"]
    weights: WeightsRecord
    inputs: tuple[Input, ...]

    @property
    def metadata(self) -> dict[str, Any]:
        """What is written into the picture: recipe, seed, version, weights and inputs; nothing that varies by run."""
        return {
            "software": "impasto",
            "version": __version__,
            "recipe": self.recipe.to_dict(),
            "seed": self.recipe.seed,
            "weights": {"name": self.weights.name, "sha256": self.weights.sha256},
            "inputs": [{"role": i.role, "name": i.name, "sha256": i.sha256} for i in self.inputs],
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the pastiche, with its metadata inside, in one atomic move. The suffix says the format."""
        write_image(self.pastiche, path, metadata=self.metadata)

    def to_dict(self) -> dict[str, Any]:
        """Size, steps, seconds, losses, peak_bytes, end and recipe, as JSON values."""
        height, width = self.pastiche.shape[-2:]
        return {
            "size": {"width": width, "height": height},
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "losses": dict(self.losses),
            "peak_bytes": self.peak_bytes,
            "end": self.end,
            "recipe": self.recipe.to_dict(),
        }


def stylize(
    content_image: ImageSource,
    style_images: ImageSource | list[ImageSource] | tuple[ImageSource, ...],
    recipe: Recipe | None = None,
    *,
    device: str = "auto",
    threads: int | None = None,
    max_pixels: int = MAX_PIXELS,
    on_step: OnStep | None = None,
) -> Result:
    """The content image repainted in the style of the style images: Gatys et al. 2015, eq. 7.

    content_image, style_images: paths, PIL images, arrays (H, W, 3) of uint8 or of floats in [0, 1], or tensors
    (3, H, W) in [0, 1]; one style or a list of them, mixed by the recipe's `style_blend`.
    recipe: what to paint; `Recipe()`, the preset `standard`, if left out.
    device: "auto", "cpu", "cuda", "cuda:1", "mps". threads: CPU threads. max_pixels: the largest picture read.
    on_step: called after every step; may return "stop". Ctrl-C after the first step also gives the best picture so far.

    Everything is checked before slow work begins. Raises ImageReadError, ImageSizeError, ImageRangeError, RecipeError,
    WeightsError, DeviceError, OutOfMemoryError; all are ImpastoError.
    """
    started = time.perf_counter()
    recipe = recipe if recipe is not None else Recipe()
    torch_device = resolve_device(device)
    sources = list(style_images) if isinstance(style_images, (list, tuple)) else [style_images]
    check_blend(recipe.style_blend, len(sources))
    content = read_image(content_image, name="content_image", max_pixels=max_pixels)
    styles = [read_image(source, name="style_image", max_pixels=max_pixels) for source in sources]
    size = fit_long_edge(content.shape[-2], content.shape[-1], recipe.size)
    _check_sizes(recipe, content, styles, size)
    encoder, weights = build_encoder(recipe)
    inputs = (_describe("content", content_image), *(_describe("style", source) for source in sources))
    advice = f"Lower --size (now {recipe.size}), --style-scale or --history, or close other programs."
    with running(torch_device, threads, advice):
        minimum, steps = _paint(recipe, encoder.to(torch_device), content, styles, size, on_step, started)
    return Result(
        pastiche=minimum.image,
        recipe=recipe,
        losses=minimum.losses,
        steps=steps,
        seconds=time.perf_counter() - started,
        peak_bytes=peak_bytes(torch_device),
        end=minimum.end,
        weights=weights,
        inputs=inputs,
    )


def _paint(
    recipe: Recipe,
    encoder: Vgg,
    content: Tensor,
    styles: Sequence[Tensor],
    size: tuple[int, int],
    on_step: OnStep | None,
    started: float,
) -> tuple[Minimum, int]:
    """Every scale in turn, each starting from the last one's best picture. Returns the final one, and all steps."""
    device = encoder.get_buffer("conv1_1_kernel").device
    scales = plan_scales(*size, recipe.first_scale, smallest_side(recipe.content_layers + recipe.style_layers))
    image = build_init(recipe.init, scales[0], content, styles, recipe.seed)
    done = 0
    minimum: Minimum | None = None
    try:
        for scale, share in zip(scales, share_steps(recipe.steps, len(scales)), strict=True):
            evaluate = build_evaluate(_objective(recipe, encoder, content, styles, scale, size), gamut=recipe.gamut)
            reached = minimize(
                evaluate,
                resize_image(image, scale).to(device),
                _descents(recipe),
                steps=share,
                tolerance=recipe.tolerance,
                on_step=_count_on(on_step, done, recipe.steps, started),
            )
            done += reached.steps
            # The delivered picture is in the gamut, so its losses are those after clamping.
            image = reached.image.detach().clamp(0, 1).to("cpu")
            minimum = replace(reached, image=image)
            if minimum.end in ("stopped", "diverged"):
                break
        if minimum is not None and recipe.gamut == "free" and minimum.end != "stopped":
            minimum = replace(minimum, losses=evaluate(image.to(device))[0])
    except KeyboardInterrupt:
        if minimum is None:
            raise
        minimum = replace(minimum, end="stopped")
    assert minimum is not None
    return replace(minimum, image=resize_image(minimum.image, size)), done


def _objective(
    recipe: Recipe,
    encoder: Vgg,
    content: Tensor,
    styles: Sequence[Tensor],
    scale: tuple[int, int],
    size: tuple[int, int],
) -> Objective:
    device = encoder.get_buffer("conv1_1_kernel").device
    targets = [resize_image(style, style_size(recipe, style, scale, size)).to(device) for style in styles]
    return Objective(encoder, recipe, resize_image(content, scale).to(device), targets)


def style_size(recipe: Recipe, style: Tensor, scale: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The size (height, width) at which a style image's statistics are taken, for a pastiche of `size` at `scale`."""
    height, width = style.shape[-2:]
    if recipe.style_size == "same-pixels":
        return fit_pixels(height, width, round(scale[0] * scale[1] * recipe.style_scale**2))
    shrink = max(scale) / max(size)
    long_edge = max(size) if isinstance(recipe.style_size, str) else recipe.style_size
    return fit_long_edge(height, width, max(1, round(long_edge * shrink * recipe.style_scale)))


def _check_sizes(recipe: Recipe, content: Tensor, styles: Sequence[Tensor], size: tuple[int, int]) -> None:
    layers = recipe.content_layers + recipe.style_layers
    least = smallest_side(layers)
    deepest = max(layers)
    given = [("content_image", content, size)]
    given += [("style_image", style, style_size(recipe, style, size, size)) for style in styles]
    for name, image, (height, width) in given:
        if min(height, width) < least:
            H, W = image.shape[-2:]
            enough = -(-least * max(H, W) // min(H, W))
            option = "--size" if name == "content_image" else "--style-size"
            raise ImageSizeError(
                f"{name} is {W}x{H} and would be painted at {width}x{height}; {deepest} needs at least {least} pixels "
                "on the short side.",
                f"Use {option} {enough} or more, a less narrow picture, or shallower layers.",
            )


def _descents(recipe: Recipe) -> Callable[[float], Descent]:
    if recipe.optimizer == "adam":
        rate = recipe.learning_rate if recipe.learning_rate is not None else 0.02
        return lambda factor: Adam(rate * factor)
    rate = recipe.learning_rate if recipe.learning_rate is not None else 1.0
    return lambda factor: Lbfgs(rate * factor, recipe.history)


def _count_on(on_step: OnStep | None, done: int, steps: int, started: float) -> OnStep | None:
    """The callback as one scale's loop sees it: steps and seconds count over the whole run."""
    if on_step is None:
        return None

    def count(event: StepEvent) -> object:
        elapsed_s = time.perf_counter() - started
        return on_step(replace(event, step=done + event.step, steps=steps, elapsed_s=elapsed_s))

    return count


def _describe(role: Literal["content", "style"], source: ImageSource) -> Input:
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return Input(role=role, name=path.name, sha256=file_sha256(path))
    pixels = source.detach().cpu().numpy() if isinstance(source, Tensor) else np.asarray(source)
    return Input(role=role, name="", sha256=hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest())

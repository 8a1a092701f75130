"""One picture being made: inputs read and checked, painted scale by scale, handed over as a result."""

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from impasto import __version__
from impasto.coloring import check_color, finish_colors, prepare_colors
from impasto.errors import ImageSizeError
from impasto.features.encoder import build_encoder
from impasto.features.vgg import Vgg, smallest_side
from impasto.features.weights import WeightsRecord, file_sha256
from impasto.images.io import ImageSource, read_image, write_image
from impasto.images.resize import fit_long_edge, fit_pixels, resize_image, resize_wrapped
from impasto.losses.objective import Objective
from impasto.optimize.descent import Adam, Descent, Lbfgs
from impasto.optimize.device import peak_bytes, resolve_device, running
from impasto.optimize.events import OnStep, StepEvent
from impasto.optimize.init import build_init
from impasto.optimize.loop import Minimum, build_evaluate, minimize
from impasto.optimize.memory import memory_limit, used_bytes
from impasto.optimize.plan import MemoryPlan, plan_memory
from impasto.optimize.precision import resolve_precision
from impasto.optimize.pyramid import plan_scales, share_steps
from impasto.optimize.tiles import TiledObjective
from impasto.recipe import Recipe, check_blend

WRAP = 16
"""Sides that wrap around are multiples of this: four poolings halve them evenly."""


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
    picture as painted, before `finish_colors`. steps, seconds: of the whole run. peak_bytes: most memory used. end: why
    it ended: "steps", "tolerance", "stopped" (by a callback or Ctrl-C) or "diverged" (after too many roll-backs).
    memory: the plan of the last scale. threads: of the CPU. precision: of the steps that the recipe does not keep in
    float32.
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
    memory: MemoryPlan
    threads: int
    precision: str

    @property
    def run(self) -> dict[str, Any]:
        """How it was run, as far as it shows in the last digits: tiles, history, threads, precision."""
        plan = {"tile": self.memory.tile, "margin": self.memory.margin, "history": self.memory.history}
        return {**plan, "threads": self.threads, "precision": self.precision}

    @property
    def metadata(self) -> dict[str, Any]:
        """What is written into the picture: recipe, seed, version, weights, inputs and how it was run."""
        return {
            "software": "impasto",
            "version": __version__,
            "recipe": self.recipe.to_dict(),
            "seed": self.recipe.seed,
            "weights": {"name": self.weights.name, "sha256": self.weights.sha256},
            "inputs": [{"role": i.role, "name": i.name, "sha256": i.sha256} for i in self.inputs],
            "run": self.run,
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the pastiche, with its metadata inside, in one atomic move. The suffix says the format."""
        write_image(self.pastiche, path, metadata=self.metadata)

    def to_dict(self) -> dict[str, Any]:
        """Size, steps, seconds, losses, peak_bytes, end, run and recipe, as JSON values."""
        height, width = self.pastiche.shape[-2:]
        return {
            "size": {"width": width, "height": height},
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "losses": dict(self.losses),
            "peak_bytes": self.peak_bytes,
            "end": self.end,
            "run": self.run,
            "recipe": self.recipe.to_dict(),
        }


class Painting:
    """One run: `read` the inputs, then `paint`. How to run it is as for `stylize`."""

    def __init__(
        self,
        recipe: Recipe,
        device: str,
        threads: int | None,
        precision: str,
        max_pixels: int,
        on_step: OnStep | None,
        max_memory: int | None = None,
    ) -> None:
        self.started = time.perf_counter()
        self.recipe = recipe
        self.device = resolve_device(device)
        self.threads = threads
        self.precision = resolve_precision(precision, self.device)
        self.max_pixels = max_pixels
        self.on_step = on_step
        self.max_memory = max_memory
        self.content: Tensor | None = None
        self.styles: list[Tensor] = []
        self.inputs: list[Input] = []
        self.plan: tuple[tuple[int, int], ...] = ()
        self.done = 0

    def read(self, role: Literal["content", "style"], source: ImageSource) -> tuple[int, int]:
        """Takes an input; returns its (height, width)."""
        image = read_image(source, name=f"{role}_image", max_pixels=self.max_pixels)
        if role == "content":
            self.content = image
        else:
            self.styles.append(image)
        self.inputs.append(describe_input(role, source))
        return image.shape[-2], image.shape[-1]

    def check(self, size: tuple[int, int]) -> tuple[Vgg, WeightsRecord]:
        """The network for painting at (height, width), after all that can be wrong before slow work was checked."""
        if self.styles:
            check_blend(self.recipe.style_blend, len(self.styles))
        check_color(self.recipe, has_content=self.content is not None, has_styles=bool(self.styles))
        self._check_sizes(size)
        encoder, weights = build_encoder(self.recipe)
        self._plan_memory(encoder, size, size, self.recipe.steps, used_bytes(self.device))
        return encoder, weights

    def paint(self, size: tuple[int, int]) -> Result:
        """The result at (height, width)."""
        encoder, weights = self.check(size)
        advice = f"Lower --size (now {max(size)}), --style-scale or --max-memory, or close other programs."
        with running(self.device, self.threads, advice):
            content, styles = self.content, self.styles
            self.content, self.styles = prepare_colors(self.recipe, content, styles)
            minimum, plan = self._paint_scales(encoder.to(self.device), size)
            pastiche = finish_colors(self.recipe, minimum.image, content, styles)
            threads = torch.get_num_threads()
        return Result(
            pastiche=pastiche,
            recipe=self.recipe,
            losses=minimum.losses,
            steps=self.done,
            seconds=time.perf_counter() - self.started,
            peak_bytes=peak_bytes(self.device),
            end=minimum.end,
            weights=weights,
            inputs=tuple(self.inputs),
            memory=plan,
            threads=threads,
            precision=self.precision,
        )

    def _paint_scales(self, encoder: Vgg, size: tuple[int, int]) -> tuple[Minimum, MemoryPlan]:
        """Every scale in turn, each starting from the last one's best picture; with the last scale's plan."""
        recipe = self.recipe
        used = used_bytes(self.device)
        scales = self._plan_scales(size)
        image = build_init(recipe.init, scales[0], self.content, self.styles, recipe.seed)
        minimum: Minimum | None = None
        parts = share_steps(
            recipe.steps, scales, finer_steps=recipe.finer_steps, float32_steps=self._float32_steps()
        )
        self.plan = tuple((max(scale), share) for scale, share, _ in parts)
        encoders = {"float32": encoder, "bfloat16": encoder.lowered()}
        try:
            for scale, share, precision in parts:
                plan = self._plan_memory(encoders[precision], scale, size, share, used)
                objective = self._objective(encoders[precision], scale, size, plan.tile)
                evaluate = build_evaluate(objective, gamut=recipe.gamut)
                reached = minimize(
                    evaluate,
                    resize_wrapped(image, scale, recipe.padding).to(self.device),
                    _descents(recipe, plan.history),
                    steps=share,
                    tolerance=recipe.tolerance,
                    on_step=self._count_on(size),
                )
                self.done += reached.steps
                # The delivered picture is in the gamut, so its losses are those after clamping.
                image = reached.image.detach().clamp(0, 1).to("cpu")
                minimum = replace(reached, image=image)
                if minimum.end in ("stopped", "diverged"):
                    break
            if minimum is not None and recipe.gamut == "free" and minimum.end != "stopped":
                minimum = replace(minimum, losses=evaluate(image.to(self.device))[0])
        except KeyboardInterrupt:
            if minimum is None:
                raise
            minimum = replace(minimum, end="stopped")
        assert minimum is not None
        return replace(minimum, image=resize_image(minimum.image, size)), plan

    def _float32_steps(self) -> int:
        """How many of the steps, counted from the last, are computed in float32."""
        share = 1.0 if self.precision == "float32" else self.recipe.float32_share
        return round(share * self.recipe.steps)

    def _plan_scales(self, size: tuple[int, int]) -> tuple[tuple[int, int], ...]:
        recipe = self.recipe
        first_scale = recipe.first_scale
        if recipe.style_size == "native" and self.styles:
            # A texture may be much larger than its sample, which is what must not become too small.
            first_scale = round(first_scale * max(size) / min(min(style.shape[-2:]) for style in self.styles))
        least = smallest_side(recipe.content_layers + recipe.style_layers)

        def is_fit(scale: tuple[int, int]) -> bool:
            shortest = min((min(style_size(recipe, style, scale, size)) for style in self.styles), default=least)
            return shortest >= least and fit_wrap(scale, recipe.padding) == scale

        scales = plan_scales(*size, first_scale, least)
        return tuple(scale for scale in scales if scale == size or is_fit(scale))

    def _plan_memory(
        self, encoder: Vgg, scale: tuple[int, int], size: tuple[int, int], steps: int, used: int
    ) -> MemoryPlan:
        """The plan for one scale. used: bytes in use before the first scale."""
        styles = [style_size(self.recipe, style, scale, size) for style in self.styles]
        limit = memory_limit(self.max_memory, self.device)
        return plan_memory(encoder, self.recipe, scale, styles, steps=steps, used=used, limit=limit)

    def _objective(
        self, encoder: Vgg, scale: tuple[int, int], size: tuple[int, int], tile: int | None
    ) -> Objective:
        content = None if self.content is None else resize_image(self.content, scale).to(self.device)
        sizes = [style_size(self.recipe, style, scale, size) for style in self.styles]
        styles = [resize_image(s, to).to(self.device) for s, to in zip(self.styles, sizes, strict=True)]
        if tile is None:
            return Objective(encoder, self.recipe, content, styles)
        return TiledObjective(encoder, self.recipe, content, styles, inner=tile)

    def _count_on(self, size: tuple[int, int]) -> OnStep | None:
        """The callback as one scale's loop sees it: size, steps and seconds are those of the whole run."""
        on_step, done = self.on_step, self.done
        if on_step is None:
            return None

        def count(event: StepEvent) -> object:
            elapsed_s = time.perf_counter() - self.started
            whole = replace(
                event,
                size=size,
                step=done + event.step,
                steps=self.recipe.steps,
                plan=self.plan,
                elapsed_s=elapsed_s,
            )
            return on_step(whole)

        return count

    def _check_sizes(self, size: tuple[int, int]) -> None:
        layers = self.recipe.content_layers + self.recipe.style_layers
        least, deepest = smallest_side(layers), max(layers)
        if self.content is None and min(size) < least:
            raise ImageSizeError(
                f"size is {size[1]}x{size[0]}; {deepest} needs at least {least} pixels on the short side.",
                f"Use a --size with sides of {least} or more, or shallower layers.",
            )
        given = [] if self.content is None else [("content_image", self.content, size)]
        given += [("style_image", style, style_size(self.recipe, style, size, size)) for style in self.styles]
        for name, image, (height, width) in given:
            H, W = image.shape[-2:]
            if min(H, W) < least:
                raise ImageSizeError(
                    f"{name} is {W}x{H}; {deepest} needs at least {least} pixels a side to see anything in it.",
                    "Use a larger picture, or shallower layers.",
                )
            if min(height, width) < least:
                enough = -(-least * max(H, W) // min(H, W))
                option = "--size" if name == "content_image" else "--style-size"
                raise ImageSizeError(
                    f"{name} is {W}x{H} and would be painted at {width}x{height}; {deepest} needs at least {least} "
                    "pixels on the short side.",
                    f"Use {option} {enough} or more, a less narrow picture, or shallower layers.",
                )


def style_size(recipe: Recipe, style: Tensor, scale: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The size (height, width) at which a style image's statistics are taken, for a pastiche of `size` at `scale`."""
    height, width = style.shape[-2:]
    if recipe.style_size == "same-pixels":
        return fit_pixels(height, width, round(scale[0] * scale[1] * recipe.style_scale**2))
    named = {"long-edge": max(size), "native": max(height, width)}
    long_edge = named[recipe.style_size] if isinstance(recipe.style_size, str) else recipe.style_size
    shrink = max(scale) / max(size)
    return fit_long_edge(height, width, max(1, round(long_edge * shrink * recipe.style_scale)))


def fit_wrap(size: tuple[int, int], padding: str) -> tuple[int, int]:
    """The nearest size (height, width) that pools evenly on the sides which this padding wraps around."""
    height, width = (max(WRAP, round(side / WRAP) * WRAP) for side in size)
    return (height if padding == "wrap" else size[0]), (width if padding in ("wrap", "wrap-x") else size[1])


def _descents(recipe: Recipe, history: int) -> Callable[[float], Descent]:
    if recipe.optimizer == "adam":
        rate = recipe.learning_rate if recipe.learning_rate is not None else 0.02
        return lambda factor: Adam(rate * factor)
    rate = recipe.learning_rate if recipe.learning_rate is not None else 1.0
    return lambda factor: Lbfgs(rate * factor, history, recipe.fourier_exponent)


def describe_input(role: Literal["content", "style"], source: ImageSource) -> Input:
    """What is remembered of an input."""
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return Input(role=role, name=path.name, sha256=file_sha256(path))
    pixels = source.detach().cpu().numpy() if isinstance(source, Tensor) else np.asarray(source)
    return Input(role=role, name="", sha256=hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest())

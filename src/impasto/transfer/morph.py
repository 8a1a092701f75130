"""A morph: one photograph from the first style through all to the last, each frame painted on from the one before."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Unpack

from impasto.control.color import prepare_colors
from impasto.cost.estimate import Estimate
from impasto.errors import RecipeError
from impasto.images.io import ImageSource
from impasto.images.resize import fit_long_edge, resize_image
from impasto.losses.objective import Objective
from impasto.optimize.events import OnStep
from impasto.painting.options import ImageSources, PasticheHow
from impasto.painting.painting import Painting
from impasto.recipe.recipe import Recipe
from impasto.runs.places import AUTO
from impasto.runs.result import Frame, Result
from impasto.system.device import running
from impasto.transfer.preparation import prepare_pastiche

FRAME_SHARE = 1 / 8
"""Steps of a frame after the first for one of the recipe's, where it does not say; all are at the full size."""

LONG_EDGE, SHORT_EDGE = 256, 32
"""Pixels at least of the style images whose statistics are weighed against each other."""

Blend = tuple[float, ...]


class Morph:
    """A morph made ready by `prepare_morph`: perhaps `estimate`, then `paint`."""

    def __init__(self, recipe: Recipe, painting: Painting) -> None:
        """painting: prepared, of the same recipe with a single frame."""
        self.recipe = recipe
        self.painting = painting

    def estimate(self) -> Estimate:
        """What all frames will cost together; the plan is the first one's."""
        first, later = self.painting.estimate(), self._frame((), is_first=False).estimate()
        seconds = first.seconds + (self.recipe.frames - 1) * later.seconds
        return replace(first, seconds=seconds, frames=self.recipe.frames, recipe=self.recipe)

    def paint(self, on_step: OnStep | None = None) -> Iterator[Result]:
        """The frames in turn, up to where one is stopped; that one itself only if it is the first."""
        self.painting.inputs.styles, self.painting.strokes = self.painting.paint_strokes(), []
        before: Painting | None = None
        for number, blend in enumerate(style_path(self._balance(), self.recipe.frames), start=1):
            frame = self._frame(blend, is_first=before is None)
            frame.start = before.reached if before is not None else None
            result = frame.paint(on_step)
            if result.end != "stopped" or before is None:
                which = Frame(number=number, of=self.recipe.frames, style_blend=blend)
                yield replace(result, recipe=self.recipe, frame=which)
            if result.end == "stopped":
                return
            before = frame

    def _frame(self, blend: Blend, *, is_first: bool) -> Painting:
        painting = self.painting
        recipe = painting.recipe.replace(style_blend=blend)
        if not is_first:
            steps = self.recipe.frame_steps or max(1, round(FRAME_SHARE * recipe.steps))
            recipe = recipe.replace(steps=steps, first_scale=0)
        return painting.vary(recipe, painting.inputs, painting.regions, painting.plan.size)

    def _balance(self) -> list[float]:
        """How many times as strongly a style pulls as the next one, for all but the last.

        Two equal shares meet in the middle only where both losses are equally steep, and `strength` divides each by its
        own size. The mean over the losses of all layers is geometric.
        """
        painting = self.painting
        with running(painting.device, painting.plan.threads, "Close other programs."):
            inputs = painting.inputs
            _, styles = prepare_colors(
                painting.recipe, inputs.content, inputs.styles, inputs.carried.alpha, inputs.style_alphas
            )
            shrunk = [resize_image(style, _shrink(*style.shape[-2:])).to(painting.device) for style in styles]
            objective = Objective(painting.encoders["float32"].to(painting.device), painting.recipe, None, shrunk)
        factors = defaultdict[str, list[float]](list)
        for term in objective.terms.get("style", []):
            factors[term.name].append(term.factor)
        # A term of all styles together, as "wasserstein" has, moves evenly by itself.
        pairs = [each for each in factors.values() if len(each) == len(styles) and min(each) > 0]
        return [
            math.exp(sum(math.log(each[index] / each[index + 1]) for each in pairs) / max(1, len(pairs)))
            for index in range(len(styles) - 1)
        ]


def prepare_morph(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe,
    **how: Unpack[PasticheHow],
) -> Morph:
    """What `morph` will paint: its `estimate()` tells the cost, its `paint()` is the rest of the run.

    recipe: its `frames` says how many.
    """
    count = len(style_images) if isinstance(style_images, (list, tuple)) else 1
    if count < 2:
        raise RecipeError(
            f"frames is {recipe.frames} and there is {count} style image; expected two or more to morph between.",
            "Give another painting, or --frames 1.",
        )
    if recipe.frames < count:
        raise RecipeError(
            f"frames is {recipe.frames} for {count} style images; expected at least one frame each.",
            f"Give --frames {8 * count}.",
        )
    if recipe.style_blend:
        raise RecipeError(
            f"style_blend is given for a morph of {recipe.frames} frames, which goes through all; expected none.",
            "Leave --style-blend out, or give --frames 1.",
        )
    if how.get("run_dir") not in (None, AUTO):
        raise RecipeError(
            f"run_dir is {str(how['run_dir'])!r} for a morph; expected none: only a single picture can be resumed.",
            "Leave --run-dir out; frames that are finished stay.",
        )
    how["run_dir"] = None
    if how.get("plan") is not None:
        raise RecipeError("plan is given for a morph; expected none, since it is of one picture.", "Leave it out.")
    painting = prepare_pastiche(content_image, style_images, recipe.replace(frames=1), **how)
    return Morph(recipe, painting)


def style_path(balance: Sequence[float], frames: int) -> list[Blend]:
    """The styles' shares in each frame, from the first style alone through every other alone to the last.

    balance: for each style but the last, how many times as strongly it pulls as the next. frames: at least as many as
    styles. In Gram matrices G, a share s of the second style puts the least loss at (1 - w) A1 + w A2 with
    w = s / (s + (1 - s) balance); w moves evenly.
    """
    legs = len(balance)
    alone = [round(index * (frames - 1) / legs) for index in range(legs + 1)]
    path = []
    for number in range(frames):
        leg = max(index for index in range(legs) if alone[index] <= number)
        w = (number - alone[leg]) / (alone[leg + 1] - alone[leg])
        share = w * balance[leg] / (1 - w + w * balance[leg])
        path.append((*(0.0 for _ in range(leg)), 1 - share, share, *(0.0 for _ in range(leg + 1, legs))))
    return path


def _shrink(height: int, width: int) -> tuple[int, int]:
    return fit_long_edge(height, width, max(LONG_EDGE, round(SHORT_EDGE * max(height, width) / min(height, width))))

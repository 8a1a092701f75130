"""A morph: one photograph from the first style through all to the last, each frame started from the one before."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

from torch import Tensor

from impasto.cost.estimate import Estimate
from impasto.errors import RecipeError
from impasto.images.io import ImageSource
from impasto.images.resize import fit_long_edge, resize_image
from impasto.losses.objective import Objective
from impasto.optimize.events import OnStep
from impasto.painting.job import Job, vary
from impasto.painting.options import ImageSources, PasticheFields, check_callback, choose_recipe, split_fields
from impasto.painting.paint import paint_fine_styles, paint_frame
from impasto.painting.targets import build_targets
from impasto.recipe.recipe import Recipe
from impasto.runs.folders import AUTO
from impasto.runs.result import Frame, Result
from impasto.system.torch_settings import running
from impasto.transfer.pastiche import prepare_pastiche

FRAME_SHARE = 1 / 8
"""Steps of a frame after the first for one of the recipe's, where it does not say; all are at the full size."""

LONG_EDGE, SHORT_EDGE = 256, 32
"""Pixels at least of the style images whose statistics are weighed against each other."""

Blend = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Morph:
    """A morph that is ready to be painted. job: of one frame, in the same recipe but for its frames."""

    recipe: Recipe
    job: Job

    def estimate(self) -> Estimate:
        """Return what all frames will cost together; the plan is the first one's."""
        first, later = self.job.estimate(), self._later(self._frame(self.job, ())).estimate()
        seconds = first.seconds + (self.recipe.frames - 1) * later.seconds
        return replace(first, seconds=seconds, frames=self.recipe.frames, recipe=self.recipe)

    def paint(self, on_step: OnStep | None = None) -> Iterator[Result]:
        """Yield the frames in turn, up to where one is stopped; that one itself only if it is the first."""
        inputs, images = self.job.inputs, paint_fine_styles(self.job)
        styles = tuple(replace(style, image=image) for style, image in zip(inputs.styles, images, strict=True))
        job = replace(self.job, inputs=replace(inputs, styles=styles), fine_jobs=())
        before: Tensor | None = None
        for number, blend in enumerate(style_path(self._balance(job), self.recipe.frames), start=1):
            frame = self._frame(job, blend)
            result, reached = paint_frame(
                frame if before is None else replace(self._later(frame), start=before), None, on_step
            )
            if result.end != "stopped" or before is None:
                which = Frame(number=number, of=self.recipe.frames, style_blend=blend)
                yield replace(result, recipe=self.recipe, frame=which)
            if result.end == "stopped":
                return
            before = reached

    def _frame(self, job: Job, blend: Blend) -> Job:
        return vary(job, job.recipe.replace(style_blend=blend), job.inputs, job.regions)

    def _later(self, frame: Job) -> Job:
        """Return a frame that starts from the one before: at the full size, in fewer steps."""
        steps = self.recipe.frame_steps or max(1, round(FRAME_SHARE * frame.recipe.steps))
        return vary(frame, frame.recipe.replace(steps=steps, first_scale=0), frame.inputs, frame.regions)

    def _balance(self, job: Job) -> list[float]:
        """Return how many times as strongly a style pulls as the next one, for all but the last.

        Two equal shares meet in the middle only where both losses are equally steep, and `strength` divides each by its
        own size. The mean over the losses of all layers is geometric.
        """
        with running(job.device, job.plan.threads, "Close other programs."):
            styles = build_targets(job, job.inputs.style_images).styles
            shrunk = [resize_image(style, _shrink(*style.shape[-2:])).to(job.device) for style in styles]
            objective = Objective(job.planner.encoders["float32"].to(job.device), job.recipe, None, shrunk)
        factors = defaultdict[str, list[float]](list)
        for term in objective.terms.get("style", []):
            factors[term.name].append(term.factor)
        # A term of all styles together, as "wasserstein" has, moves evenly by itself.
        pairs = [each for each in factors.values() if len(each) == len(styles) and min(each) > 0]
        return [
            math.exp(sum(math.log(each[index] / each[index + 1]) for each in pairs) / max(1, len(pairs)))
            for index in range(len(styles) - 1)
        ]


def morph(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe | None = None,
    *,
    on_step: OnStep | None = None,
    **fields: Unpack[PasticheFields],
) -> Iterator[Result]:
    """Paint the content image from the first style through all to the last; yield a `Result` a frame, ends included.

    style_images: two or more. frames: as many at least, 24 if neither given nor in the recipe. Each frame starts from
    the one before, with the recipe's `frame_steps`, so that nothing flickers. The shares of the styles,
    `Result.frame.style_blend`, are such that the blend of their statistics moves evenly.
    Everything is checked at once, before slow work; a frame is painted when it is asked for. A frame that was stopped
    is given only if it is the first. The rest, and what is raised, as for `stylize`; a `plan` is refused.
    """
    if choose_recipe(recipe, "standard", {}).frames == 1:
        fields.setdefault("frames", 24)
    check_callback("on_step", on_step)
    return prepare_morph(content_image, style_images, recipe, **fields).paint(on_step)


def prepare_morph(
    content_image: ImageSource,
    style_images: ImageSources,
    recipe: Recipe | None = None,
    **fields: Unpack[PasticheFields],
) -> Morph:
    """Return the morph that `morph` paints; the recipe's `frames` says how many."""
    changes, run, pictures = split_fields("morph", fields, ["recipe", *PasticheFields.__annotations__])
    recipe = choose_recipe(recipe, "standard", changes)
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
    if run.pop("run_dir", None) not in (None, AUTO):
        raise RecipeError(
            f"run_dir is {str(fields['run_dir'])!r} for a morph; expected none: only a single picture can be resumed.",
            "Leave --run-dir out; frames that are finished stay.",
        )
    if run.get("plan") is not None:
        raise RecipeError("plan is given for a morph; expected none, since it is of one picture.", "Leave it out.")
    job = prepare_pastiche(content_image, style_images, recipe.replace(frames=1), **run, **pictures)
    return Morph(recipe=recipe, job=job)


def style_path(balance: Sequence[float], frames: int) -> list[Blend]:
    """Return the styles' shares in each frame, from the first style alone through every other alone to the last.

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

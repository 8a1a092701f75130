"""One picture being made: inputs read and checked, a plan made and its cost told, and painted part by part."""

import logging
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from impasto.coloring import check_color, finish_colors, prepare_colors, see_painted, to_painted
from impasto.errors import OutOfMemoryError, RecipeError
from impasto.features.vgg import Vgg
from impasto.features.weights import WeightsRecord
from impasto.images.carried import NOTHING
from impasto.images.io import MAX_PIXELS, ImageSource, read_image, read_photograph
from impasto.images.resize import resize_image, resize_wrapped
from impasto.losses.objective import Objective
from impasto.optimize.calibration import Speed, find_match_speed, find_speed, write_speed
from impasto.optimize.descent import Adam, Descent, Lbfgs
from impasto.optimize.device import is_out_of_memory, peak_bytes, resolve_device, running
from impasto.optimize.estimate import Estimate, estimate_run, evaluation_looks
from impasto.optimize.events import OnStep, StepEvent
from impasto.optimize.init import build_init
from impasto.optimize.loop import Evaluate, Losses, Minimum, build_evaluate, minimize
from impasto.optimize.memory import format_memory, memory_limit, used_bytes
from impasto.optimize.precision import check_precision, resolve_precision
from impasto.optimize.pyramid import Precision
from impasto.optimize.schedule import Part, RunPlan
from impasto.optimize.tiles import TiledObjective
from impasto.planning import Planner
from impasto.recipe import Recipe, check_blend, recipe_files
from impasto.result import Input, Result, describe_input
from impasto.reuse import Reuse
from impasto.sizes import check_sizes

logger = logging.getLogger(__name__)

LEARNT_EVALUATIONS = 3
"""Evaluations of a part, without the first, from which its speed is learnt."""


class Painting:
    """One run: `read` the inputs, `prepare`, perhaps `estimate`, then `paint`. How to run it is as for `stylize`."""

    # Complete after `prepare`: before, the recipe and the sizes of the inputs are not known.
    encoders: dict[Precision, Vgg]
    weights: WeightsRecord
    planner: Planner
    plan: RunPlan

    def __init__(
        self,
        recipe: Recipe,
        *,
        device: str = "auto",
        threads: int | None = None,
        precision: str = "auto",
        max_pixels: int = MAX_PIXELS,
        max_memory: int | None = None,
        plan: RunPlan | None = None,
        reuse: Reuse | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if plan is not None and (threads is not None or precision != "auto" or max_memory is not None):
            raise RecipeError(
                "plan is given with threads, precision or max_memory; expected the plan alone, which says them all.",
                "Leave the others out.",
            )
        self.clock = clock
        self.started = clock()
        self.recipe = recipe
        self.device = resolve_device(device)
        self.threads = threads
        self.precision = resolve_precision(precision, self.device)
        self.max_pixels = max_pixels
        self.max_memory = max_memory
        self.given = plan
        self.known = None if reuse is None else reuse.descriptions
        self.reuse = reuse if reuse is not None else Reuse()
        self.content: Tensor | None = None
        self.carried = NOTHING
        self.styles: list[Tensor] = []
        self.inputs: list[Input] = []
        self.painted: list[Part] = []
        self._speeds: dict[Precision, tuple[str, Speed]] = {}

    def read(self, role: Literal["content", "style"], source: ImageSource) -> tuple[int, int]:
        """Takes an input; returns its (height, width)."""
        if role == "content":
            image, self.carried = read_photograph(source, name="content_image", max_pixels=self.max_pixels)
            self.content, described = image, describe_input(role, source)
        else:
            image, described = self.reuse.read_style(source, self.max_pixels)
            self.styles.append(image)
        self.inputs.append(described)
        return image.shape[-2], image.shape[-1]

    def prepare(self, size: tuple[int, int]) -> "Painting":
        """Itself, ready to paint at (height, width), after all that can be wrong before slow work was checked."""
        recipe, plan = self.recipe, self.given
        if self.styles:
            check_blend(recipe.style_blend, len(self.styles))
        check_color(recipe, has_content=self.content is not None, has_styles=bool(self.styles))
        check_sizes(recipe, self.content, self.styles, size)
        if recipe.init in recipe_files(recipe):
            read_image(recipe.init, name="init")
        precision = self.precision if plan is None else plan.precision
        check_precision(precision, self.device)
        self.encoders, self.weights = self.reuse.encoders(recipe, precision)
        limit = memory_limit(self.max_memory, self.device)
        used = used_bytes(self.device)
        if self.device.type != "cpu":
            # They go to the device when it is time to paint.
            used += sum(chosen.count_bytes() for chosen in self.encoders.values())
        self.planner = Planner(recipe, self.encoders, self.styles, size, used=used, limit=limit)
        threads = self.threads if self.threads is not None else torch.get_num_threads()
        self.plan = self.planner.plan(precision, threads) if plan is None else self.planner.adopt(plan)
        return self

    def estimate(self) -> Estimate:
        """What painting will cost. Measures this machine first, for some seconds, where that was never done."""
        recipe, plan = self.recipe, self.plan
        with running(self.device, plan.threads, self._advice):
            for precision in {part.precision: None for part in plan.parts}:
                self._speeds[precision] = find_speed(
                    self.encoders[precision].to(self.device),
                    recipe,
                    has_content=self.content is not None,
                    styles=len(self.styles),
                    device=self.device,
                    threads=plan.threads,
                    clock=self.clock,
                )
            match_s = find_match_speed(recipe, self.device, plan.threads, self.clock)
        speeds = {precision: speed for precision, (_, speed) in self._speeds.items()}
        sizes = [self.planner.style_sizes(part.size) for part in plan.parts]
        return estimate_run(plan, recipe, self.encoders["float32"], sizes, speeds, match_s, self.device)

    def paint(self, on_step: OnStep | None = None) -> Result:
        """The result. After an estimate, the speed that was seen is remembered for the next one."""
        with running(self.device, self.plan.threads, self._advice):
            content, styles = self.content, self.styles
            self.content, self.styles = prepare_colors(self.recipe, content, styles)
            minimum = self._paint_parts(on_step)
            pastiche = finish_colors(self.recipe, minimum.image, content, styles)
        return Result(
            pastiche=pastiche,
            recipe=self.recipe,
            losses=minimum.losses,
            steps=minimum.steps,
            seconds=self.clock() - self.started,
            peak_bytes=peak_bytes(self.device),
            end="steps" if minimum.end == "memory" else minimum.end,
            weights=self.weights,
            inputs=tuple(self.inputs),
            plan=self.plan.with_parts(self.painted),
            carried=self.carried,
        )

    @property
    def _advice(self) -> str:
        size = max(self.plan.size)
        return f"Lower --size (now {size}), --style-scale or --max-memory, or close other programs."

    def _paint_parts(self, on_step: OnStep | None) -> Minimum:
        """Every part in turn, each from the best picture of the one before; with the steps of all."""
        recipe, left = self.recipe, list(self.plan.parts)
        image = build_init(recipe.init, left[0].size, self.content, self.styles, recipe.seed)
        image = to_painted(recipe, image)
        minimum: Minimum | None = None
        try:
            while left:
                part = left.pop(0)
                reached = self._paint_part(part, left, image, on_step)
                if reached is None or reached.end == "memory":
                    left = self._lower(part, 0 if reached is None else reached.steps, left)
                if reached is not None and reached.steps:
                    self.painted.append(replace(part, steps=reached.steps))
                    minimum, image = reached, reached.image
                if minimum is not None and minimum.end in ("stopped", "diverged"):
                    break
        except KeyboardInterrupt:
            if minimum is None:
                raise
            minimum = replace(minimum, end="stopped")
        assert minimum is not None
        steps = sum(part.steps for part in self.painted)
        return replace(minimum, image=resize_image(minimum.image, self.plan.size), steps=steps)

    def _paint_part(
        self, part: Part, left: Sequence[Part], image: Tensor, on_step: OnStep | None
    ) -> Minimum | None:
        """The best picture of one part, on the CPU; None where there was not the memory for a single evaluation."""
        recipe, durations = self.recipe, list[float]()
        try:
            objective = see_painted(recipe, self._build_objective(part))
            evaluate = self._timed(build_evaluate(objective, gamut=recipe.gamut), durations)
            reached = minimize(
                evaluate,
                resize_wrapped(image, part.size, recipe.padding).to(self.device),
                _descents(recipe, part.memory.history),
                steps=part.steps,
                tolerance=recipe.tolerance,
                on_step=self._count_on(part, left, on_step),
            )
            # The delivered picture is in the gamut, so its losses are those after clamping.
            best = reached.image.detach().clamp(0, 1)
            is_last = reached.end == "diverged" or (not left and reached.end in ("steps", "tolerance"))
            if recipe.gamut == "free" and is_last:
                reached = replace(reached, losses=evaluate(best)[0])
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            return None
        self._learn(part, durations)
        return replace(reached, image=best.to("cpu"))

    def _build_objective(self, part: Part) -> Objective:
        encoder = self.encoders[part.precision].to(self.device)
        content = None if self.content is None else resize_image(self.content, part.size).to(self.device)
        sizes = self.planner.style_sizes(part.size)
        styles = [resize_image(s, to).to(self.device) for s, to in zip(self.styles, sizes, strict=True)]
        if part.memory.tile is None:
            return Objective(encoder, self.recipe, content, styles, self.known)
        return TiledObjective(encoder, self.recipe, content, styles, inner=part.memory.tile)

    def _lower(self, failed: Part, done: int, left: Sequence[Part]) -> list[Part]:
        """The parts left to paint, in less memory, after one ran out of it."""
        place = f"out of memory on {self.device} at {max(failed.size)} px, {_describe_memory(failed)}"
        lower = self.planner.lower(failed, done, left)
        if lower is None:
            raise OutOfMemoryError(f"{place}, and there is no smaller plan.", self._advice)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if lower:
            logger.warning("%s; going on from the best picture so far, %s", place, _describe_memory(lower[0]))
        return lower

    def _timed(self, evaluate: Evaluate, durations: list[float]) -> Evaluate:
        """The same function, which also adds the seconds it takes to `durations`."""

        def timed(image: Tensor) -> tuple[Losses, Tensor]:
            start = self.clock()
            evaluated = evaluate(image)
            durations.append(self.clock() - start)
            return evaluated

        return timed

    def _learn(self, part: Part, durations: Sequence[float]) -> None:
        """Remembers the seconds of an evaluation, if they were estimated and there are enough of them."""
        if part.precision not in self._speeds or len(durations) <= LEARNT_EVALUATIONS:
            return
        key, speed = self._speeds[part.precision]
        pixels, looks = evaluation_looks(part, self.recipe.padding, self.device)
        speed = speed.learn(pixels, max(statistics.median(durations[1:]), 1e-6) / looks)
        self._speeds[part.precision] = key, speed
        write_speed(key, speed)

    def _count_on(self, part: Part, left: Sequence[Part], on_step: OnStep | None) -> OnStep | None:
        """The callback as one part's loop sees it: size, steps and seconds are those of the whole run."""
        if on_step is None:
            return None
        parts = [*self.painted, part, *left]
        done = sum(each.steps for each in self.painted)

        def count(event: StepEvent) -> object:
            whole = replace(
                event,
                size=self.plan.size,
                step=done + event.step,
                steps=sum(each.steps for each in parts),
                plan=tuple((max(each.size), each.steps) for each in parts),
                elapsed_s=self.clock() - self.started,
            )
            return on_step(whole)

        return count


def _descents(recipe: Recipe, history: int) -> Callable[[float], Descent]:
    if recipe.optimizer == "adam":
        rate = recipe.learning_rate if recipe.learning_rate is not None else 0.02
        return lambda factor: Adam(rate * factor)
    rate = recipe.learning_rate if recipe.learning_rate is not None else 1.0
    return lambda factor: Lbfgs(rate * factor, history, recipe.fourier_exponent)


def _describe_memory(part: Part) -> str:
    tile = part.memory.tile
    how = "seen whole" if tile is None else f"in tiles of {tile} px"
    return f"{how} ({format_memory(part.memory.needed_bytes)})"

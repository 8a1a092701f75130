"""One picture being made: inputs read and checked, a plan made and its cost told, and painted part by part."""

import copy
import logging
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from impasto.coloring import check_color, finish_colors, prepare_colors, see_painted, to_painted
from impasto.errors import OutOfMemoryError, RecipeError
from impasto.features.guides import Region, resize_guide
from impasto.features.vgg import Vgg
from impasto.features.weights import WeightsRecord
from impasto.images.carried import NOTHING, Carried
from impasto.images.io import MAX_PIXELS, ImageSource, read_image, read_photograph
from impasto.images.masks import read_mask
from impasto.images.resize import resize_image
from impasto.losses.objective import Objective
from impasto.losses.protection import Protection, protect_recipe
from impasto.masking import keep_photograph, read_only, read_protect
from impasto.optimize.calibration import Speed, find_match_speed, find_speed, write_speed
from impasto.optimize.descent import Adam, Descent, Lbfgs
from impasto.optimize.device import is_out_of_memory, peak_bytes, resolve_device, running
from impasto.optimize.estimate import Estimate, estimate_run, evaluation_looks
from impasto.optimize.events import OnStep, StepEvent
from impasto.optimize.init import build_init
from impasto.optimize.loop import Evaluate, Keep, Losses, Minimum, State, build_evaluate, minimize
from impasto.optimize.memory import format_memory, memory_limit, used_bytes
from impasto.optimize.precision import check_precision, resolve_precision
from impasto.optimize.pyramid import Precision, hand_over
from impasto.optimize.schedule import Part, RunPlan
from impasto.optimize.tiles import TiledObjective
from impasto.planning import Planner
from impasto.recipe import Recipe, check_blend, recipe_files
from impasto.regions import Masks, build_regions
from impasto.result import Input, Result, Role, describe_input
from impasto.reuse import Reuse
from impasto.runs.checkpoint import map_tensors
from impasto.runs.folder import Run, begin_run
from impasto.runs.places import AUTO, check_run_dir
from impasto.runs.record import Record, Source, build_record
from impasto.sizes import check_sizes, style_size
from impasto.strokes import check_fine_style, fine_recipe

logger = logging.getLogger(__name__)

MASKS: tuple[Role, ...] = ("content_mask", "style_mask", "only", "protect")

LEARNT_EVALUATIONS = 3
"""Evaluations of a part, without the first, from which its speed is learnt."""


class Painting:
    """One run: `read` the inputs, `prepare`, perhaps `estimate`, then `paint`. How to run it is as for `stylize`."""

    # Complete after `prepare`: before, the recipe and the sizes of the inputs are not known. `seen` is the recipe with
    # the layers that protection sees.
    seen: Recipe
    encoders: dict[Precision, Vgg]
    regions: tuple[Region, ...]
    weights: WeightsRecord
    planner: Planner
    plan: RunPlan
    # Complete after `paint`: the picture before its colors are finished.
    reached: Tensor
    _finish: Callable[[Tensor], Tensor]

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
        run_dir: str | os.PathLike[str] | None = None,
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
        self.only: Tensor | None = None
        self.protect: Tensor | None = None
        self.styles: list[Tensor] = []
        self.fine_style: Tensor | None = None
        self.strokes: list[Painting] = []
        self.start: Tensor | None = None  # instead of the recipe's start image
        self.style_alphas: list[Tensor | None] = []
        self.masks: dict[str, list[Tensor]] = {"content_mask": [], "style_mask": []}
        self.inputs: list[Input] = []
        self.painted: list[Part] = []
        # Of the run's folder: what is painted by which command, where to; the recipe as it is told where its files have
        # moved; and the folder, from the first step on.
        self.kind = "stylize"
        self.delivery: Mapping[str, Any] = {}
        self.told: Recipe | None = None
        self.run: Run | None = None
        self.run_dir = run_dir if run_dir in (None, AUTO) else check_run_dir(run_dir)
        self._sources: list[tuple[Source, Tensor, Carried]] = []
        self._state: State | None = None
        self._speeds: dict[Precision, tuple[str, Speed]] = {}

    def read(self, role: Role, source: ImageSource) -> tuple[int, int]:
        """Takes an input; returns its (height, width)."""
        name = role if role == "fine_style" else f"{role}_image"
        if role == "style":
            image, carried, described = self.reuse.read_style(source, self.max_pixels)
        else:
            image, carried = read_photograph(source, name=name, max_pixels=self.max_pixels)
            described = describe_input(role, source)
        self.take(described, image, carried, _path_of(source))
        return image.shape[-2], image.shape[-1]

    def read_mask(
        self, role: Literal["content_mask", "style_mask"], source: ImageSource, image: Tensor, picture: ImageSource
    ) -> None:
        """Takes a mask of a picture that was read: image as it came out, picture as it was given."""
        name = f"{role} {len(self.masks[role]) + 1}"
        size = (image.shape[-2], image.shape[-1])
        of = "photograph" if role == "content_mask" else "style image"
        mask = read_mask(source, picture, size, name=name, of=of, max_pixels=self.max_pixels)
        self.take(describe_input(role, source), mask, path=_path_of(source))

    def read_masks(self, only: ImageSource | None, protect: ImageSource | None, picture: ImageSource) -> None:
        """Takes the masks beside the photograph, as far as they are given; picture: it, as it was given and read."""
        assert self.content is not None
        size = (self.content.shape[-2], self.content.shape[-1])
        if only is not None:
            mask, entry = read_only(only, picture, size, self.max_pixels)
            self.take(entry, mask, path=_path_of(only))
        if protect is not None:
            mask, entry = read_protect(protect, picture, self.content, self.max_pixels)
            self.take(entry, mask, path="" if entry.boxes else _path_of(protect))

    def take(self, described: Input, image: Tensor, carried: Carried = NOTHING, path: str = "") -> None:
        """Takes an input that was read, and notes it for the result and for the run's folder.

        image: (1, 3, H, W), of a mask as it was made ready. path: its absolute one, where it is a file. The folder
        keeps what is no file, and masks.
        """
        role = described.role
        if role == "content":
            self.content, self.carried = image, carried
        elif role == "fine_style":
            self.fine_style = image
        elif role == "only":
            self.only = image
        elif role == "protect":
            self.protect = image
        elif role in self.masks:
            self.masks[role].append(image)
        else:
            self.styles.append(image)
            self.style_alphas.append(carried.alpha)
        kept = "" if path and role not in MASKS else f"{len(self.inputs)}.safetensors"
        source = Source(
            role=role, name=described.name, sha256=described.sha256, path=path, kept=kept, boxes=described.boxes
        )
        self._sources.append((source, image, carried))
        self.inputs.append(described)

    def prepare(self, size: tuple[int, int]) -> "Painting":
        """Itself, ready to paint at (height, width), after all that can be wrong before slow work was checked."""
        recipe, plan = self.recipe, self.given
        self.seen = recipe if self.protect is None else protect_recipe(recipe)
        if self.styles:
            check_blend(recipe.style_blend, len(self.styles))
        check_color(recipe, has_content=self.content is not None, has_styles=bool(self.styles))
        check_sizes(self.seen, self.content, self.styles, size)
        self.regions = build_regions(
            recipe,
            Masks(
                size=size,
                style_sizes=[style_size(recipe, style, size, size) for style in self.styles],
                content_masks=self.masks["content_mask"],
                style_masks=self.masks["style_mask"],
                content_alpha=self.carried.alpha,
                style_alphas=self.style_alphas,
            ),
        )
        self.masks.clear()
        if recipe.init in recipe_files(recipe):
            read_image(recipe.init, name="init")
        precision = self.precision if plan is None else plan.precision
        check_precision(precision, self.device)
        images = [*self.styles] if self.content is None else [self.content, *self.styles]
        self.encoders, self.weights = self.reuse.encoders(recipe, precision, images)
        limit = memory_limit(self.max_memory, self.device)
        used = used_bytes(self.device)
        if self.device.type != "cpu":
            # They go to the device when it is time to paint.
            used += sum(chosen.count_bytes() for chosen in self.encoders.values())
        self.planner = Planner(
            self.seen, self.encoders, self.styles, size, used=used, limit=limit, regions=len(self.regions)
        )
        threads = self.threads if self.threads is not None else torch.get_num_threads()
        self.plan = self.planner.plan(precision, threads) if plan is None else self.planner.adopt(plan)
        if self.fine_style is not None:
            sizes = self.planner.style_sizes(size)
            self.strokes = [self._prepare_strokes(style, to) for style, to in zip(self.styles, sizes, strict=True)]
        return self

    def _prepare_strokes(self, style: Tensor, size: tuple[int, int]) -> "Painting":
        """A style image about to be repainted, at (height, width), in the strokes of the fine one."""
        assert self.fine_style is not None
        recipe = fine_recipe(self.recipe, size)
        check_fine_style(recipe, self.fine_style, size)
        return self.vary(recipe, style, [self.fine_style], size, plain=True)

    def vary(
        self,
        recipe: Recipe,
        content: Tensor | None,
        styles: list[Tensor],
        size: tuple[int, int],
        *,
        plain: bool,
    ) -> "Painting":
        """Another painting at (height, width), ready, in the same network on the same machine; plain: without masks
        and alpha."""
        other = copy.copy(self)
        other.recipe, other.content, other.styles, other.fine_style = recipe, content, styles, None
        other.strokes, other.painted, other._speeds = [], [], {}
        if plain:
            other.regions, other.only, other.protect = (), None, None
            other.carried, other.style_alphas = NOTHING, []
        other.seen = recipe if other.protect is None else protect_recipe(recipe)
        other.run, other.run_dir, other._state, other.told = None, None, None, None
        other.started = self.clock()
        used, limit = self.planner.used, self.planner.limit
        other.planner = Planner(
            other.seen, self.encoders, styles, size, used=used, limit=limit, regions=len(other.regions)
        )
        other.plan = other.planner.plan(self.plan.precision, self.plan.threads)
        return other

    def paint_strokes(self) -> list[Tensor]:
        """The style images, repainted where fine strokes are wanted. A stop here has nothing to keep."""
        repainted: list[Tensor] = []
        for strokes in self.strokes:
            result = strokes.paint()
            if result.end == "stopped":
                raise KeyboardInterrupt
            repainted.append(result.pastiche)
        return repainted or self.styles

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
                    regions=len(self.regions),
                    device=self.device,
                    threads=plan.threads,
                    clock=self.clock,
                )
            match_s = find_match_speed(recipe, self.device, plan.threads, self.clock)
        speeds = {precision: speed for precision, (_, speed) in self._speeds.items()}
        sizes = [self.planner.style_sizes(part.size) for part in plan.parts]
        estimate = estimate_run(plan, self.seen, self.encoders["float32"], sizes, speeds, match_s, self.device)
        return estimate.after([strokes.estimate() for strokes in self.strokes])

    @property
    def paths(self) -> list[Path]:
        """Of the inputs that are files."""
        return [Path(source.path) for source, _, _ in self._sources if source.path]

    @property
    def step(self) -> int:
        """Where a run that is gone on with begins."""
        return 0 if self._state is None else int(self._state["step"])

    def go_on(self, run: Run, state: State | None) -> None:
        """Makes `paint` go on from a state of the run, which was planned with the state's own plan."""
        self.run, self._state = run, state
        if state is not None:
            self.painted = list(self.plan.parts[: state["painted"]])
            self.started -= state["seconds"]

    def paint(self, on_step: OnStep | None = None) -> Result:
        """The result. After an estimate, the speed that was seen is remembered for the next one.

        With a run folder, `run` is kept there; a picture that is to be delivered is left to be finished by who does it.
        """
        if self.run is None and self.run_dir is not None:
            self.run = begin_run(self.run_dir, self._record, self._sources)
        try:
            result = self._paint(on_step)
        except BaseException:
            if self.run is not None:
                self.run.leave()
            raise
        if self.run is not None and result.end == "stopped":
            self.run.close()
        elif self.run is not None and not self.run.record.output:
            self.run.finish(result, None)
        return result

    def _paint(self, on_step: OnStep | None) -> Result:
        content, styles = self.content, self.paint_strokes()
        with running(self.device, self.plan.threads, self._advice):
            alphas = (self.carried.alpha, self.style_alphas)
            self.content, self.styles = prepare_colors(self.recipe, content, styles, *alphas)
            self._finish = partial(self._finish_picture, content=content, styles=styles)
            minimum = self._paint_parts(self._tell_run(on_step))
            self.reached = minimum.image
            pastiche = self._finish(minimum.image)
        return Result(
            pastiche=pastiche,
            recipe=self.told or self.recipe,
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

    def _finish_picture(self, painted: Tensor, content: Tensor | None, styles: Sequence[Tensor]) -> Tensor:
        """A painted picture, (1, 3, H, W), as it is delivered: in its colors, with the photograph outside `only`."""
        pastiche = finish_colors(self.recipe, painted, content, styles, self.carried.alpha, self.style_alphas)
        if content is None or self.only is None:
            return pastiche
        return keep_photograph(pastiche, content, self.carried, self.only, self.recipe.only_feather)

    @property
    def _advice(self) -> str:
        size = max(self.plan.size)
        return f"Lower --size (now {size}), --style-scale or --max-memory, or close other programs."

    def _paint_parts(self, on_step: OnStep | None) -> Minimum:
        """Every part in turn, each from the best picture of the one before; with the steps of all."""
        recipe, left = self.recipe, list(self.plan.parts[len(self.painted) :])
        state: State = self._state or {}
        self._state = None  # it is used up part by part, since its tensors would be held for the whole run
        minimum = _to_minimum(state["minimum"]) if state.get("minimum") else None
        if minimum is not None:
            image = minimum.image
        elif self.start is not None:
            image = self.start
        else:
            image = build_init(recipe.init, self.plan.parts[0].size, self.content, self.styles, recipe.seed)
            image = to_painted(recipe, image)
        try:
            done = bool(state.get("done"))
            while not done:
                part = left.pop(0)
                reached = self._paint_part(part, left, image, on_step, state)
                state = {}
                if reached is None or reached.end == "memory":
                    left = self._lower(part, 0 if reached is None else reached.steps, left)
                if reached is not None and reached.steps:
                    self.painted.append(replace(part, steps=reached.steps))
                    minimum, image = reached, reached.image
                if minimum is not None and minimum.end == "stopped":
                    break
                if minimum is not None:
                    done = not left or minimum.end == "diverged"
                    self._keep(left, minimum, done=done)
        except KeyboardInterrupt:
            if minimum is None:
                raise
            minimum = replace(minimum, end="stopped")
        assert minimum is not None
        steps = sum(part.steps for part in self.painted)
        return replace(minimum, image=resize_image(minimum.image, self.plan.size), steps=steps)

    def _paint_part(
        self, part: Part, left: Sequence[Part], image: Tensor, on_step: OnStep | None, state: State
    ) -> Minimum | None:
        """The best picture of one part, on the CPU; None where there was not the memory for a single evaluation.

        state: of the whole run; where it was within the part, the part is gone on with, and what it holds of it taken.
        """
        recipe, durations = self.recipe, list[float]()
        loop: State | None = state.pop("loop", None)
        try:
            objective = self._build_objective(part)
            if loop is not None:
                loop = map_tensors(loop, lambda tensor: tensor.to(self.device))
                matches = state.pop("objective")
                objective.load_state_dict(map_tensors(matches, lambda tensor: tensor.to(self.device)))
            seen = see_painted(recipe, objective)
            evaluate = self._timed(build_evaluate(seen, gamut=recipe.gamut), durations)
            reached = minimize(
                evaluate,
                self._hand_over(image, part.size).to(self.device),
                _descents(recipe, part.memory.history),
                steps=part.steps,
                tolerance=recipe.tolerance,
                on_step=self._count_on(part, left, on_step),
                keep=self._keep_loop(part, left, objective),
                state=loop,
            )
            # The delivered picture is in the gamut, so its losses are those after clamping.
            best = reached.image.detach().clamp(0, 1)
            is_last = reached.end == "diverged" or (not left and reached.end in ("steps", "tolerance"))
            if recipe.gamut == "free" and is_last:
                reached = replace(reached, losses=evaluate(best)[0])
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            return replace(_to_minimum(loop, "best_"), steps=loop["step"], end="memory") if loop else None
        self._learn(part, durations)
        return replace(reached, image=best.to("cpu"))

    def _hand_over(self, image: Tensor, size: tuple[int, int]) -> Tensor:
        # The photograph's detail fits only what is painted from it.
        content = self.content if self.recipe.init == "content" else None
        return hand_over(image, size, content, self.recipe.carried_detail, self.recipe.padding)
    def _keep_loop(self, part: Part, left: Sequence[Part], objective: Objective) -> Keep | None:
        """What one part's loop offers its state to: a checkpoint of the whole run."""
        run = self.run
        if run is None:
            return None

        def keep(loop: Callable[[], State], now: bool) -> None:
            def state() -> State:
                position = loop()
                done = sum(each.steps for each in self.painted) + position["step"]
                return {**self._state_of([part, *left], done), "loop": position, "objective": objective.state_dict()}

            run.keep(state, now)

        return keep

    def _keep(self, left: Sequence[Part], minimum: Minimum, *, done: bool) -> None:
        """A checkpoint between two parts, or behind the last one."""
        if self.run is not None:
            steps = sum(part.steps for part in self.painted)
            kept = {"image": minimum.image, "losses": dict(minimum.losses), "end": minimum.end}
            state = {**self._state_of(left, steps), "minimum": kept, "done": done}
            self.run.keep(lambda: state, True)

    def _state_of(self, left: Sequence[Part], step: int) -> State:
        plan = self.plan.with_parts([*self.painted, *left]).to_dict()
        return {"plan": plan, "painted": len(self.painted), "step": step, "seconds": self.clock() - self.started}

    def _tell_run(self, on_step: OnStep | None) -> OnStep | None:
        """The callback, behind the run's folder if there is one."""
        run = self.run
        if run is None:
            return on_step

        def tell(event: StepEvent) -> object:
            run.hear(event)
            return None if on_step is None else on_step(event)

        return tell

    def _record(self) -> Record:
        assert len(self._sources) == len(self.inputs), "an input would be missing when the run is gone on with"
        return build_record(
            kind=self.kind,
            recipe=self.recipe,
            sources=[source for source, _, _ in self._sources],
            plan=self.plan,
            device=str(self.device),
            max_pixels=self.max_pixels,
            weights=self.weights,
            delivery=self.delivery,
        )

    def _build_objective(self, part: Part) -> Objective:
        encoder = self.encoders[part.precision].to(self.device)
        content = None if self.content is None else resize_image(self.content, part.size).to(self.device)
        sizes = self.planner.style_sizes(part.size)
        styles = [resize_image(s, to).to(self.device) for s, to in zip(self.styles, sizes, strict=True)]
        regions = [region.resized(part.size, sizes).to(self.device) for region in self.regions]
        protection = None
        if self.protect is not None:
            added = self.recipe.protect_strength * resize_guide(self.protect, part.size)
            protection = Protection(added.to(self.device))
        if part.memory.tile is None:
            return Objective(encoder, self.seen, content, styles, regions, protection, self.known)
        return TiledObjective(encoder, self.seen, content, styles, regions, protection, inner=part.memory.tile)

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
                finish=self._finish,
            )
            return on_step(whole)

        return count


def _to_minimum(state: State, name: str = "") -> Minimum:
    """The minimum in a state, under names that begin with `name`."""
    return Minimum(image=state[f"{name}image"], losses=state[f"{name}losses"], steps=0, end=state.get("end", "steps"))


def _path_of(source: ImageSource) -> str:
    """The absolute path of an input that is a file, or ""."""
    return os.path.abspath(source) if isinstance(source, (str, os.PathLike)) else ""


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

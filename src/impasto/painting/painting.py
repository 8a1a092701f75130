"""One picture being made: its inputs checked, a plan made and its cost told, and then painted."""

import copy
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from impasto.control.color import check_color, finish_colors, prepare_colors
from impasto.control.fine_style import check_fine_style, fine_recipe
from impasto.control.masks import keep_photograph
from impasto.control.regions import Masks, build_regions
from impasto.control.sizes import check_sizes, style_size
from impasto.cost.estimate import Estimate, estimate_run
from impasto.cost.plan import Budget
from impasto.errors import RecipeError
from impasto.features.guides import Region
from impasto.features.vgg import Vgg
from impasto.features.weights import WeightsRecord
from impasto.images.io import MAX_PIXELS, read_image
from impasto.losses.protection import protect_recipe
from impasto.optimize.events import OnStep
from impasto.optimize.precision import Precision, check_precision, resolve_precision
from impasto.optimize.schedule import RunPlan
from impasto.painting.cache import Cache
from impasto.painting.inputs import Inputs
from impasto.painting.planner import Planner
from impasto.painting.recorder import Keeping
from impasto.painting.runner import Course, advise_memory
from impasto.painting.targets import Scene
from impasto.recipe.files import check_files, init_file
from impasto.recipe.recipe import Recipe, check_blend
from impasto.runs.record import Record, build_record
from impasto.runs.result import Result
from impasto.system.device import name_devices, peak_bytes, resolve_devices, running
from impasto.system.memory import memory_limit, used_bytes


class Painting:
    """One run: its `inputs` read, `prepare`, perhaps `estimate`, then `paint`. How to run it is as for `stylize`."""

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
        cache: Cache | None = None,
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
        self.told: Recipe | None = None  # the recipe as it is told where its files have moved
        self.devices = resolve_devices(device)
        self.device = self.devices[0]
        self.threads = threads
        self.precision = resolve_precision(precision, self.device)
        self.max_memory = max_memory
        self.given = plan
        self.known = None if cache is None else cache.descriptions
        self.cache = cache if cache is not None else Cache()
        self.inputs = Inputs(max_pixels, self.cache)
        self.strokes: list[Painting] = []
        self.start: Tensor | None = None  # instead of the recipe's start image
        self.keeping = Keeping(run_dir)

    def prepare(self, size: tuple[int, int]) -> "Painting":
        """Itself, ready to paint at (height, width), after all that can be wrong before slow work was checked."""
        recipe, plan, inputs = self.recipe, self.given, self.inputs
        self.seen = recipe if inputs.protect is None else protect_recipe(recipe)
        if inputs.styles:
            check_blend(recipe.style_blend, len(inputs.styles))
        check_color(recipe, has_content=inputs.content is not None, has_styles=bool(inputs.styles))
        content_size = None if inputs.content is None else inputs.content.shape[-2:]
        check_sizes(self.seen, content_size, [style.shape[-2:] for style in inputs.styles], size)
        self.regions = self._build_regions(recipe, inputs, size)
        inputs.masks.clear()
        check_files(recipe)
        if (start := init_file(recipe)) is not None:
            read_image(start, name="init")
        precision = self.precision if plan is None else plan.precision
        for each in self.devices:
            check_precision(precision, each)
        images = [*inputs.styles] if inputs.content is None else [inputs.content, *inputs.styles]
        self.encoders, self.weights = self.cache.encoders(recipe, precision, images)
        limit = min(memory_limit(self.max_memory, each) for each in self.devices)
        used = used_bytes(self.device)
        if self.device.type != "cpu":
            # They go to the device when it is time to paint.
            used += sum(chosen.count_bytes() for chosen in self.encoders.values())
        self.planner = Planner(
            recipe=self.seen,
            encoders=self.encoders,
            style_image_sizes=tuple((style.shape[-2], style.shape[-1]) for style in inputs.styles),
            size=size,
            budget=Budget(used, limit),
            regions=len(self.regions),
        )
        threads = self.threads if self.threads is not None else torch.get_num_threads()
        self.plan = self.planner.plan(precision, threads) if plan is None else self.planner.adopt(plan)
        if inputs.fine_style is not None:
            sizes = self.planner.style_sizes(size)
            self.strokes = [self._prepare_strokes(number, to) for number, to in enumerate(sizes)]
        return self

    def _build_regions(self, recipe: Recipe, inputs: Inputs, size: tuple[int, int]) -> tuple[Region, ...]:
        masks = Masks(
            size=size,
            style_sizes=[style_size(recipe, style.shape[-2:], size, size) for style in inputs.styles],
            content_masks=inputs.masks.get("content_mask", ()),
            style_masks=inputs.masks.get("style_mask", ()),
            content_alpha=inputs.carried.alpha,
            style_alphas=inputs.style_alphas,
        )
        return build_regions(recipe, masks)

    def _prepare_strokes(self, number: int, size: tuple[int, int]) -> "Painting":
        """The style image of that number about to be repainted, at (height, width), in the strokes of the fine one."""
        recipe, inputs = fine_recipe(self.recipe, size), self.inputs.for_strokes(number)
        check_fine_style(recipe, inputs.styles[0], size)
        return self.vary(recipe, inputs, self._build_regions(recipe, inputs, size), size)

    def vary(
        self, recipe: Recipe, inputs: Inputs, regions: tuple[Region, ...], size: tuple[int, int]
    ) -> "Painting":
        """Another painting at (height, width), ready, in the same network on the same machine."""
        other = copy.copy(self)
        other.started = self.clock()
        other.recipe, other.told = recipe, None
        other.inputs, other.regions = inputs, regions
        other.seen = recipe if other.inputs.protect is None else protect_recipe(recipe)
        other.strokes, other.keeping = [], Keeping(None)
        other.planner = replace(
            self.planner,
            recipe=other.seen,
            style_image_sizes=tuple((style.shape[-2], style.shape[-1]) for style in inputs.styles),
            size=size,
            regions=len(other.regions),
        )
        other.plan = other.planner.plan(self.plan.precision, self.plan.threads)
        return other

    def estimate(self) -> Estimate:
        """Return what painting will cost; on a machine never measured, after one evaluation of a small picture."""
        plan = self.plan
        workloads = [self.planner.workload(part.size, part.precision) for part in plan.parts]
        has_content = self.inputs.content is not None
        with running(self.device, plan.threads, advise_memory(plan)):
            estimate = estimate_run(plan, workloads, has_content=has_content, devices=self.devices, clock=self.clock)
        return estimate.after([strokes.estimate() for strokes in self.strokes])

    def paint(self, on_step: OnStep | None = None) -> Result:
        """The result. After an estimate, the speed of the run is remembered for the next one.

        With a run folder, the run is kept there; where the picture is to be delivered, who does it finishes the run.
        """
        self.keeping.begin(self._record, self.inputs.sources)
        with self.keeping.leaving():
            result = self._paint(on_step)
        self.keeping.end(result)
        return result

    def paint_strokes(self) -> list[Tensor]:
        """The style images, repainted where fine strokes are wanted. A stop here has nothing to keep."""
        repainted: list[Tensor] = []
        for strokes in self.strokes:
            result = strokes.paint()
            if result.end == "stopped":
                raise KeyboardInterrupt
            repainted.append(result.pastiche)
        return repainted or self.inputs.styles

    def _paint(self, on_step: OnStep | None) -> Result:
        styles = self.paint_strokes()
        finish = partial(self._finish, styles=styles)
        with running(self.device, self.plan.threads, advise_memory(self.plan), self.devices[1:]):
            course = Course(
                self._build_scene(styles),
                self.planner,
                self.plan,
                self.keeping,
                clock=self.clock,
                started=self.started,
            )
            minimum = course.paint(self.start, self.keeping.hearing(on_step), finish)
            self.reached = minimum.image
            pastiche = finish(minimum.image)
        return Result(
            pastiche=pastiche,
            recipe=self.told or self.recipe,
            losses=minimum.losses,
            steps=minimum.steps,
            seconds=course.elapsed_s(),
            peak_bytes=max(map(peak_bytes, self.devices)),
            end="steps" if minimum.end == "memory" else minimum.end,
            weights=self.weights,
            inputs=tuple(self.inputs.described),
            plan=self.plan.with_parts(course.painted),
            carried=self.inputs.carried,
        )

    def _build_scene(self, styles: Sequence[Tensor]) -> Scene:
        """styles: the style images, repainted."""
        content, styles = prepare_colors(
            self.recipe, self.inputs.content, styles, self.inputs.carried.alpha, self.inputs.style_alphas
        )
        return Scene(
            recipe=self.recipe,
            seen=self.seen,
            devices=self.devices,
            encoders=self.encoders,
            content=content,
            styles=styles,
            regions=self.regions,
            protect=self.inputs.protect,
            known=self.known,
        )

    def _finish(self, painted: Tensor, *, styles: Sequence[Tensor]) -> Tensor:
        """A painted picture, (1, 3, H, W), as it is delivered: in its colors, with the photograph outside `only`."""
        inputs = self.inputs
        alphas = (inputs.carried.alpha, inputs.style_alphas)
        pastiche = finish_colors(self.recipe, painted, inputs.content, styles, *alphas)
        if inputs.content is None or inputs.only is None:
            return pastiche
        return keep_photograph(pastiche, inputs.content, inputs.carried, inputs.only, self.recipe.only_feather)

    def _record(self) -> Record:
        return build_record(
            kind=self.keeping.kind,
            recipe=self.recipe,
            sources=[source for source, _, _ in self.inputs.sources],
            plan=self.plan,
            device=name_devices(self.devices),
            max_pixels=self.inputs.max_pixels,
            weights=self.weights,
            delivery=self.keeping.delivery,
        )

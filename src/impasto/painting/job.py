"""A job: one picture ready to be painted, after every check that is possible before slow work."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from impasto.control.color import FittedColors, check_color
from impasto.control.fine_style import check_fine_style, fine_recipe
from impasto.control.regions import Masks, build_regions
from impasto.control.sizes import check_sizes, picture_size, style_size
from impasto.cost.estimate import Estimate, estimate_run
from impasto.cost.plan import Budget
from impasto.features.guides import Region
from impasto.features.vgg import Vgg, check_layers
from impasto.features.weights import WeightsRecord
from impasto.images.carried import Carried
from impasto.losses.protection import protect_recipe
from impasto.losses.temporal import Temporal
from impasto.optimize.precision import check_precision, resolve_precision
from impasto.optimize.schedule import RunPlan
from impasto.painting.cache import Cache
from impasto.painting.inputs import Inputs
from impasto.painting.options import RunOptions
from impasto.painting.planner import Planner
from impasto.recipe.checks import check_blend
from impasto.recipe.layers import finest_recipe
from impasto.recipe.recipe import Recipe
from impasto.runs.folders import AUTO, check_run_dir
from impasto.system.device import resolve_devices
from impasto.system.memory import memory_limit, used_bytes
from impasto.system.process import return_freed_memory
from impasto.system.torch_settings import Precision, default_threads, products_in, running, torch_defaults

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """One picture ready to be painted. Variants of it are made with `vary` and `dataclasses.replace`.

    devices: that share the tiles; the first does everything else. planner: what the parts of the run are planned from,
    with the network and the recipe that the objective is built from. plan: these parts, each within the memory limit.
    fine_jobs: one a style image, which repaints it in the fine style first. start: (1, 3, H, W), instead of the
    recipe's start image. colors, shares: fitted to another photograph, of the same scene. temporal: earlier frames of
    the film.
    """

    recipe: Recipe
    inputs: Inputs
    options: RunOptions
    regions: tuple[Region, ...]
    devices: tuple[torch.device, ...]
    weights: WeightsRecord
    planner: Planner
    plan: RunPlan
    fine_jobs: tuple["Job", ...] = ()
    start: Tensor | None = None
    colors: FittedColors | None = None
    shares: tuple[Tensor, ...] | None = None
    temporal: Temporal | None = None

    @property
    def device(self) -> torch.device:
        """The device that does everything but the other devices' tiles."""
        return self.devices[0]

    @property
    def kind(self) -> str:
        """The command that paints such a job: "stylize", "texture" or "reconstruct"."""
        if self.inputs.content is not None and self.inputs.styles:
            return "stylize"
        return "texture" if self.inputs.content is None and isinstance(self.recipe.size, tuple) else "reconstruct"

    @property
    def is_enlarged(self) -> bool:
        """Whether the picture is larger than its photograph."""
        content = self.inputs.content
        return content is not None and max(self.plan.size) > max(content.size)

    def estimate(self) -> Estimate:
        """Return what the job will cost; on a machine never measured, after one evaluation of a small picture."""
        plan = self.plan
        workloads = [self.planner.workload(part.size, part.precision) for part in plan.parts]
        with running(self.device, plan.threads, memory_hint(plan)):
            estimate = estimate_run(plan, workloads, self.devices)
        return estimate.after([fine.estimate() for fine in self.fine_jobs])


@torch_defaults()
@products_in("float32")
def prepare(recipe: Recipe, inputs: Inputs, options: RunOptions) -> Job:
    """Return a job, after checking everything that can be wrong before slow work.

    Raises RecipeError, ImageSizeError, MaskError, WeightsError, DeviceError, MemoryLimitError, OutputError, RunError.
    """
    if options.run_dir not in (None, AUTO):
        check_run_dir(options.run_dir)
    size, effective = _find_size(recipe, inputs), _effective_recipe(recipe, inputs)
    if inputs.styles:
        check_blend(recipe.style_blend, len(inputs.styles))
    check_color(recipe, has_content=inputs.content is not None, has_styles=bool(inputs.styles))
    content_size = None if inputs.content is None else inputs.content.size
    check_sizes(effective, content_size, [style.size for style in inputs.styles], size)
    regions = _build_regions(recipe, inputs)
    devices = resolve_devices(options.device)
    device, plan = devices[0], options.plan
    precision = resolve_precision(options.precision, device) if plan is None else plan.precision
    for each in devices:
        check_precision(precision, each)
    images = [picture.image for picture in (inputs.content, *inputs.styles) if picture is not None]
    logger.info("loading the network")
    cache = options.cache if options.cache is not None else Cache()
    located = effective.replace(weights=inputs.weights) if inputs.weights else effective
    encoders, weights = cache.encoders(located, precision, images)
    finest = finest_recipe(recipe)
    layers = finest.content_layers + (recipe.fine_layers if inputs.fine_style is not None else ())
    check_layers(encoders["float32"], layers, weights.architecture)
    if options.max_memory is not None:
        return_freed_memory()  # else what was freed after reading pictures, or a run before, counts as in use
    used = used_bytes(device)
    if device.type != "cpu":
        # The encoders go to the device only when painting begins.
        used += sum(encoder.count_bytes() for encoder in encoders.values())
    budget = Budget(used, min(memory_limit(options.max_memory, each) for each in devices))
    planner = _build_planner(recipe, inputs, regions, encoders, budget)
    threads = options.threads if options.threads is not None else default_threads()
    job = Job(
        recipe=recipe,
        inputs=inputs,
        options=options,
        regions=regions,
        devices=devices,
        weights=weights,
        planner=planner,
        plan=planner.plan(precision, threads) if plan is None else planner.adopt(plan),
    )
    return job if inputs.fine_style is None else replace(job, fine_jobs=_prepare_fine_style(job))


@torch_defaults()
def vary(job: Job, recipe: Recipe, inputs: Inputs, regions: tuple[Region, ...] | None = None) -> Job:
    """Return another job, of another recipe or other inputs, in the same network and within the same limits.

    regions: built from the inputs' masks and alpha if left out.
    """
    regions = _build_regions(recipe, inputs) if regions is None else regions
    planner = _build_planner(recipe, inputs, regions, job.planner.encoders, job.planner.budget)
    plan = planner.plan(job.plan.precision, job.plan.threads)
    return replace(
        job, recipe=recipe, inputs=inputs, regions=regions, planner=planner, plan=plan, fine_jobs=(), start=None
    )


def memory_hint(plan: RunPlan) -> str:
    """Return the advice for a plan that runs out of memory."""
    return f"Lower --size (now {max(plan.size)}), --style-scale or --max-memory, or close other programs."


def _build_planner(
    recipe: Recipe,
    inputs: Inputs,
    regions: Sequence[Region],
    encoders: Mapping[Precision, Vgg],
    budget: Budget,
) -> Planner:
    is_pastiche = inputs.content is not None and bool(inputs.styles)
    return Planner(
        recipe=_effective_recipe(recipe, inputs),
        finest=_effective_recipe(finest_recipe(recipe) if is_pastiche else recipe, inputs),
        encoders=encoders,
        style_image_sizes=tuple(style.size for style in inputs.styles),
        size=_find_size(recipe, inputs),
        budget=budget,
        regions=len(regions) or int(recipe.proportions < 1),
        has_content=inputs.content is not None,
    )


def _find_size(recipe: Recipe, inputs: Inputs) -> tuple[int, int]:
    """Return the finished picture's (height, width)."""
    picture = inputs.content if inputs.content is not None else inputs.styles[0]
    return picture_size(recipe.size, picture.size)


def _effective_recipe(recipe: Recipe, inputs: Inputs) -> Recipe:
    """Return the recipe that the objective is built from: with the layers that protection adds."""
    return recipe if inputs.protect is None else protect_recipe(recipe)


def _build_regions(recipe: Recipe, inputs: Inputs) -> tuple[Region, ...]:
    size = _find_size(recipe, inputs)
    masks = Masks(
        size=size,
        style_sizes=[style_size(recipe, style.size, size, size) for style in inputs.styles],
        content_masks=[mask.image for mask in inputs.content_masks],
        style_masks=[mask.image for mask in inputs.style_masks],
        content_alpha=inputs.content_alpha,
        style_alphas=inputs.style_alphas,
        of_film=inputs.of_film,
    )
    return build_regions(recipe, masks)


def _prepare_fine_style(job: Job) -> tuple[Job, ...]:
    """Return the jobs that repaint each style image, as their photograph, in the fine style; without masks."""
    inputs = job.inputs
    assert inputs.fine_style is not None
    jobs = []
    for style, size in zip(inputs.styles, job.planner.style_sizes(job.plan.size), strict=True):
        recipe = fine_recipe(job.recipe, size)
        check_fine_style(recipe, inputs.fine_style.image, size)
        bare = replace(style, carried=Carried(alpha=style.alpha))
        jobs.append(vary(job, recipe, Inputs(content=bare, styles=(inputs.fine_style,))))
    return tuple(jobs)

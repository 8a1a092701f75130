"""The targets of a run: its pictures in the colors painted in, from which each part's objective is built."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from impasto.control.color import is_grey, mean_channels, prepare_colors
from impasto.features.guides import Region, resize_guide
from impasto.images.color.oklab import to_grey
from impasto.images.resize import resize_image
from impasto.losses.objective import Objective
from impasto.losses.proportions import find_shares, share_regions
from impasto.losses.protection import Protection
from impasto.optimize.init import build_init
from impasto.optimize.pyramid import enlarge_with_detail
from impasto.optimize.schedule import Part
from impasto.painting.job import Job
from impasto.recipe.files import needs_photograph
from impasto.system.torch_settings import products_in
from impasto.tiles.memory_guard import MemoryGuard
from impasto.tiles.objective import TiledObjective

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Targets:
    """The job's pictures, from which the objective and the start image of each part are built.

    content, styles: (1, 3, H, W) in [0, 1], in the colors painted in. regions: the job's, with the shares of the parts
    of the style images. is_grey: whether none of them has a color, so
    that the picture is painted without any.
    """

    job: Job
    content: Tensor | None
    styles: Sequence[Tensor]
    regions: Sequence[Region]
    is_grey: bool

    @products_in("float32")
    def build_objective(self, part: Part) -> Objective:
        """Return the objective that a part lowers."""
        logger.info("describing the %s", "painting" if self.styles else "picture")
        job, recipe, memory = self.job, self.job.recipe, part.memory
        objective_recipe = job.planner.recipe_at(part.size)
        device, sizes = job.device, job.planner.style_sizes(part.size)
        encoder = job.planner.encoders[part.precision].to(device)
        content = None
        if self.content is not None:
            content = resize_image(self.content, part.size, recipe.resampling).to(device)
        styles = [
            resize_image(style, size, recipe.resampling).to(device)
            for style, size in zip(self.styles, sizes, strict=True)
        ]
        regions = [region.resized(part.size, sizes).to(device) for region in self.regions]
        protection = None
        if job.inputs.protect is not None:
            added = recipe.protect_strength * resize_guide(job.inputs.protect.image, part.size)
            protection = Protection(added.to(device))
        temporal = None if job.temporal is None else job.temporal.resized(part.size).to(device)
        # A GPU's driver enforces its limit itself.
        on_cpu = device.type == "cpu"
        guard = MemoryGuard(memory.limit_bytes, memory.features_bytes) if on_cpu else MemoryGuard()
        guard.before_tile(first=True)
        if memory.tile is None:
            cache = None if job.options.cache is None else job.options.cache.descriptions
            return Objective(encoder, objective_recipe, content, styles, regions, protection, cache, temporal)
        return TiledObjective(
            *(encoder, objective_recipe, content, styles, regions, protection),
            inner=memory.tile,
            devices=job.devices,
            guard=guard,
            temporal=temporal,
        )

    def build_start(self, size: tuple[int, int]) -> Tensor:
        """Return the start image of the run, at (height, width)."""
        recipe, init = self.job.recipe, self.job.inputs.init
        start = None if init is None else init.image
        image = build_init(recipe.init, size, self.content, self.styles, recipe.seed, recipe.resampling, start)
        return to_grey(image) if self.is_grey else image

    def enlarge(self, image: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the start image, at (height, width), of the part after the one that ended in this image."""
        recipe = self.job.recipe
        # The photograph's detail fits only what is painted from it.
        content = self.content if needs_photograph(recipe) else None
        return enlarge_with_detail(image, size, content, recipe.carried_detail, recipe.padding, recipe.resampling)


@products_in("float32")
def build_targets(job: Job, styles: Sequence[Tensor]) -> Targets:
    """Return the job's targets. styles: its style images, with their fine style."""
    inputs = job.inputs
    shares = find_job_shares(job, styles) if job.shares is None else job.shares
    regions = share_regions(job.recipe, job.regions, shares)
    content, styles = prepare_colors(
        *(job.recipe, inputs.content_image, styles, inputs.content_alpha, inputs.style_alphas, regions),
        protect=None if inputs.protect is None else inputs.protect.image,
        fitted=job.colors,
    )
    grey = bool(styles) and all(map(is_grey, styles)) and (content is None or is_grey(content))
    if grey and job.recipe.color != "content-luma":  # which has made them exactly grey
        content = None if content is None else mean_channels(content).contiguous()
        styles = [mean_channels(style).contiguous() for style in styles]
    return Targets(job=job, content=content, styles=styles, regions=regions, is_grey=grey)


@products_in("float32")
def find_job_shares(job: Job, styles: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the shares of the parts of a job's style images, for `share_regions`. styles: with their fine style."""
    encoder = job.planner.encoders["float32"].to(job.device)
    content = job.inputs.content_image
    on_device = None if content is None else content.to(job.device)
    shares = find_shares(encoder, job.recipe, on_device, [style.to(job.device) for style in styles])
    return tuple(share.cpu() for share in shares)

"""The plan of a run: its parts, each within the memory limit; and a smaller one after memory ran out all the same."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from impasto.control.sizes import plan_sizes, style_size
from impasto.cost.plan import UNTILED, Needs, lower_plan, plan_memory
from impasto.errors import MemoryLimitError, RecipeError
from impasto.features.vgg import Vgg
from impasto.optimize.precision import Precision
from impasto.optimize.pyramid import share_steps
from impasto.optimize.schedule import MemoryPlan, Part, RunPlan
from impasto.recipe.recipe import Recipe, every_statistic
from impasto.recipe.words import split_statistic


class Planner:
    """Plans for one picture."""

    def __init__(
        self,
        recipe: Recipe,
        encoders: Mapping[Precision, Vgg],
        styles: Sequence[Tensor],
        size: tuple[int, int],
        *,
        used: int,
        limit: int,
        regions: int = 0,
    ) -> None:
        """encoders: by precision, as far as wanted. styles: the style images as they were read. size: (height, width).
        used: bytes in use before the run. limit: bytes that it may bring this to. regions: how many guides it has."""
        self.recipe = recipe
        self.encoders = encoders
        self.styles = styles
        self.size = size
        self.used = used
        self.limit = limit
        self.regions = regions

    def plan(self, precision: Precision, threads: int) -> RunPlan:
        """The recipe's scales and steps. Raises MemoryLimitError where a part does not fit, with what does for all."""
        recipe = self.recipe
        share = 1.0 if precision == "float32" else recipe.float32_share
        parts = share_steps(
            recipe.steps,
            plan_sizes(recipe, self.styles, self.size),
            finer_steps=recipe.finer_steps,
            float32_steps=round(share * recipe.steps),
        )
        planned, refused = [], list[MemoryLimitError]()
        for scale, steps, lower in parts:
            try:
                memory = self._within(self.limit, scale, steps, lower)
            except MemoryLimitError as error:
                refused.append(error)
                continue
            planned.append(Part(size=scale, steps=steps, precision=lower, memory=memory))
        if refused:
            raise max(refused, key=lambda error: error.enough)
        return RunPlan(parts=tuple(planned), threads=threads)

    def adopt(self, plan: RunPlan) -> RunPlan:
        """A plan that was given, with the memory that it needs. Raises RecipeError where it is not for this picture."""
        if plan.size != self.size:
            raise RecipeError(
                f"plan ends at {plan.size[1]}x{plan.size[0]}; expected {self.size[1]}x{self.size[0]}, as the picture.",
                "Give the plan of the same picture and recipe, or none.",
            )
        return plan.with_parts([self._adopt(part) for part in plan.parts])

    def lower(self, failed: Part, done: int, left: Sequence[Part]) -> list[Part] | None:
        """What is left to do in less memory, when a part failed for lack of it after `done` steps.

        Half the bytes of the failed plan, or its smallest tiles; None where these have failed.
        """
        steps = max(1, failed.steps - done)
        memory = lower_plan(
            lambda limit: self._within(limit, failed.size, steps, failed.precision), failed.memory, self.used
        )
        if memory is None:
            return None
        self.limit = max(memory.needed_bytes, self.used + (failed.memory.needed_bytes - self.used) // 2)
        rest = [replace(failed, steps=steps, memory=memory)] if done < failed.steps else []
        return rest + [self._lowered(part) for part in left]

    def style_sizes(self, scale: tuple[int, int]) -> list[tuple[int, int]]:
        """The style images' sizes, (height, width), beside a picture of this size."""
        return [style_size(self.recipe, style, scale, self.size) for style in self.styles]

    def _within(self, limit: int, size: tuple[int, int], steps: int, precision: Precision) -> MemoryPlan:
        styles, encoder = self.style_sizes(size), self.encoders[precision]
        return plan_memory(
            encoder, self.recipe, size, styles, steps=steps, used=self.used, limit=limit, regions=self.regions
        )

    def _lowered(self, part: Part) -> Part:
        if part.memory.needed_bytes <= self.limit:
            return part
        try:
            memory = self._within(self.limit, part.size, part.steps, part.precision)
        except MemoryLimitError as error:
            memory = self._within(error.enough, part.size, part.steps, part.precision)
        return replace(part, memory=memory)

    def _adopt(self, part: Part) -> Part:
        encoder, styles = self.encoders[part.precision], self.style_sizes(part.size)
        needs = Needs(encoder, self.recipe, part.size, styles, self.used, self.regions)
        memory = needs.plan(part.memory.tile, part.memory.history, self.limit)
        untiled = [name for name, _, _ in map(split_statistic, every_statistic(self.recipe)) if name in UNTILED]
        if memory.margin != part.memory.margin or (memory.tile is not None and untiled):
            wanted = "no tiles" if untiled else f"a margin of {needs.margin}"
            raise RecipeError(
                f"plan has tiles of {part.memory.tile}, margin {part.memory.margin}; this recipe wants {wanted}.",
                "Give the plan of the same recipe, or none.",
            )
        return replace(part, memory=memory)

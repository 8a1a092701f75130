"""Plan the parts of a run within the memory limit, and in less memory after it ran out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from impasto.control.sizes import plan_sizes, style_size
from impasto.cost.plan import Budget, fixed_plan, plan_memory, untiled_statistics
from impasto.cost.workload import Workload
from impasto.errors import MemoryLimitError, RecipeError
from impasto.features.vgg import Vgg
from impasto.optimize.pyramid import share_steps
from impasto.optimize.schedule import MemoryPlan, Part, RunPlan
from impasto.recipe.recipe import Recipe
from impasto.system.torch_settings import Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Plans for one picture.

    recipe: of all scales but the last of several, which has `finest`. encoders: by precision, those that the run uses.
    style_image_sizes: (height, width) of the style images as they were read. size: (height, width) of the finished
    picture. regions: number of guides. has_content: with a photograph.
    """

    recipe: Recipe
    finest: Recipe
    encoders: Mapping[Precision, Vgg]
    style_image_sizes: tuple[tuple[int, int], ...]
    size: tuple[int, int]
    budget: Budget
    regions: int
    has_content: bool

    def plan(self, precision: Precision, threads: int) -> RunPlan:
        """Return the plan with the recipe's scales and steps.

        Raises MemoryLimitError where a part does not fit, with the limit in which all of them do.
        """
        recipe = self.recipe
        share = 1.0 if precision == "float32" else recipe.float32_share
        parts = share_steps(
            recipe.steps,
            plan_sizes(recipe, self.style_image_sizes, self.size),
            finer_steps=recipe.finer_steps,
            float32_steps=round(share * recipe.steps),
        )
        planned, refused = [], list[MemoryLimitError]()
        for scale, steps, lower in parts:
            try:
                memory = plan_memory(self.workload(scale, lower), self.budget, steps)
            except MemoryLimitError as error:
                refused.append(error)
                continue
            planned.append(Part(size=scale, steps=steps, precision=lower, memory=memory))
        if refused:
            raise max(refused, key=lambda error: error.enough)
        return RunPlan(parts=tuple(planned), threads=threads)

    def adopt(self, plan: RunPlan) -> RunPlan:
        """Return a recorded plan with the memory that it needs here. Raises RecipeError for another picture's plan."""
        if plan.size != self.size:
            raise RecipeError(
                f"plan ends at {plan.size[1]}x{plan.size[0]}; expected {self.size[1]}x{self.size[0]}, as the picture.",
                "Give the plan of the same picture and recipe, or none.",
            )
        return plan.with_parts([self._adopt(part) for part in plan.parts])

    def lower(self, failed: Part, done: int, remaining: Sequence[Part]) -> "tuple[Planner, list[Part]] | None":
        """Return a planner with a smaller budget, and its parts, after a part ran out of memory after `done` steps.

        Half the features of the failed plan, or its smallest tiles; None where these failed. remaining: the later
        parts.
        """
        steps, needed = max(1, failed.steps - done), failed.memory.needed_bytes
        half = needed - failed.memory.features_bytes // 2
        memory = self._least(replace(self.budget, lowered_bytes=half), failed, steps)
        if memory.needed_bytes >= needed:
            return None
        lowered = replace(self, budget=replace(self.budget, lowered_bytes=max(memory.needed_bytes, half)))
        rest = [replace(failed, steps=steps, memory=memory)] if done < failed.steps else []
        return lowered, rest + [lowered._lowered(part) for part in remaining]

    def style_sizes(self, scale: tuple[int, int]) -> tuple[tuple[int, int], ...]:
        """Return the sizes (height, width) at which the style images are used beside a picture of this size."""
        return tuple(style_size(self.recipe, style, scale, self.size) for style in self.style_image_sizes)

    def workload(self, size: tuple[int, int], precision: Precision) -> Workload:
        """Return what is computed at one size, (height, width)."""
        styles = self.style_sizes(size)
        recipe = self.recipe_at(size)
        return Workload(self.encoders[precision], recipe, size, styles, self.regions, self.has_content)

    def recipe_at(self, size: tuple[int, int]) -> Recipe:
        """Return the recipe of the objective at one size, (height, width)."""
        is_last = size == self.size and len(plan_sizes(self.recipe, self.style_image_sizes, self.size)) > 1
        return self.finest if is_last else self.recipe

    def _least(self, budget: Budget, part: Part, steps: int) -> MemoryPlan:
        """Return the plan within a budget, or the smallest plan where none fits."""
        workload = self.workload(part.size, part.precision)
        try:
            return plan_memory(workload, budget, steps)
        except MemoryLimitError as error:
            return plan_memory(workload, replace(budget, lowered_bytes=error.enough), steps)

    def _lowered(self, part: Part) -> Part:
        if part.memory.needed_bytes <= self.budget.plan_bytes:
            return part
        return replace(part, memory=self._least(self.budget, part, part.steps))

    def _adopt(self, part: Part) -> Part:
        workload = self.workload(part.size, part.precision)
        memory = fixed_plan(workload, self.budget, part.memory.tile, part.memory.history)
        untiled = untiled_statistics(self.recipe)
        if memory.margin != part.memory.margin or (memory.tile is not None and untiled):
            expected = "no tiles" if untiled else f"a margin of {workload.margin}"
            raise RecipeError(
                f"plan has tiles of {part.memory.tile}, margin {part.memory.margin}; this recipe wants {expected}.",
                "Give the plan of the same recipe, or none.",
            )
        return replace(part, memory=memory)

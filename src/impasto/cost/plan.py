"""The plan that keeps a run within a memory limit: the picture whole or in tiles, and the length of the history."""

import math
from dataclasses import dataclass

from impasto.cost.workload import Workload
from impasto.errors import MemoryLimitError
from impasto.features.receptive_field import GRID
from impasto.losses.statistics import build_statistics
from impasto.optimize.schedule import MemoryPlan
from impasto.recipe.recipe import Recipe, every_statistic
from impasto.system.memory import format_memory

HISTORY = 5
"""L-BFGS pairs below which the tiles become smaller rather than the history shorter."""

SMALLEST_TILE = 64
"""Pixels of a tile's side, without margins, below which most of the work would be margins."""

SMALL_TILE = 4
"""Margins in a tile's side below which the history becomes shorter than 5 pairs after all: more than half of what such
tiles compute is margins."""

PLAN_SHARE = 0.92
"""Share of the memory that a limit leaves to a run for its plan. The rest is for what the allocator holds in pieces: a
process was up to 5 % above its plan (docs/experiments.md, "Held memory")."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The memory of a run.

    used_bytes: in use before it. limit_bytes: the most that the process may use. lowered_bytes: the most that a plan
    may need after one ran out of memory.
    """

    used_bytes: int
    limit_bytes: int
    lowered_bytes: int | None = None

    @property
    def plan_bytes(self) -> int:
        """The most that a plan may need."""
        if self.lowered_bytes is not None:
            return self.lowered_bytes
        return self.used_bytes + int(PLAN_SHARE * (self.limit_bytes - self.used_bytes))

    def limit_for(self, needed_bytes: int) -> int:
        """Return the smallest limit in which a plan may need so much."""
        return self.used_bytes + math.ceil((needed_bytes - self.used_bytes) / PLAN_SHARE)


def plan_memory(workload: Workload, budget: Budget, steps: int) -> MemoryPlan:
    """Return how a workload of so many steps is computed within a budget.

    Whole if that fits with 5 pairs of history, else in the largest tiles that fit. Beside tiles the history gets at
    most half of what the pictures leave, but 5 pairs where a tile of four margins fits beside them.
    Raises MemoryLimitError where not even the smallest tile fits, or where a statistic cannot be tiled.
    """
    recipe, limit = workload.recipe, budget.plan_bytes
    fixed, pair = budget.used_bytes + workload.fixed_bytes(), workload.pair_bytes
    # The first step leaves no pair to the steps after it.
    wanted = max(1, min(recipe.history, steps - 1)) if recipe.optimizer == "lbfgs" else 2
    least = min(wanted, HISTORY)
    whole = fixed + workload.features_bytes(None)
    history = min(wanted, (limit - whole) // pair)
    if history >= least:
        return fixed_plan(workload, budget, None, history)

    _check_tileable(workload, budget, enough=whole + least * pair)
    longest = max(max(side) for side in (workload.size, *workload.style_sizes))
    counts = range(2, max(2, longest // SMALLEST_TILE) + 1)
    features = {tile: workload.features_bytes(tile) for tile in (-(-longest // (n * GRID)) * GRID for n in counts)}
    smallest = fixed + list(features.values())[-1]
    half = max(least, min(wanted, (limit - fixed) // (2 * pair)))
    history = min(half, (limit - smallest) // pair)
    if history >= 1:
        while True:
            room = limit - fixed - history * pair
            largest = next(tile for tile, needed in features.items() if needed <= room)
            if history == 1 or history > HISTORY or largest >= SMALL_TILE * workload.margin:
                return fixed_plan(workload, budget, largest, history)
            history -= 1
    enough = smallest + pair
    advised = _advised_limit(budget, enough)
    height, width = workload.size
    raise MemoryLimitError(
        f"max_memory is {format_memory(budget.limit_bytes)}; a picture of {width}x{height} needs at least {advised}, "
        "in tiles.",
        f"Give --max-memory {advised} or more, or a smaller --size.",
        enough,
    )


def fixed_plan(workload: Workload, budget: Budget, tile: int | None, history: int) -> MemoryPlan:
    """Return the plan with these tiles and this history, which may need more than the budget."""
    features = workload.features_bytes(tile)
    needed = budget.used_bytes + workload.fixed_bytes() + history * workload.pair_bytes + features
    return MemoryPlan(
        tile=tile,
        margin=0 if tile is None else workload.margin,
        history=history,
        needed_bytes=needed,
        features_bytes=features,
        # A recorded plan is computed as it was, even where it needs more.
        limit_bytes=max(budget.limit_bytes, budget.limit_for(needed)),
    )


def untiled_statistics(recipe: Recipe) -> list[str]:
    """Return the names of a recipe's statistics that must see the whole picture at once, as those that sort values."""
    statistics = build_statistics(recipe)
    return [name for name, _ in every_statistic(recipe) if name in statistics and not statistics[name].is_mean]


def _check_tileable(workload: Workload, budget: Budget, enough: int) -> None:
    for name in untiled_statistics(workload.recipe)[:1]:
        needed, (height, width) = _advised_limit(budget, enough), workload.size
        raise MemoryLimitError(
            f"max_memory is {format_memory(budget.limit_bytes)}, and a picture of {width}x{height} needs {needed} when "
            f"it is seen whole, as the statistic {name!r} must.",
            f"Give --max-memory {needed} or a smaller --size, or --statistic gram, which tiles.",
            enough,
        )


def _advised_limit(budget: Budget, enough: int) -> str:
    """Return the limit to advise, slightly more than enough: a process does not start with the same size each time."""
    return format_memory(budget.limit_for(enough + enough // 64))

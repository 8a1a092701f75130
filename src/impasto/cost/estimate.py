"""Time and memory of a run, estimated before it, part by part."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from impasto.cost.calibration import Clock, Speed, find_speed
from impasto.cost.workload import SLACK, Workload, column_shapes
from impasto.features.tiling import cut_tiles
from impasto.losses.nearest import REMATCH, STYLE_VECTORS, match_rows, price_vectors
from impasto.losses.objective import mixing_weights
from impasto.optimize.schedule import Part, RunPlan
from impasto.recipe.recipe import Recipe
from impasto.system.torch_settings import Precision

FORWARD = 0.4
"""Seconds of a pass without gradient for one of an evaluation of the same pixels: of the targets, and of tiles, which
are passed over twice. Measured: 0.26 to 0.48, docs/experiments.md; benchmarks/estimates.py compares whole estimates."""

MATCH_PASSES = 5
"""Passes without gradient over all tiles that "nearest" takes for a match."""

MATCH = (2048, 2048, 640)
"""Positions, style vectors and channels of the match of "nearest" whose time is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run will cost on this machine.

    plan: its parts in turn, with precision and tiles. seconds: of the run. part_s: of each part, its targets included.
    evaluation_s: of one evaluation, losses and gradient, in each part. part_bytes, peak_bytes: most memory the process,
    or torch on a GPU, will use in each part, and at all. recipe: that of the run.
    fine_s: seconds of those, for the fine strokes of the style images, before the first step. frames: of a morph, whose
    first one the plan is for.
    """

    plan: RunPlan
    seconds: float
    part_s: tuple[float, ...]
    evaluation_s: tuple[float, ...]
    part_bytes: tuple[int, ...]
    peak_bytes: int
    recipe: Recipe
    fine_s: float = 0.0
    frames: int = 1

    def after(self, others: Sequence["Estimate"]) -> "Estimate":
        """Return the cost of the same run with its style images painted first, at these costs."""
        fine_s = sum(other.seconds for other in others)
        peak = max([self.peak_bytes, *(other.peak_bytes for other in others)])
        return replace(self, seconds=self.seconds + fine_s, peak_bytes=peak, fine_s=fine_s)

    def to_dict(self) -> dict[str, Any]:
        """Return size, steps, seconds, seconds_per_evaluation (of the last part), peak_bytes, parts, recipe as JSON."""
        height, width = self.plan.size
        parts = []
        for part, seconds, evaluation_s, peak_bytes in zip(
            self.plan.parts, self.part_s, self.evaluation_s, self.part_bytes, strict=True
        ):
            costs = {"seconds": _rounded(seconds), "seconds_per_evaluation": _rounded(evaluation_s)}
            costs |= {"needed_bytes": part.memory.needed_bytes, "peak_bytes": peak_bytes}
            parts.append({**part.to_dict(), "tiles": count_tiles(part, self.recipe.padding), **costs})
        return {
            "size": {"width": width, "height": height},
            "steps": self.plan.steps,
            "seconds": _rounded(self.seconds),
            **({"fine_seconds": _rounded(self.fine_s)} if self.fine_s else {}),
            **({"frames": self.frames} if self.frames > 1 else {}),
            "seconds_per_evaluation": _rounded(self.evaluation_s[-1]),
            "peak_bytes": self.peak_bytes,
            "precision": self.plan.precision,
            "threads": self.plan.threads,
            "parts": parts,
            "recipe": self.recipe.to_dict(),
        }


def estimate_run(plan: RunPlan, workloads: Sequence[Workload], devices: Sequence[torch.device]) -> Estimate:
    """Return what a run by this plan will cost; where this machine was never measured, after one small evaluation.

    workloads: of the plan's parts in turn. devices: that share tiles, all as fast as the first.
    """
    speeds: dict[Precision, Speed] = {}
    for part, workload in zip(plan.parts, workloads, strict=True):
        if part.precision not in speeds:
            speeds[part.precision] = find_speed(workload, devices[0], plan.threads)
    products = [sum(_match_products(workload, size) for size in workload.style_sizes) for workload in workloads]
    product_s = measure_match(devices[0]) if any(products) else 0.0
    evaluations, costs = list[float](), list[float]()
    for part, workload, product in zip(plan.parts, workloads, products, strict=True):
        speed, padding = speeds[part.precision], workload.recipe.padding
        pixels, passes = evaluation_passes(part, padding, devices)
        evaluations.append(passes * speed.seconds(pixels))
        total = (part.steps + 1) * evaluations[-1]
        for height, width in [part.size, *workload.style_sizes]:
            total += FORWARD * speed.seconds(height * width)
        matches = part.steps // REMATCH + 1
        total += matches * product_s * product
        if part.memory.tile is not None and product:
            total += matches * MATCH_PASSES * FORWARD * count_tiles(part, padding) * speed.seconds(pixels)
        costs.append(total)
    # A run takes half of the slack that its plan has (docs/experiments.md).
    peaks = tuple(max(0, part.memory.needed_bytes - SLACK // 2) for part in plan.parts)
    return Estimate(
        plan=plan,
        seconds=sum(costs),
        part_s=tuple(costs),
        evaluation_s=tuple(evaluations),
        part_bytes=peaks,
        peak_bytes=max(peaks),
        recipe=workloads[-1].recipe,
    )


def count_tiles(part: Part, padding: str) -> int:
    """Return the number of tiles of a part's picture; 1 where it is computed whole."""
    memory = part.memory
    return 1 if memory.tile is None else len(cut_tiles(part.size, memory.tile, memory.margin, padding))


def evaluation_passes(part: Part, padding: str, devices: Sequence[torch.device]) -> tuple[int, float]:
    """Return the pixels that an evaluation computes at once, and how many evaluations of these it takes the time of.

    A tile counts with its margins, and once more without a gradient; tiles on all devices take the time of one.
    """
    memory = part.memory
    if memory.tile is None:
        return part.size[0] * part.size[1], 1.0
    tiles = cut_tiles(part.size, memory.tile, memory.margin, padding)
    areas = [(tile.rows.high - tile.rows.low) * (tile.columns.high - tile.columns.low) for tile in tiles]
    return round(sum(areas) / len(areas)), math.ceil(len(areas) / len(devices)) * (1 + FORWARD)


def measure_match(device: torch.device, clock: Clock = time.perf_counter) -> float:
    """Return the seconds of one multiplication of a match of "nearest"."""
    positions, vectors, channels = MATCH
    query, style = (torch.ones(count, channels, device=device) for count in (positions, vectors))
    start = clock()
    match_rows(query, style, price_vectors(query, style)).sum().item()
    return max(clock() - start, 1e-6) / math.prod(MATCH)


def _match_products(workload: Workload, style_size: tuple[int, int]) -> int:
    """Return the multiplications of one match of the picture with one style image of (height, width)."""
    if mixing_weights(workload.recipe)[1] == 0:
        return 0
    count = 0
    for channels, stride in column_shapes(workload.encoder, workload.recipe):
        positions, vectors = ((height // stride) * (width // stride) for height, width in (workload.size, style_size))
        count += positions * min(vectors, STYLE_VECTORS) * channels
    return count


def _rounded(seconds: float) -> float:
    return float(f"{seconds:.3g}")

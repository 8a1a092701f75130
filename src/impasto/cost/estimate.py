"""What a run will cost, told before it: seconds and memory, part by part."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from impasto.cost.calibration import Speed
from impasto.cost.workload import SLACK, column_shapes
from impasto.features.tiling import cut_tiles
from impasto.features.vgg import Vgg
from impasto.losses.nearest import REMATCH, STYLE_VECTORS
from impasto.losses.objective import mixing_weights
from impasto.optimize.precision import Precision
from impasto.optimize.schedule import Part, RunPlan
from impasto.recipe.recipe import Recipe

FORWARD = 0.4
"""Seconds of a pass without gradient for one of an evaluation of the same pixels: 0.38 to 0.43 measured."""

SECOND_LOOK = 0.45
"""The same for the pass without gradient that tiles need: 0.26 to 0.48 measured."""

MATCH_PASSES = 3
"""Passes without gradient over all tiles that "nearest" takes for a match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run will cost on this machine.

    plan: its parts in turn, with precision and tiles. seconds: of the run. evaluation_s: of one evaluation, losses and
    gradient, in each part. peak_bytes: most memory the process, or torch on a GPU, will use. recipe: what it paints.
    fine_s: seconds of those, for the fine strokes of the style images, before the first step. frames: of a morph, whose
    first one the plan is.
    """

    plan: RunPlan
    seconds: float
    evaluation_s: tuple[float, ...]
    peak_bytes: int
    recipe: Recipe
    fine_s: float = 0.0
    frames: int = 1

    def after(self, others: Sequence["Estimate"]) -> "Estimate":
        """The same run, whose style images are painted first, at these costs."""
        fine_s = sum(other.seconds for other in others)
        peak = max([self.peak_bytes, *(other.peak_bytes for other in others)])
        return replace(self, seconds=self.seconds + fine_s, peak_bytes=peak, fine_s=fine_s)

    def to_dict(self) -> dict[str, Any]:
        """Size, steps, seconds, seconds_per_evaluation (of the last part), peak_bytes, parts, recipe as JSON."""
        height, width = self.plan.size
        parts = []
        for part, seconds in zip(self.plan.parts, self.evaluation_s, strict=True):
            tiles = count_tiles(part, self.recipe.padding)
            needed = part.memory.needed_bytes
            costs = {"tiles": tiles, "seconds_per_evaluation": _rounded(seconds), "needed_bytes": needed}
            parts.append({**part.to_dict(), **costs})
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


def estimate_run(
    plan: RunPlan,
    recipe: Recipe,
    encoder: Vgg,
    style_sizes: Sequence[Sequence[tuple[int, int]]],
    speeds: Mapping[Precision, Speed],
    match_s: float,
    devices: Sequence[torch.device],
) -> Estimate:
    """What a run by this plan will cost.

    style_sizes: of the style images, (height, width), in each part. speeds: on a device, by precision. match_s:
    seconds of one multiplication when "nearest" matches. devices: that share tiles, all as fast as the first.
    """
    evaluations, total = [], 0.0
    for part, sizes in zip(plan.parts, style_sizes, strict=True):
        speed = speeds[part.precision]
        pixels, looks = evaluation_looks(part, recipe.padding, devices)
        evaluations.append(looks * speed.seconds(pixels))
        total += (part.steps + 1) * evaluations[-1]
        for height, width in [part.size, *sizes]:
            total += FORWARD * speed.seconds(height * width)
        matches = part.steps // REMATCH + 1
        multiplications = sum(_match_size(encoder, recipe, part.size, size) for size in sizes)
        total += matches * match_s * multiplications
        if part.memory.tile is not None and multiplications:
            total += matches * MATCH_PASSES * FORWARD * count_tiles(part, recipe.padding) * speed.seconds(pixels)
    return Estimate(
        plan=plan,
        seconds=total,
        evaluation_s=tuple(evaluations),
        # A limit is kept with slack to spare; half of it is what a run takes (docs/experiments.md).
        peak_bytes=max(0, plan.needed_bytes - SLACK // 2),
        recipe=recipe,
    )


def count_tiles(part: Part, padding: str) -> int:
    """How many tiles a part's picture is cut into; 1 where it is seen whole."""
    memory = part.memory
    return 1 if memory.tile is None else len(cut_tiles(part.size, memory.tile, memory.margin, padding))


def evaluation_looks(part: Part, padding: str, devices: Sequence[torch.device]) -> tuple[int, float]:
    """What one evaluation is made of: pixels that are seen at once, and how many times a Speed's seconds that costs.

    A tile counts with its margins, and is seen once more without a gradient; so many tiles as devices take one's time.
    """
    memory = part.memory
    if memory.tile is None:
        pixels = part.size[0] * part.size[1]
        return pixels, 1.0
    tiles = cut_tiles(part.size, memory.tile, memory.margin, padding)
    areas = [(tile.rows.high - tile.rows.low) * (tile.columns.high - tile.columns.low) for tile in tiles]
    pixels = round(sum(areas) / len(areas))
    rounds = math.ceil(len(areas) / len(devices))
    return pixels, rounds * (1 + SECOND_LOOK)


def _match_size(encoder: Vgg, recipe: Recipe, size: tuple[int, int], style_size: tuple[int, int]) -> int:
    """Multiplications of one match of a picture of (height, width) with one style image."""
    if mixing_weights(recipe)[1] == 0:
        return 0
    count = 0
    for channels, stride in column_shapes(encoder, recipe):
        places, vectors = ((height // stride) * (width // stride) for height, width in (size, style_size))
        count += places * min(vectors, STYLE_VECTORS) * channels
    return count


def _rounded(seconds: float) -> float:
    return float(f"{seconds:.3g}")

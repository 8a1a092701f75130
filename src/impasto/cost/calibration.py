"""The speed of evaluations on this machine: measured once, stored in a file, corrected by every run."""

import hashlib
import json
import logging
import math
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from impasto.cost.workload import Workload
from impasto.errors import DiskError
from impasto.features.guides import Region
from impasto.losses.objective import Objective
from impasto.optimize.loop import build_evaluate
from impasto.recipe.recipe import Recipe
from impasto.system.disk import cache_folder, replace_file

logger = logging.getLogger(__name__)

FORMAT_VERSION = 2

SIDE = 256
"""Pixels a side of the picture that a calibration evaluates."""

NEAR = 1.5
"""Sizes that differ by less than this factor in pixels are one point of a Speed."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of one evaluation by the size of the picture.

    points: (pixels, seconds), at least one. is_learned: whether runs measured them, rather than one cold evaluation.
    """

    points: tuple[tuple[int, float], ...]
    is_learned: bool = False

    def seconds(self, pixels: float) -> float:
        """Return the seconds of the nearest size, in proportion to the pixels."""
        near, seconds = min(self.points, key=lambda point: abs(math.log(point[0] / pixels)))
        return seconds * pixels / near

    def learn(self, pixels: int, seconds: float) -> "Speed":
        """Return the speed with a run's measurement; at a size already learned, with the mean of both."""
        points = self.points if self.is_learned else ()
        near = [point for point in points if max(point[0], pixels) < NEAR * min(point[0], pixels)]
        for pixels_there, seconds_there in near:
            seconds = (seconds + seconds_there * pixels / pixels_there) / 2
        rest = [point for point in points if point not in near]
        return Speed(tuple(sorted([*rest, (pixels, seconds)])), is_learned=True)


def speed_key(workload: Workload, device: torch.device, threads: int) -> str:
    """Return the key of a workload's speed: torch, machine, threads, precision, and what costs time in the recipe."""
    encoder, recipe = workload.encoder, workload.recipe
    network = {name: encoder.channels(name) for name in encoder.layer_names}
    parts: list[object] = [network, encoder.pooling, encoder.padding, recipe.statistic, recipe.tv_weight > 0]
    parts += [recipe.content_layers, recipe.style_layers, workload.has_content, len(workload.style_sizes)]
    parts += [recipe.nearest_layer] if recipe.nearest_layer != "middle" else []
    parts += [workload.regions, recipe.region_statistics] if workload.regions else []
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
    machine = torch.cuda.get_device_name(device) if device.type == "cuda" else find_processor()
    return f"torch {torch.__version__}; {device.type} {machine}; {threads} threads; {encoder.precision}; {digest}"


def find_processor() -> str:
    """Return the processor's name and vector instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name} {torch.backends.cpu.get_cpu_capability()}"


def find_speed(workload: Workload, device: torch.device, threads: int, clock: Clock = time.perf_counter) -> Speed:
    """Return the speed of a workload's evaluations on this machine: stored, or measured now and stored."""
    key = speed_key(workload, device, threads)
    speed = read_speeds().get(key)
    if speed is None:
        logger.info("measuring the speed of this machine")
        speed = measure_speed(workload, device, clock)
        write_speed(key, speed)
    return speed


def learn_speed(key: str, pixels: int, seconds: float) -> None:
    """Correct a stored speed by the seconds that a run's evaluations took; without a stored one, do nothing."""
    speed = read_speeds().get(key)
    if speed is not None:
        write_speed(key, speed.learn(pixels, max(seconds, 1e-6)))


def measure_speed(workload: Workload, device: torch.device, clock: Clock = time.perf_counter) -> Speed:
    """Return the speed of one evaluation of the workload's own losses, of a small picture of noise."""
    generator = torch.Generator().manual_seed(0)
    image, content, *style_images = (
        torch.rand(1, 3, SIDE, SIDE, generator=generator).to(device) for _ in range(2 + len(workload.style_sizes))
    )
    regions = _stripes(workload.recipe, workload.regions, len(style_images), device)
    encoder = workload.encoder.to(device)
    objective = Objective(encoder, workload.recipe, content if workload.has_content else None, style_images, regions)
    evaluate = build_evaluate(objective, gamut=workload.recipe.gamut, precision=encoder.precision)
    start = clock()
    evaluate(image)
    return Speed(((SIDE * SIDE, max(clock() - start, 1e-6)),))


def _stripes(recipe: Recipe, count: int, styles: int, device: torch.device) -> list[Region]:
    """Return `count` regions of a calibration's picture, one below the other, each in all styles."""
    rows = (torch.arange(SIDE, device=device) * count // SIDE).view(1, 1, SIDE, 1).expand(1, 1, SIDE, SIDE)
    guides = [(rows == index).float() for index in range(count)]
    return [Region(name="", content=g, styles=(g,) * styles, statistic=recipe.statistic) for g in guides]


def cache_file() -> Path:
    """Return the path of the file of all speeds, in the user's cache folder."""
    return cache_folder() / "speed.json"


def read_speeds() -> dict[str, Speed]:
    """Return all speeds by key; none where the file is missing or damaged, since it can be measured again."""
    try:
        values = json.loads(cache_file().read_text("utf-8"))
        if values["format_version"] != FORMAT_VERSION:
            return {}
        return {str(key): _to_speed(entry) for key, entry in values["speeds"].items()}
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return {}


def write_speed(key: str, speed: Speed) -> None:
    """Add a speed to the file, in one atomic move. Where it cannot be written, it is measured again next time."""
    speeds = {**read_speeds(), key: speed}
    entries = {key: {"points": speeds[key].points, "is_learned": speeds[key].is_learned} for key in sorted(speeds)}
    values = {"format_version": FORMAT_VERSION, "speeds": entries}
    try:
        path = cache_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps(values, indent=1).encode())
    except (OSError, RuntimeError, DiskError):  # RuntimeError: no home folder
        pass


def _to_speed(entry: Mapping[str, Any]) -> Speed:
    points: Sequence[Any] = entry["points"]
    pairs = sorted((int(pixels), float(seconds)) for pixels, seconds in points)
    if not pairs or not all(pixels > 0 and 0 < seconds < math.inf for pixels, seconds in pairs):
        raise ValueError("no speed")
    return Speed(tuple(pairs), entry["is_learned"] is True)

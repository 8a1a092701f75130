"""How fast this machine evaluates: measured once on small pictures, kept in a file, corrected by every run."""

import hashlib
import json
import math
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from impasto.errors import DiskError
from impasto.features.guides import Region
from impasto.features.vgg import Vgg
from impasto.losses.nearest import match_rows
from impasto.losses.objective import Objective
from impasto.optimize.loop import build_evaluate
from impasto.recipe.recipe import Recipe, every_statistic
from impasto.recipe.words import split_statistic
from impasto.system.disk import cache_folder, replace_file

FORMAT_VERSION = 1

SIDES = {"cpu": (96, 256)}
"""Pixels a side of the pictures that a calibration evaluates, by kind of device."""

GPU_SIDES = (256, 768)
"""The same on a GPU, which small pictures do not fill."""

BUDGET_S = 2.0
"""Seconds after which a calibration measures nothing a second time; there is one for each precision."""

REPEATS = 5

WITHIN_RUN = 1.08
"""What an evaluation of a run takes more than the best one of a trial. Measured: docs/experiments.md, "Estimates"."""

NEAR = 1.5
"""Sizes that differ by less than this factor in pixels are one point of a Speed."""

MATCH = (2048, 4096, 640)
"""Places, style vectors and channels of the trial match of "nearest"."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of one evaluation by the size of the picture.

    points: (pixels, seconds) as measured, by ascending pixels; at least one.
    """

    points: tuple[tuple[int, float], ...]

    def seconds(self, pixels: float) -> float:
        """Between two points on the line between them; beyond them it grows as the best line a + b * pixels."""
        first, last = self.points[0], self.points[-1]
        if not first[0] <= pixels <= last[0]:
            a, b = self._fit()
            end = first if pixels < first[0] else last
            return end[1] * (a + b * pixels) / (a + b * end[0])
        above = next(index for index, (size, _) in enumerate(self.points) if size >= pixels)
        if self.points[above][0] == pixels:
            return self.points[above][1]
        (low, fast), (high, slow) = self.points[above - 1 : above + 1]
        return fast + (slow - fast) * (pixels - low) / (high - low)

    def learn(self, pixels: int, seconds: float) -> "Speed":
        """With what a run measured; at a size that is known already, with the mean of both."""
        near = [point for point in self.points if max(point[0], pixels) < NEAR * min(point[0], pixels)]
        known = [seconds_there * pixels / pixels_there for pixels_there, seconds_there in near]
        rest = [point for point in self.points if point not in near]
        mean = (seconds + statistics.fmean(known)) / 2 if known else seconds
        return Speed(tuple(sorted([*rest, (pixels, mean)])))

    def _fit(self) -> tuple[float, float]:
        """a and b of seconds = a + b * pixels, by least squares of the relative errors; neither is negative."""
        x = [pixels / seconds for pixels, seconds in self.points]
        w = [1 / seconds for _, seconds in self.points]
        ww, wx, xx = (sum(map(math.prod, zip(p, q, strict=True))) for p, q in ((w, w), (w, x), (x, x)))
        determinant = ww * xx - wx * wx
        if determinant > 1e-9 * ww * xx:
            a, b = (sum(w) * xx - sum(x) * wx) / determinant, (sum(x) * ww - sum(w) * wx) / determinant
            if a >= 0 and b > 0:
                return a, b
        return 0.0, sum(x) / xx


def find_key(
    encoder: Vgg,
    recipe: Recipe,
    *,
    has_content: bool,
    styles: int,
    device: torch.device,
    threads: int,
    regions: int = 0,
) -> str:
    """What a speed holds for: torch, machine, threads, precision, and the parts of the recipe that cost time."""
    network = {name: encoder.channels(name) for name in encoder.layer_names}
    work: list[object] = [network, encoder.pooling, encoder.padding, recipe.statistic, recipe.tv_weight > 0]
    work += [recipe.content_layers, recipe.style_layers, has_content, styles]
    work += [regions, recipe.region_statistics] if regions else []
    digest = hashlib.sha256(json.dumps(work).encode()).hexdigest()[:12]
    precision = str(encoder.dtype_of(encoder.layer_names[-1])).removeprefix("torch.")
    machine = torch.cuda.get_device_name(device) if device.type == "cuda" else find_processor()
    return f"torch {torch.__version__}; {device.type} {machine}; {threads} threads; {precision}; {digest}"


def find_processor() -> str:
    """The processor's name and vector instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name} {torch.backends.cpu.get_cpu_capability()}"


def find_speed(
    encoder: Vgg,
    recipe: Recipe,
    *,
    has_content: bool,
    styles: int,
    device: torch.device,
    threads: int,
    regions: int = 0,
    clock: Clock = time.perf_counter,
) -> tuple[str, Speed]:
    """The speed of the recipe's evaluations on this machine, and its key: from the file, or measured now and written.

    encoder: on the device, in the precision that is asked for. styles, regions: how many of these there are.
    """
    key = find_key(
        encoder, recipe, has_content=has_content, styles=styles, device=device, threads=threads, regions=regions
    )
    speed = read_speeds().get(key)
    if speed is None:
        speed = measure_speed(
            encoder, recipe, has_content=has_content, styles=styles, device=device, regions=regions, clock=clock
        )
        write_speed(key, speed)
    return key, speed


def find_match_speed(recipe: Recipe, device: torch.device, threads: int, clock: Clock = time.perf_counter) -> float:
    """Seconds of one multiplication when "nearest" matches, found as in `find_speed`; 0 for a recipe without it."""
    if all(split_statistic(item)[0] != "nearest" for item in every_statistic(recipe)):
        return 0.0
    machine = torch.cuda.get_device_name(device) if device.type == "cuda" else find_processor()
    key = f"torch {torch.__version__}; {device.type} {machine}; {threads} threads; match"
    speed = read_speeds().get(key)
    if speed is None:
        places, vectors, channels = MATCH
        generator = torch.Generator().manual_seed(0)
        query, style = (torch.rand(count, channels, generator=generator).to(device) for count in (places, vectors))
        seconds = _least_seconds(lambda: match_rows(query, style).sum().item(), clock, clock() + BUDGET_S)
        speed = Speed(((math.prod(MATCH), seconds),))
        write_speed(key, speed)
    return speed.seconds(math.prod(MATCH)) / math.prod(MATCH)


def measure_speed(
    encoder: Vgg,
    recipe: Recipe,
    *,
    has_content: bool,
    styles: int,
    device: torch.device,
    regions: int = 0,
    clock: Clock = time.perf_counter,
) -> Speed:
    """The speed of the recipe's own losses, on pictures of noise of two sizes; some two seconds."""
    deadline = clock() + BUDGET_S
    generator = torch.Generator().manual_seed(0)
    points = []
    for side in SIDES.get(device.type, GPU_SIDES):
        image, content, *style_images = (
            torch.rand(1, 3, side, side, generator=generator).to(device) for _ in range(2 + styles)
        )
        parts = _stripes(recipe, regions, styles, side, device)
        objective = Objective(encoder, recipe, content if has_content else None, style_images, parts)
        evaluate = build_evaluate(objective, gamut=recipe.gamut, precision=encoder.precision)
        least = _least_seconds(lambda: evaluate(image), clock, deadline)  # noqa: B023
        points.append((side * side, WITHIN_RUN * least))
    return Speed(tuple(points))


def _stripes(recipe: Recipe, count: int, styles: int, side: int, device: torch.device) -> list[Region]:
    """So many regions, one below the other, each in all styles."""
    rows = (torch.arange(side, device=device) * count // side).view(1, 1, side, 1).expand(1, 1, side, side)
    guides = [(rows == index).float() for index in range(count)]
    return [Region(name="", content=g, styles=(g,) * styles, statistic=recipe.statistic) for g in guides]


def cache_file() -> Path:
    """The file of all speeds, in the user's cache folder; it may not be there."""
    return cache_folder() / "speed.json"


def read_speeds() -> dict[str, Speed]:
    """All speeds by key; none where the file is missing or damaged, since it can be measured again."""
    try:
        values = json.loads(cache_file().read_text("utf-8"))
        if values["format_version"] != FORMAT_VERSION:
            return {}
        return {str(key): _to_speed(points) for key, points in values["speeds"].items()}
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return {}


def write_speed(key: str, speed: Speed) -> None:
    """Adds a speed to the file, in one atomic move. Where it cannot be written, it is measured again next time."""
    speeds = {**read_speeds(), key: speed}
    values = {"format_version": FORMAT_VERSION, "speeds": {key: speeds[key].points for key in sorted(speeds)}}
    try:
        path = cache_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, BytesIO(json.dumps(values, indent=1).encode()))
    except (OSError, RuntimeError, DiskError):  # RuntimeError: no home folder
        pass


def _least_seconds(work: Callable[[], Any], clock: Clock, deadline: float) -> float:
    """The least of some runs, so that a slow moment of the machine does not count, after one that warms up.

    One run alone where the deadline has passed.
    """
    work()
    durations: list[float] = []
    while not durations or (len(durations) < REPEATS and clock() < deadline):
        start = clock()
        work()
        durations.append(max(clock() - start, 1e-6))
    return min(durations)


def _to_speed(points: Sequence[Any]) -> Speed:
    pairs = sorted((int(pixels), float(seconds)) for pixels, seconds in points)
    if not pairs or not all(pixels > 0 and 0 < seconds < math.inf for pixels, seconds in pairs):
        raise ValueError("no speed")
    return Speed(tuple(pairs))

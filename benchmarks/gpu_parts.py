"""The parts of `gpu.py`, in order of worth; each yields rows of JSON values as soon as they are measured."""

import contextlib
import dataclasses
import gc
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from gpu_laws import CPU, LAWS, distance, grainy, largest_difference, pictures, to_size
from operations import Shape, convolution_operations, count_operations, layer_shapes
from torch import Tensor
from torch.nn import functional

import impasto
from impasto.errors import ImpastoError
from impasto.experiments.quality import measure_quality
from impasto.features.encoder import build_encoder
from impasto.features.vgg import Vgg
from impasto.losses.objective import Objective
from impasto.optimize.descent import Lbfgs
from impasto.optimize.loop import Evaluate, build_evaluate
from impasto.optimize.precision import has_fast_bfloat16
from impasto.recipe.recipe import Recipe
from impasto.system.device import peak_bytes
from impasto.system.torch_settings import running
from impasto.tiles.objective import TiledObjective

FORMATS = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16}
"""Number formats of convolutions. tf32: tensors in float32, of which the card multiplies ten bits."""

GRADIENT_TOLERANCE = 1e-3
FIGURES_TOLERANCE = 0.05

CONVOLUTIONS = ((256, 256, 128), (512, 512, 128), (512, 512, 64), (1024, 1024, 64))
"""Input and output channels and positions a side of convolutions that are tried beside the network's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Long edges in pixels of pictures of 4:3, and how much is done of each.

    paint, paint_large: of finished pictures, small to large. evaluate: of single evaluations. gradient, profile,
    compare, tiles: of these parts. inner: of a tile. steps: of a finished picture; None: the preset's. runs: of which
    the median is taken. convolutions: as CONVOLUTIONS.
    """

    paint: tuple[int, ...]
    paint_large: tuple[int, ...]
    evaluate: tuple[int, ...]
    gradient: int
    profile: int
    compare: int
    tiles: int
    inner: int
    steps: int | None
    runs: int
    convolutions: tuple[tuple[int, int, int], ...]


SETUP = Sizes(
    **{"paint": (512, 1024), "paint_large": (2048, 4096), "evaluate": (512, 1024, 2048), "gradient": 512},
    **{"profile": 1024, "compare": 512, "tiles": 2048, "inner": 1024, "steps": None, "runs": 5},
    convolutions=CONVOLUTIONS,
)
TOY = Sizes(
    **{"paint": (32, 48), "paint_large": (64,), "evaluate": (48,), "gradient": 48, "profile": 48, "compare": 48},
    **{"tiles": 96, "inner": 32, "steps": 3, "runs": 1, "convolutions": ((8, 8, 8),)},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What all parts share. encoder: of `standard`, on the CPU in float32."""

    sizes: Sizes
    device: torch.device
    weights: str
    encoder: Vgg

    def recipe(self, preset: str = "standard", **changes: Any) -> Recipe:
        return Recipe.preset(preset).replace(**{"weights": self.weights, **changes})


def build_setup(sizes: Sizes, device: torch.device, weights: str) -> Setup:
    """Raises WeightsError."""
    encoder = build_encoder(Recipe(weights=weights))[0]
    return Setup(sizes=sizes, device=device, weights=weights, encoder=encoder)


def describe_machine(setup: Setup) -> dict[str, Any]:
    described: dict[str, Any] = {"torch": torch.__version__, "python": platform.python_version()}
    if setup.device.type == "cuda":
        properties = torch.cuda.get_device_properties(setup.device)
        described |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
        described |= {"memory_bytes": properties.total_memory, "capability": [properties.major, properties.minor]}
        return {"card": properties.name, **described}
    return {"card": f"none, {setup.device}", **described}


def measure_laws(setup: Setup, left_s: Callable[[], float]) -> Iterator[dict[str, Any]]:
    """The laws of tests/gpu."""
    for law in LAWS:
        row: dict[str, Any] = {"law": law.name, "tolerance": law.tolerance}
        try:
            with running(setup.device, None, ""):
                off_by = law.measure(setup.device, setup.weights)
        except Exception as error:
            yield {**row, "holds": False, "error": f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"}
            continue
        yield {**row, "skipped": "not here"} if off_by is None else judged(row, off_by, law.tolerance)


def measure_gradients(setup: Setup, left_s: Callable[[], float]) -> Iterator[dict[str, Any]]:
    """The gradient of `standard` in float32 against the CPU's; beside it the CPU's float32 against its float64.

    Held to the tolerance with average pooling: where two maxima are but a rounding apart, that of max pooling jumps.
    """
    size = to_size(setup.sizes.gradient)
    for pooling in ("average", "max"):
        recipe = setup.recipe(pooling=pooling)
        encoder = build_encoder(recipe)[0]

        def differentiate(device: torch.device, dtype: torch.dtype, encoder: Vgg = encoder) -> Tensor:
            content, style, image = (grainy(*size, seed).to(device, dtype) for seed in (1, 2, 3))
            network = encoder.copy_to(device).to(dtype)
            evaluate = build_evaluate(Objective(network, setup.recipe(), content, [style]), gamut="keep")
            with running(device, None, ""):
                return evaluate(image)[1].cpu().double()

        expected = differentiate(CPU, torch.float32)
        row = {"pooling": pooling, "size": size, "tolerance": GRADIENT_TOLERANCE}
        row["cpu_off_from_float64_by"] = distance(expected, differentiate(CPU, torch.float64))
        off_by = distance(differentiate(setup.device, torch.float32), expected)
        yield judged(row, off_by, GRADIENT_TOLERANCE) if pooling == "average" else {**row, "off_by": off_by}


def paint(
    long_edges: Callable[[Sizes], Sequence[int]], setup: Setup, left_s: Callable[[], float]
) -> Iterator[dict[str, Any]]:
    """Seconds and peak memory of `draft` and `standard`, all options left at their defaults."""
    before: dict[str, float] = {}
    stylize(setup, setup.recipe("draft", size=long_edges(setup.sizes)[0], steps=3))  # CUDA and its libraries start
    for long_edge in long_edges(setup.sizes):
        for preset in ("draft", "standard"):
            row = {"preset": preset, "size": to_size(long_edge)}
            # Four times the pixels, and tiles where they no longer fit.
            if preset in before and 5 * before[preset] > left_s():
                yield {**row, "skipped": f"{left_s():.0f} s are left, and about {5 * before[preset]:.0f} are needed"}
                continue
            recipe = setup.recipe(preset, size=long_edge)
            recipe = recipe.replace(steps=setup.sizes.steps or recipe.steps)
            try:
                result, seconds = timed(setup.device, partial(stylize, setup, recipe))
            except ImpastoError as error:
                yield {**row, "skipped": error.error}
                continue
            before[preset] = seconds
            yield {
                **row,
                "seconds": round(seconds, 3),
                "steps": result.steps,
                "ms_a_step": round(1000 * seconds / result.steps, 2),
                "peak_bytes": result.peak_bytes,
                "precision": result.plan.precision,
                "tile": result.memory.tile,
                "loss": result.losses["total"],
            }


def measure_rates(setup: Setup, left_s: Callable[[], float]) -> Iterator[dict[str, Any]]:
    """The best rate of any convolution in each format, and what share of it an evaluation of `standard` reaches."""
    recipe, runs = setup.recipe(), setup.sizes.runs
    layers = recipe.content_layers + recipe.style_layers
    for name, dtype in FORMATS.items():
        network = (setup.encoder.to_bfloat16() if name == "bfloat16" else setup.encoder).copy_to(setup.device)
        own = layer_shapes(setup.encoder, layers, to_size(setup.sizes.evaluate[-1]))
        others = {f"{i} to {o} at {side}": (i, o, side, side) for i, o, side in setup.sizes.convolutions}
        with running(setup.device, None, ""), in_format(name):
            rates = {
                title: convolution_rate(shape, dtype, setup.device, runs) for title, shape in (own | others).items()
            }
        best = max(rates, key=lambda title: rates[title])
        yield {"format": name, "best_convolution": best, "tflop_per_s": round(rates[best] / 1e12, 3)}
        for long_edge in setup.sizes.evaluate:
            size = to_size(long_edge)
            row = {"format": name, "size": size}
            try:
                with running(setup.device, None, "Lower the size."), in_format(name):
                    evaluate, image = build_step(setup, recipe, network, size)
                    seconds = median_s(setup.device, partial(evaluate, image), runs)
                    peak = peak_bytes(setup.device)
            except ImpastoError as error:
                yield {**row, "skipped": error.error}
                continue
            rate = sum(count_operations(setup.encoder, recipe, size)) / seconds
            yield {
                **row,
                "ms": round(1000 * seconds, 3),
                "tflop_per_s": round(rate / 1e12, 3),
                "share_of_best": round(rate / rates[best], 3),
                "peak_bytes": peak,
            }
            del evaluate, image
            free(setup.device)


def profile_step(setup: Setup, left_s: Callable[[], float]) -> Iterator[dict[str, Any]]:
    """Where the time of a step of `standard` goes: evaluation, L-BFGS with all its pairs, and the longest kernels."""
    recipe, size = setup.recipe(), to_size(setup.sizes.profile)
    fast = has_fast_bfloat16(setup.device)
    network = (setup.encoder.to_bfloat16() if fast else setup.encoder).copy_to(setup.device)
    activities = [torch.profiler.ProfilerActivity.CPU]
    if setup.device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with running(setup.device, None, "Lower the size."):
        evaluate, image = build_step(setup, recipe, network, size)
        descent = Lbfgs(history=recipe.history, fourier_exponent=recipe.fourier_exponent)
        generator = torch.Generator().manual_seed(4)
        for _ in range(recipe.history + 2):  # of a bowl, so that every pair is stored
            descent.update(image, image - 0.5)
            image = (image + 0.01 * torch.rand(image.shape, generator=generator).to(setup.device)).clamp(0, 1)
        gradient = evaluate(image)[1]
        row = {"size": size, "precision": network.precision, "pairs": len(descent.pairs)}
        evaluation_s = median_s(setup.device, partial(evaluate, image), setup.sizes.runs)
        # The same image and gradient give a pair without curvature, which is not stored.
        update_s = median_s(setup.device, partial(descent.update, image, gradient), setup.sizes.runs)
        yield {**row, "evaluation_ms": round(1000 * evaluation_s, 3), "update_ms": round(1000 * update_s, 3)}
        with torch.profiler.profile(activities=activities) as profiler:
            _, seconds = timed(setup.device, lambda: descent.update(image, evaluate(image)[1]))
    if setup.device.type == "cuda":  # the kernels alone, whose time their callers have too
        kernels = [each for each in profiler.key_averages() if each.device_type.name == "CUDA"]
        spent = {each.key: each.self_device_time_total / 1e6 for each in kernels}
    else:
        spent = {each.key: each.self_cpu_time_total / 1e6 for each in profiler.key_averages()}
    busy = sum(spent.values())
    yield {"profiled_ms": round(1000 * seconds, 3), "busy_share": round(busy / seconds, 3)}
    for name in sorted(spent, key=lambda key: -spent[key])[:12]:
        yield {"kernel": name[:120], "ms": round(1000 * spent[name], 3), "share": round(spent[name] / busy, 3)}


def compare_pictures(setup: Setup, left_s: Callable[[], float]) -> Iterator[dict[str, Any]]:
    """Loss and quality figures of finished `draft` pictures against those of the CPU's."""
    recipe = setup.recipe("draft", size=setup.sizes.compare)
    recipe = recipe.replace(steps=setup.sizes.steps or recipe.steps)
    content, style = pictures(setup.sizes.compare)
    encoder = build_encoder(setup.recipe())[0]
    expected: dict[str, float] = {}
    for device, precision in ((CPU, "float32"), (setup.device, "float32"), (setup.device, "bfloat16")):
        if precision == "bfloat16" and not has_fast_bfloat16(device):
            continue
        result, seconds = timed(device, partial(stylize, setup, recipe, device=str(device), precision=precision))
        quality = measure_quality(encoder, content, style, result.pastiche)
        figures = {"loss": result.losses["total"], **dataclasses.asdict(quality)}
        row = {"device": str(device), "precision": precision, "seconds": round(seconds, 3), "figures": figures}
        if not expected:
            expected = figures
            yield row
            continue
        off_by = largest_difference(list(figures.values()), list(expected.values()))
        yield judged({**row, "tolerance": FIGURES_TOLERANCE}, off_by, FIGURES_TOLERANCE)


def compare_tiles(setup: Setup, left_s: Callable[[], float]) -> Iterator[dict[str, Any]]:
    """The gradient of `standard` in tiles against the whole picture's, and the time of both."""
    recipe, size = setup.recipe(), to_size(setup.sizes.tiles)
    for precision in ("float32", "bfloat16"):
        network = (setup.encoder.to_bfloat16() if precision == "bfloat16" else setup.encoder).copy_to(setup.device)
        seconds, gradients = {}, {}
        try:
            for name, kind in (("whole", Objective), ("tiled", partial(TiledObjective, inner=setup.sizes.inner))):
                with running(setup.device, None, "Lower the size."):
                    evaluate, image = build_step(setup, recipe, network, size, kind)
                    seconds[name] = median_s(setup.device, partial(evaluate, image), setup.sizes.runs)
                    gradients[name] = evaluate(image)[1].cpu()
                del evaluate, image
                free(setup.device)
        except ImpastoError as error:
            yield {"precision": precision, "size": size, "skipped": error.error}
            continue
        off_by = distance(gradients["tiled"], gradients["whole"])
        row = {"precision": precision, "size": size, "inner": setup.sizes.inner}
        row |= {f"{name}_ms": round(1000 * spent, 3) for name, spent in seconds.items()}
        row["tolerance"] = GRADIENT_TOLERANCE
        yield judged(row, off_by, GRADIENT_TOLERANCE) if precision == "float32" else {**row, "off_by": off_by}


Part = Callable[[Setup, Callable[[], float]], Iterator[dict[str, Any]]]
"""A setup, and a function that returns the seconds that are left -> rows."""

PARTS: Mapping[str, Part] = {
    "laws": measure_laws,
    "gradients": measure_gradients,
    "paint": partial(paint, lambda sizes: sizes.paint),
    "rates": measure_rates,
    "profile": profile_step,
    "pictures": compare_pictures,
    "tiles": compare_tiles,
    "paint large": partial(paint, lambda sizes: sizes.paint_large),
}


def judged(row: Mapping[str, Any], off_by: float, tolerance: float) -> dict[str, Any]:
    return {**row, "off_by": off_by, "holds": off_by <= tolerance}


def stylize(setup: Setup, recipe: Recipe, **options: Any) -> impasto.Result:
    free(setup.device)
    return impasto.stylize(*pictures(recipe.size), recipe, **{"device": str(setup.device), **options})


def build_step(
    setup: Setup, recipe: Recipe, network: Vgg, size: tuple[int, int], kind: Callable[..., Objective] = Objective
) -> tuple[Evaluate, Tensor]:
    """An evaluation of the recipe's objective, and an image to be evaluated, on the device."""
    free(setup.device)
    content, style, image = (grainy(*size, seed).to(setup.device) for seed in (1, 2, 3))
    return build_evaluate(kind(network, recipe, content, [style]), gamut="keep", precision=network.precision), image


def convolution_rate(shape: Shape, dtype: torch.dtype, device: torch.device, runs: int) -> float:
    """Operations a second of a 3x3 convolution, forward and backward for its input."""
    inputs, outputs, height, width = shape
    sizes = ((1, inputs, height, width), (outputs, inputs, 3, 3))
    leaf, kernel = (
        torch.rand(size).to(device, dtype).contiguous(memory_format=torch.channels_last) for size in sizes
    )
    leaf.requires_grad_()

    def convolve() -> None:
        y = functional.conv2d(leaf, kernel, padding=1)
        torch.autograd.grad(y, leaf, y.detach())

    return 2 * convolution_operations(shape) / median_s(device, convolve, runs)


@contextlib.contextmanager
def in_format(name: str) -> Iterator[None]:
    """Let the card's convolutions and products use TF32 for "tf32" alone."""
    gpu: Any = torch.backends.cudnn
    if hasattr(gpu, "conv"):  # torch 2.9; mixed with the older switches it refuses to be read
        places, setting, values = (gpu.conv, gpu.rnn, torch.backends.cuda.matmul), "fp32_precision", ("ieee", "tf32")
    else:
        places, setting, values = (gpu, torch.backends.cuda.matmul), "allow_tf32", (False, True)
    before = [getattr(place, setting) for place in places]
    for place in places:
        setattr(place, setting, values[name == "tf32"])
    try:
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            setattr(place, setting, value)


def median_s(device: torch.device, work: Callable[[], object], runs: int) -> float:
    """Median seconds, after two runs that warm up: the first chooses kernels."""
    return statistics.median([timed(device, work)[1] for _ in range(runs + 2)][2:])


def timed(device: torch.device, work: Callable[[], Any]) -> tuple[Any, float]:
    """The work's result, and the seconds until the device has done it."""
    synchronize(device)
    start = time.perf_counter()
    result = work()
    synchronize(device)
    return result, time.perf_counter() - start


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def free(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def to_table(found: Mapping[str, Any]) -> str:
    """The figures as tables for docs/benchmarks.md."""
    machine, rows = found["machine"], {name: part["rows"] for name, part in found["parts"].items()}
    note = ", toy sizes: not a measurement" if found["toy"] else ""
    lines = [f"{machine['card']}, torch {machine['torch']}{note}"]
    lines += header("preset", "size", "s", "steps", "ms a step", "peak, GiB", "precision", "tile")
    for row in (*rows.get("paint", ()), *rows.get("paint large", ())):
        begin = f"| {row['preset']} | {title(row)} |"
        if "skipped" in row:
            lines.append(f"{begin} {row['skipped']} | | | | | |")
            continue
        cells = row["seconds"], row["steps"], row["ms_a_step"], gib(row), row["precision"], row["tile"] or "none"
        lines.append(f"{begin} {' | '.join(map(str, cells))} |")
    lines += header("one evaluation", "format", "ms", "TFLOP/s", "share of the best convolution", "peak, GiB")
    for row in rows.get("rates", ()):
        if "best_convolution" in row:
            best = f"best convolution, {row['best_convolution']}"
            lines.append(f"| {best} | {row['format']} | | {row['tflop_per_s']} | | |")
        elif "skipped" in row:
            lines.append(f"| {title(row)} | {row['format']} | {row['skipped']} | | | |")
        else:
            cells = row["ms"], row["tflop_per_s"], f"{row['share_of_best']:.0%}", gib(row)
            lines.append(f"| {title(row)} | {row['format']} | {' | '.join(map(str, cells))} |")
    lines += header("what must hold", "off by", "at most", "")
    for part in ("laws", "gradients", "pictures", "tiles"):
        for row in rows.get(part, ()):
            name = row.get("law") or f"{part}, {row.get('pooling') or row.get('precision')}"
            if "off_by" in row:
                verdict = {True: "holds", False: "DOES NOT HOLD", None: ""}[row.get("holds")]
                lines.append(f"| {name} | {row['off_by']:.2g} | {row['tolerance']:g} | {verdict} |")
            elif "skipped" in row or "error" in row:
                lines.append(f"| {name} | | | {row.get('error') or row['skipped']} |")
    lines += header("of a step", "ms")
    for row in rows.get("profile", ()):
        lines += [f"| {key.removesuffix('_ms')} | {row[key]} |" for key in ("evaluation_ms", "update_ms") if key in row]
        lines += [f"| busy share of the device | {row['busy_share']:.0%} |"] if "busy_share" in row else []
        lines += [f"| {row['kernel']}, {row['share']:.0%} | {row['ms']} |"] if "kernel" in row else []
    failed = [f"{name}: {part['error']}" for name, part in found["parts"].items() if "error" in part]
    return "\n".join([*lines, *(["", *failed] if failed else [])])


def header(*cells: str) -> list[str]:
    return ["", f"| {' | '.join(cells)} |", f"|{'---|' * len(cells)}"]


def title(row: Mapping[str, Any]) -> str:
    height, width = row["size"]
    return f"{width}x{height}"


def gib(row: Mapping[str, Any]) -> str:
    return f"{row['peak_bytes'] / 2**30:.2f}"

"""What must hold on a GPU, as functions of a device, for `tests/gpu` and, without pytest, for `benchmarks/gpu.py`.

A law measures how far a device is off, as a part of the whole, and has the most that is allowed.
"""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn import functional

import impasto
from impasto.errors import OutOfMemoryError
from impasto.experiments.quality import measure_quality
from impasto.features.encoder import build_encoder
from impasto.features.guides import Region
from impasto.features.vgg import Vgg
from impasto.images.io import read_image
from impasto.images.resize import resize_image
from impasto.losses.objective import Objective
from impasto.optimize.precision import Precision, has_fast_bfloat16
from impasto.recipe.recipe import Recipe
from impasto.runs.checkpoint import map_tensors
from impasto.system.torch_settings import running
from impasto.tiles.objective import TiledObjective, tile_margin

CPU = torch.device("cpu")
SIZE, STYLE_SIZE, TILE = (112, 160), (96, 128), 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """measure: a device and the weights -> how far the device is off, None where the law does not apply there."""

    name: str
    tolerance: float
    measure: Callable[[torch.device, str], float | None]


def shallow_recipe(weights: str, **changes: Any) -> Recipe:
    """Its pooling is the average: where two maxima are but a rounding apart, the gradient of the largest is not one.

    Its statistic is Gram where none is given: that of the default has margins larger than these pictures' tiles.
    """
    layers = {"content_layers": ("conv2_2",), "style_layers": ("conv1_1", "conv2_1", "conv3_1")}
    plain = {"weights": weights, "pooling": "average", "statistic": ("gram",)}
    return Recipe().replace(**{**plain, **layers, **changes})


def grainy(height: int, width: int, seed: int) -> Tensor:
    """Soft patches of color with grain, (1, 3, H, W): where smooth areas have equal maxima, gradients go either way."""
    generator = torch.Generator().manual_seed(seed)
    patches = torch.rand(1, 3, max(2, height // 16), max(2, width // 16), generator=generator)
    soft = functional.interpolate(patches, size=(height, width), mode="bilinear", align_corners=True)
    return 0.8 * soft + 0.2 * torch.rand(1, 3, height, width, generator=generator)


def to_size(long_edge: int) -> tuple[int, int]:
    """(height, width) of a picture of 4:3."""
    return (long_edge * 3 // 4, long_edge)


def pictures(long_edge: int) -> tuple[Tensor, Tensor]:
    """A photograph, made by code, and the painting that `impasto demo` has."""
    painting = read_image(Path(impasto.__file__).parent / "experiments" / "demo_style.jpg")
    return grainy(*to_size(long_edge), 1), resize_image(painting, to_size(long_edge))


def build_objective(recipe: Recipe, device: torch.device, dtype: torch.dtype, **tiles: Any) -> Objective:
    """Of two regions, on a device; in tiles where their side and devices are given."""
    content, style = (grainy(*size, seed).to(device, dtype) for size, seed in ((SIZE, 1), (STYLE_SIZE, 2)))
    slope = torch.linspace(-1, 2, SIZE[1]).clamp(0, 1).expand(1, 1, *SIZE)
    regions = [
        Region(name=name, content=guide, styles=(torch.ones(1, 1, *STYLE_SIZE),), statistic=recipe.statistic)
        for name, guide in (("a", slope), ("b", 1 - slope))
    ]
    kind = TiledObjective if tiles else Objective
    there = [region.to(device, dtype) for region in regions]
    return kind(build_encoder(recipe)[0].to(device, dtype), recipe, content, [style], there, **tiles)


def gradient(objective: Objective, device: torch.device, dtype: torch.dtype) -> Tensor:
    leaf = grainy(*SIZE, 3).to(device, dtype).requires_grad_()
    (derivative,) = torch.autograd.grad(objective(leaf)["total"], leaf)
    return derivative.double().cpu()


def distance(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def gradient_distance(statistic: str, device: torch.device, weights: str) -> float:
    """The device's gradient against the CPU's, in float32."""
    recipe = shallow_recipe(weights, statistic=(statistic,))
    here, there = (build_objective(recipe, place, torch.float32) for place in (CPU, device))
    expected = gradient(here, CPU, torch.float32)
    # The matches of "nearest" are the largest of cosines in bfloat16, of which two may be equal.
    there.load_state_dict(map_tensors(here.state_dict(), lambda tensor: tensor.to(device)))
    return distance(gradient(there, device, torch.float32), expected)


def tiles_distance(statistic: Sequence[str], dtype: torch.dtype, device: torch.device, weights: str) -> float:
    """The gradient in tiles against the whole picture's, the farthest of all ways to share the tiles."""
    recipe = shallow_recipe(weights, statistic=statistic, tv_weight=0.1)
    whole = gradient(build_objective(recipe, device, dtype), device, dtype)
    gpus = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    several = device == torch.device("cuda:0") and len(gpus) > 1
    shares: list[Sequence[torch.device]] = [(device,), (device, CPU), *([gpus] if several else [])]
    tiled = (build_objective(recipe, device, dtype, inner=TILE, devices=devices) for devices in shares)
    return max(distance(gradient(objective, device, dtype), whole) for objective in tiled)


def picture_distance(precision: Precision, device: torch.device, weights: str) -> float | None:
    """Loss and quality figures of a picture painted there against those of the CPU's; the one that differs most."""
    if precision == "bfloat16" and not has_fast_bfloat16(device):
        return None
    # Rounding grows with the steps: the photograph changed by 1e-5 moves figures by up to 3.5 % after 20.
    (content, style), recipe = pictures(64), Recipe(weights=weights, size=64, steps=20)
    encoder = build_encoder(recipe)[0]
    here, there = (
        impasto.stylize(content, style, recipe, device=name, precision=kind, threads=1)
        for name, kind in (("cpu", "float32"), (str(device), precision))
    )
    figures, expected = (
        [result.losses["total"], *dataclasses.astuple(measure_quality(encoder, content, style, result.pastiche))]
        for result in (here, there)
    )
    return largest_difference(figures, expected)


def largest_difference(found: Sequence[float], expected: Sequence[float]) -> float:
    """Of numbers in turn, relative to the expected ones."""
    return max(abs(a - b) / abs(b) if a != b else 0.0 for a, b in zip(found, expected, strict=True))


def tiled_plan(recipe: Recipe, width: int, height: int) -> impasto.RunPlan:
    around = tile_margin(recipe, build_encoder(recipe)[0].layer_names)
    part = {"width": width, "height": height, "steps": 3, "precision": "float32", "tile": TILE, "margin": around}
    return impasto.RunPlan.from_dict({"threads": 1, "parts": [{**part, "history": 3}]})


def several_gpus(device: torch.device, weights: str) -> float | None:
    """The largest difference of a pixel of a picture that all GPUs paint to that of one."""
    if torch.cuda.device_count() < 2 or device == CPU:
        return None
    recipe = shallow_recipe(weights, size=160, statistic=("nearest@conv1_1+conv2_1", "gram"))
    inputs, plan = (grainy(112, 160, 1), grainy(96, 128, 2), recipe), tiled_plan(recipe, 160, 112)
    one, all_of_them = (impasto.stylize(*inputs, plan=plan, device=name).pastiche for name in ("cuda:0", "cuda"))
    return float((one - all_of_them).abs().max())


def out_of_memory_is_reported(device: torch.device, _: str) -> float:
    message = ""
    try:
        with running(device, None, "Lower --size."):
            torch.empty(2**55, dtype=torch.uint8, device=device)
    except OutOfMemoryError as error:
        message = error.error
    assert f"out of memory on {device}" in message
    return 0.0


def out_of_memory_lowers_the_tiles(device: torch.device, weights: str) -> float:
    forward, messages = Vgg.forward, list[str]()

    def failing(self: Vgg, image: Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        if image.shape[-1] > 72:
            torch.empty(2**55, dtype=torch.uint8, device=image.device)
        return forward(self, image, *args, **kwargs)

    recipe = shallow_recipe(weights, size=160)
    inputs, plan = (grainy(112, 160, 1), grainy(96, 128, 2), recipe), tiled_plan(recipe, 160, 112)
    with (
        patch("impasto.cost.workload.SLACK", 0),
        patch("impasto.cost.plan.SMALLEST_TILE", 16),
        patch.object(Vgg, "forward", failing),
        patch.object(logging.getLogger("impasto.painting.runner"), "warning", lambda *words: messages.append(words[1])),
    ):
        result = impasto.stylize(*inputs, plan=plan, device=str(device))
    assert result.memory.tile in (16, 32) and result.steps == 3
    assert f"out of memory on {device} at 160 px" in messages[0]
    return 0.0


_PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
_DTYPES = (("float32", torch.float32, 1e-5), ("float64", torch.float64, 1e-10))

LAWS = (
    *(
        Law(name=f"gradient of the CPU, {name}", tolerance=1e-3, measure=partial(gradient_distance, name))
        for name in ("gram", "moments", "covariance", "histogram", "sliced", "nearest")
    ),
    # In float32 the roots of small eigenvalues are as far from those in float64 on the CPU.
    Law(name="gradient of the CPU, wasserstein", tolerance=5e-3, measure=partial(gradient_distance, "wasserstein")),
    *(
        Law(
            name=f"tiles as the whole picture, {'+'.join(statistic)} in {name}",
            tolerance=tolerance,
            measure=partial(tiles_distance, statistic, dtype),
        )
        for name, dtype, tolerance in _DTYPES
        for statistic in (("gram", "moments"), ("covariance",))
    ),
    *(
        Law(name=f"picture as good as the CPU's, {name}", tolerance=0.05, measure=partial(picture_distance, name))
        for name in _PRECISIONS
    ),
    Law(name="picture of several GPUs as of one", tolerance=0.02, measure=several_gpus),
    Law(name="out of memory is reported", tolerance=0, measure=out_of_memory_is_reported),
    Law(name="out of memory lowers the tiles", tolerance=0, measure=out_of_memory_lowers_the_tiles),
)

"""On a GPU: the gradient of the CPU, the same in tiles, and a picture as good."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.errors import OutOfMemoryError
from impasto.experiments.compare import compare
from impasto.features.encoder import build_encoder
from impasto.features.guides import Region
from impasto.features.vgg import Vgg
from impasto.losses.objective import Objective
from impasto.optimize.precision import has_fast_bfloat16
from impasto.recipe.recipe import Recipe
from impasto.runs.checkpoint import map_tensors
from impasto.system.device import name_devices, running
from impasto.tiles.objective import TiledObjective, tile_margin

Paint = Callable[..., Tensor]
CPU = torch.device("cpu")
SIZE, STYLE_SIZE, TILE = (112, 160), (96, 128), 48
SHALLOW = {"content_layers": ("conv2_2",), "style_layers": ("conv1_1", "conv2_1", "conv3_1"), "pooling": "average"}


def recipe(**changes: Any) -> Recipe:
    """Its pooling is the average: where two maxima are but a rounding apart, the gradient of the largest is not one."""
    return Recipe().replace(**{**SHALLOW, **changes})


def objective(recipe: Recipe, grainy: Paint, place: torch.device, dtype: torch.dtype, **tiles: Any) -> Objective:
    """Of two regions, on a device; in tiles where their side and devices are given."""
    content, style = grainy(*SIZE, 1).to(place, dtype), grainy(*STYLE_SIZE, 2).to(place, dtype)
    slope = torch.linspace(-1, 2, SIZE[1]).clamp(0, 1).expand(1, 1, *SIZE)
    regions = [
        Region(name=name, content=guide, styles=(torch.ones(1, 1, *STYLE_SIZE),), statistic=recipe.statistic)
        for name, guide in (("a", slope), ("b", 1 - slope))
    ]
    kind = TiledObjective if tiles else Objective
    there = [region.to(place, dtype) for region in regions]
    return kind(build_encoder(recipe)[0].to(place, dtype), recipe, content, [style], there, **tiles)


def gradient(objective: Objective, grainy: Paint, place: torch.device, dtype: torch.dtype) -> Tensor:
    leaf = grainy(*SIZE, 3).to(place, dtype).requires_grad_()
    (derivative,) = torch.autograd.grad(objective(leaf)["total"], leaf)
    return derivative.double().cpu()


def distance(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize(
    ("statistic", "tolerance"),
    # In float32 the roots of small eigenvalues are as far from those in float64 on the CPU.
    [*((name, 1e-3) for name in ("gram", "moments", "covariance", "histogram", "sliced", "nearest")),
     ("wasserstein", 5e-3)],
)  # fmt: skip
def test_the_gradient_is_that_of_the_cpu(
    statistic: str, tolerance: float, device: torch.device, grainy: Paint
) -> None:
    chosen = recipe(statistic=(statistic,))
    here, there = (objective(chosen, grainy, place, torch.float32) for place in (CPU, device))
    expected = gradient(here, grainy, CPU, torch.float32)
    # The matches of "nearest" are the largest of cosines in bfloat16, of which two may be equal.
    there.load_state_dict(map_tensors(here.state_dict(), lambda tensor: tensor.to(device)))
    assert distance(gradient(there, grainy, device, torch.float32), expected) < tolerance


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("statistic", [("gram", "moments"), ("covariance",)])
def test_tiles_give_the_whole_pictures_gradient(
    statistic: tuple[str, ...], dtype: torch.dtype, tolerance: float, device: torch.device, grainy: Paint
) -> None:
    chosen = recipe(statistic=statistic, tv_weight=0.1)
    whole = gradient(objective(chosen, grainy, device, dtype), grainy, device, dtype)
    for devices in share(device):
        tiled = objective(chosen, grainy, device, dtype, inner=TILE, devices=devices)
        assert distance(gradient(tiled, grainy, device, dtype), whole) < tolerance, name_devices(devices)


def share(device: torch.device) -> list[Sequence[torch.device]]:
    """Devices to deal tiles to: this one, it and the CPU, and all GPUs where there are several."""
    gpus = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    return [(device,), (device, CPU), *([gpus] if device == torch.device("cuda:0") and len(gpus) > 1 else [])]


def tiled(recipe: Recipe, width: int, height: int) -> impasto.RunPlan:
    around = tile_margin(recipe, build_encoder(recipe)[0].layer_names)
    part = {"width": width, "height": height, "steps": 3, "precision": "float32", "tile": TILE, "margin": around}
    return impasto.RunPlan.from_dict({"threads": 1, "parts": [{**part, "history": 3}]})


def test_all_gpus_paint_the_tiles_of_a_picture(device: torch.device, grainy: Paint) -> None:
    if torch.cuda.device_count() < 2 or device == CPU:
        pytest.skip("fewer than two GPUs")
    chosen = recipe(size=160, statistic=("nearest@conv1_1+conv2_1", "gram"))
    plan, inputs = tiled(chosen, 160, 112), (grainy(112, 160, 1), grainy(96, 128, 2), chosen)
    one, all_of_them = (impasto.stylize(*inputs, plan=plan, device=name).pastiche for name in ("cuda:0", "cuda"))
    torch.testing.assert_close(all_of_them, one, atol=0.02, rtol=0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_finished_picture_is_as_good_as_the_cpus(precision: str, device: torch.device, grainy: Paint) -> None:
    if precision == "bfloat16" and not has_fast_bfloat16(device):
        pytest.skip("no bfloat16 there")
    # Rounding grows with the steps: the photograph changed by 1e-5 moves figures by up to 3 % after 20, 6 % after 60.
    content, style, chosen = grainy(48, 64, 1), grainy(64, 64, 2), Recipe(size=64, steps=20)
    results = [
        impasto.stylize(content, style, chosen, device=name, precision=kind, threads=1)
        for name, kind in (("cpu", "float32"), (str(device), precision))
    ]
    assert results[1].losses["total"] == pytest.approx(results[0].losses["total"], rel=0.05)
    here, there = (dataclasses.asdict(compare(content, style, result.pastiche).figures) for result in results)
    assert there == pytest.approx(here, rel=0.05)


def test_out_of_memory_there_is_reported(device: torch.device) -> None:
    with pytest.raises(OutOfMemoryError, match=f"out of memory on {device}"), running(device, None, "Lower --size."):
        torch.empty(2**55, dtype=torch.uint8, device=device)


def test_out_of_memory_there_lowers_the_tiles(
    device: torch.device, grainy: Paint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("impasto.cost.workload.SLACK", 0)
    monkeypatch.setattr("impasto.cost.plan.SMALLEST_TILE", 16)
    forward = Vgg.forward

    def failing(self: Vgg, image: Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        if image.shape[-1] > 72:
            torch.empty(2**55, dtype=torch.uint8, device=image.device)
        return forward(self, image, *args, **kwargs)

    monkeypatch.setattr(Vgg, "forward", failing)
    chosen = recipe(size=160)
    result = impasto.stylize(
        grainy(112, 160, 1), grainy(96, 128, 2), chosen, plan=tiled(chosen, 160, 112), device=str(device)
    )
    assert result.memory.tile in (16, 32) and result.steps == 3
    assert f"out of memory on {device} at 160 px" in caplog.text

"""On simulated GPUs the picture is that of the CPU, and no operation mixes tensors of two devices."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from simulated_gpus import Simulated, simulate_gpus
from torch import Tensor

import impasto
from impasto.experiments.compare import compare
from impasto.features.encoder import build_encoder
from impasto.features.guides import Region
from impasto.features.vgg import Vgg
from impasto.losses.objective import Objective
from impasto.losses.protection import Protection
from impasto.painting.cache import Cache
from impasto.recipe.recipe import Recipe
from impasto.system.memory import FREE_SHARE
from impasto.tiles import memory_guard
from impasto.tiles.objective import TiledObjective, tile_margin
from impasto.transfer.pastiche import prepare_pastiche

Paint = Callable[..., Tensor]
CPU, GPU, OTHER = torch.device("cpu"), torch.device("cuda:0"), torch.device("cuda:1")
ROUNDING = 2e-4
"""Of a picture after some steps, a twentieth of an 8-bit level: autograd does not add in place where tensors are of a
kind of their own, so that gradients lie otherwise in memory and convolutions sum them in another order."""

LAYERS = {"content_layers": ("conv2_2",), "style_layers": ("conv1_1", "conv2_1", "conv3_1")}


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_gpus(monkeypatch, 2)


def tiny(**changes: Any) -> Recipe:
    return Recipe(weights="tiny", size=48, steps=4, first_scale=24).replace(**{**LAYERS, **changes})


def on_both(run: Callable[[str], Any]) -> tuple[Any, Any]:
    """Return the results of a run on the CPU and on the first of two GPUs."""
    here = run("cpu")
    with pytest.MonkeyPatch.context() as patch:
        simulate_gpus(patch, 2)
        there = run("cuda:0")
    return here, there


@pytest.mark.usefixtures("gpus")
def test_two_devices_do_not_mix() -> None:
    here, there, other = torch.ones(3), torch.ones(3, device="cuda"), torch.ones(3).to("cuda:1")
    assert (here.device, there.device, other.device) == (CPU, GPU, OTHER)
    for mixed in (
        lambda: here + there,
        lambda: there * other,
        lambda: torch.stack([there.sum(), here.sum()]),
        lambda: here[there.nonzero()],
        lambda: there.normal_(generator=torch.Generator()),
    ):
        with pytest.raises(RuntimeError, match="device"):
            mixed()
    with pytest.raises(TypeError, match="Use Tensor.cpu"):
        there.numpy()
    assert (there * here.sum()).tolist() == [3, 3, 3]
    assert there[torch.tensor([1])].device == GPU
    assert there.cpu().numpy().tolist() == [1, 1, 1]


@pytest.mark.usefixtures("gpus")
def test_a_gradient_comes_back_from_a_gpu() -> None:
    leaf = torch.ones(3, requires_grad=True)
    there = (2 * leaf).to(GPU)
    (gradient,) = torch.autograd.grad((there.square().to("cpu") * torch.arange(3)).sum(), leaf)
    assert not isinstance(gradient, Simulated) and gradient.tolist() == [0, 8, 16]


@pytest.mark.parametrize(
    "changes",
    [
        {"statistic": ("gram", "moments", "covariance")},
        {"statistic": ("wasserstein",), "style_blend": (0.3, 0.7)},
        {"statistic": ("histogram", "sliced")},
        {"statistic": ("nearest@conv1_1+conv2_1+conv3_1", "gram")},
        {"statistic": ("gram",), "optimizer": "adam", "init": "noise", "pooling": "average"},
        {"color": "content-luma", "padding": "zero", "gamut": "free", "fourier_exponent": 0.0},
        {"color": "oklab", "padding": "wrap-x", "strength": 1.0},
        {"color": "match", "rescaled_network": True, "init": "mean"},
    ],
    ids=lambda changes: " ".join(map(str, changes.values())),
)
def test_a_pastiche_equals_that_of_the_cpu(changes: dict[str, Any], picture: Paint) -> None:
    styles = [picture(40, 30, 1), picture(36, 52, 2)][: len(changes.get("style_blend", "1"))]

    def run(device: str) -> Tensor:
        how = {"device": device, "precision": "float32", "max_memory": 2**32, "cache": Cache()}
        return impasto.stylize(picture(48, 36), styles, tiny(**changes), **how).pastiche

    here, there = on_both(run)
    assert not isinstance(there, Simulated)
    torch.testing.assert_close(there, here, atol=ROUNDING, rtol=0)


@pytest.mark.parametrize("statistic", [("gram", "wasserstein"), ("nearest@conv1_1+conv2_1", "sliced", "histogram")])
def test_masks_protection_and_fine_strokes(statistic: tuple[str, ...], picture: Paint) -> None:
    left = torch.zeros(48, 36)
    left[:, :18] = 1

    def run(device: str) -> Tensor:
        return impasto.stylize(
            picture(48, 36),
            [picture(40, 30, 1), picture(36, 52, 2)],
            tiny(statistic=statistic, guide_mode="all"),
            content_masks=[left.numpy(), 1 - left.numpy()],
            only=left.T.flip(0).T.numpy(),
            protect=left.numpy(),
            fine_style=picture(36, 36, 4),
            device=device,
            precision="float32",
        ).pastiche

    here, there = on_both(run)
    torch.testing.assert_close(there, here, atol=ROUNDING, rtol=0)


@pytest.mark.parametrize(
    ("statistic", "padding"),
    [
        *((("gram",), padding) for padding in ("zero", "replicate", "reflect", "wrap", "wrap-x")),
        *((("moments",), "replicate"), (("covariance",), "wrap"), (("wasserstein",), "replicate")),
        *((("nearest@conv1_1+conv2_1+conv3_1",), padding) for padding in ("zero", "wrap-x")),
    ],
)
def test_two_gpus_give_the_whole_pictures_gradient(statistic: tuple[str, ...], padding: str, picture: Paint) -> None:
    size, sides = (80, 64) if padding == "wrap" else (75, 61), ((37, 58), (64, 16))
    recipe = tiny(statistic=statistic, padding=padding, style_blend=(0.3, 0.7), tv_weight=0.1)
    encoder, image = build_encoder(recipe)[0].double(), picture(*size, seed=3).double()
    content, styles = picture(*size, seed=1).double(), [picture(*side, seed=2).double() for side in sides]
    slope = torch.linspace(-1, 2, size[1]).clamp(0, 1).double().expand(1, 1, *size)
    whole = [torch.ones(1, 1, *side).double() for side in sides]
    regions = [
        Region(name="a", content=slope, styles=tuple(whole), statistic=statistic),
        Region(name="b", content=1 - slope, styles=(None, whole[1]), statistic=statistic, weight=2.0),
    ]
    protection = Protection(torch.rand(1, 1, *size).double())
    expected = gradient(Objective(encoder, recipe, content, styles, regions, protection), image)
    with pytest.MonkeyPatch.context() as patch:
        simulate_gpus(patch, 2)
        there = [region.to(GPU, torch.float64) for region in regions]
        pictures = content.to(GPU), [style.to(GPU) for style in styles], there, Protection(protection.added.to(GPU))
        seen = spy_devices(patch)
        tiled = TiledObjective(encoder.copy_to(GPU), recipe, *pictures, inner=32, devices=(GPU, OTHER))
        described, found = Counter(seen), gradient(tiled, image.to(GPU))
    assert described[OTHER] > 0 and seen[OTHER] > described[OTHER]
    assert found[0] == pytest.approx(expected[0], rel=1e-9)
    assert float((found[1] - expected[1]).norm()) < 1e-10 * float(expected[1].norm())


def gradient(objective: Objective, image: Tensor) -> tuple[dict[str, float], Tensor]:
    """Losses and gradient, on the CPU."""
    leaf = image.clone().requires_grad_()
    terms = objective(leaf)
    (derivative,) = torch.autograd.grad(terms["total"], leaf)
    return {name: float(term.detach()) for name, term in terms.items()}, derivative.to("cpu")


def spy_devices(patch: pytest.MonkeyPatch) -> Counter[torch.device]:
    """Count the calls of encoders by device, from now on."""
    seen: Counter[torch.device] = Counter()
    forward = Vgg.forward

    def spying(self: Vgg, image: Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        seen[image.device] += 1
        return forward(self, image, *args, **kwargs)

    patch.setattr(Vgg, "forward", spying)
    return seen


def planned(recipe: Recipe, size: tuple[int, int], tile: int | None = 32) -> impasto.RunPlan:
    """Return a plan of two parts of two steps, in tiles or whole."""
    around = 0 if tile is None else tile_margin(recipe, build_encoder(recipe)[0].layer_names)
    part = {"width": size[1], "height": size[0], "steps": 2, "precision": "float32", "history": 3}
    return impasto.RunPlan.from_dict({"threads": 1, "parts": [{**part, "tile": tile, "margin": around}] * 2})


@pytest.mark.parametrize("statistic", [("gram", "moments"), ("nearest@conv1_1+conv2_1",)])
def test_a_pastiche_in_the_tiles_of_two_gpus(statistic: tuple[str, ...], picture: Paint) -> None:
    recipe = tiny(statistic=statistic, size=64)
    plan, mask = planned(recipe, (64, 48)), torch.ones(64, 48).tril().numpy()
    inputs = picture(64, 48), picture(64, 80, 1), recipe
    how = {"plan": plan, "protect": mask, "content_masks": [mask, 1 - mask]}
    expected = impasto.stylize(*inputs, device="cpu", **how)
    with pytest.MonkeyPatch.context() as patch:
        simulate_gpus(patch, 2)
        seen = spy_devices(patch)
        # A process that is full, but of nothing of the GPUs.
        patch.setattr(memory_guard, "used_bytes", lambda device: 2**60)
        patch.setattr(memory_guard, "return_freed_memory", lambda: pytest.fail("returned the CPU's memory"))
        found = impasto.stylize(*inputs, **how)
    assert seen[OTHER] > 0 and seen[CPU] == 0
    torch.testing.assert_close(found.pastiche, expected.pastiche, atol=ROUNDING, rtol=0)


@pytest.mark.usefixtures("gpus")
def test_out_of_memory_on_the_second_gpu_lowers_the_tiles(
    picture: Paint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("impasto.cost.workload.SLACK", 0)
    monkeypatch.setattr("impasto.cost.plan.SMALLEST_TILE", 16)
    forward = Vgg.forward

    def failing(self: Vgg, image: Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        if image.device == OTHER and image.shape[-1] > 56:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, image, *args, **kwargs)

    monkeypatch.setattr(Vgg, "forward", failing)
    recipe = tiny(size=96, statistic=("gram",))
    result = impasto.stylize(picture(96, 72), picture(64, 80, 1), recipe, plan=planned(recipe, (96, 72)))
    assert result.memory.tile == 16 and result.steps == 4 and result.end == "steps"
    assert "out of memory on cuda:0,cuda:1 at 96 px" in caplog.text


@pytest.mark.usefixtures("gpus")
def test_the_limit_is_that_of_the_gpu_with_the_least_room(picture: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    free = {GPU: 2**33, OTHER: 2**31}
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free[device], 2**34))
    job = prepare_pastiche(picture(48, 36), picture(40, 30, 1), tiny())
    assert job.devices == (GPU, OTHER)
    assert job.planner.budget.limit_bytes == int(FREE_SHARE * 2**31)


@pytest.mark.parametrize("tile", [32, None])
def test_a_run_of_two_gpus_is_resumed(
    tile: int | None, picture: Paint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, folder = tiny(size=64, statistic=("nearest@conv1_1+conv2_1", "gram")), tmp_path / "run"
    inputs, plan = (picture(64, 48), picture(64, 80, 1), recipe), planned(recipe, (64, 48), tile)
    simulate_gpus(monkeypatch, 2)
    whole = impasto.stylize(*inputs, plan=plan)
    impasto.stylize(*inputs, plan=plan, run_dir=folder, on_step=lambda event: "stop" if event.step == 3 else None)
    assert json.loads((folder / "run.json").read_text())["device"] == "cuda:0,cuda:1"
    events: list[impasto.StepEvent] = []
    assert torch.equal(impasto.resume(folder, on_step=events.append).pastiche, whole.pastiche)
    assert [event.step for event in events] == [4]


def test_bfloat16_and_the_estimate(picture: Paint) -> None:
    how = {"threads": 1}

    def run(device: str) -> tuple[Tensor, impasto.Estimate]:
        estimate = impasto.estimate(picture(48, 36), picture(40, 30, 1), tiny(), device=device, **how)
        precise = {"precision": "bfloat16"}
        result = impasto.stylize(picture(48, 36), picture(40, 30, 1), tiny(), device=device, **how, **precise)
        return result.pastiche, estimate

    (here, _), (there, estimate) = on_both(run)
    assert estimate.plan.precision == "bfloat16" and estimate.seconds > 0
    torch.testing.assert_close(there, here, atol=0.02, rtol=0)  # eight bits, and a step may go another way


def test_textures_reconstructions_morphs_and_comparisons(picture: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.experiments.compare.QUALITY_NETWORK", tiny())
    for module in ("compare", "quality"):
        monkeypatch.setattr(f"impasto.experiments.{module}.LONG_EDGE", 64)

    def run(device: str) -> list[Tensor]:
        how = {"device": device, "precision": "float32"}
        texture = impasto.synthesize_texture(picture(40, 48), size=48, tileable=True, recipe=tiny(init="noise"), **how)
        inside = impasto.reconstruct(picture(48, 36), content_layers=("conv2_2",), recipe=tiny(init="noise"), **how)
        frames = impasto.morph(picture(48, 36), [picture(40, 30, 1), picture(36, 52, 2)], tiny(frames=3), **how)
        mask = torch.ones(48, 36).tril().numpy()
        pictures = picture(48, 36), picture(40, 30, 1), picture(48, 36, 2), tiny()
        figures = compare(*pictures, content_masks=[mask, 1 - mask], device=device)
        return [torch.tensor(figures.total), *(result.pastiche for result in (texture, inside, *frames))]

    for here, there in zip(*on_both(run), strict=True):
        torch.testing.assert_close(there, here, atol=ROUNDING, rtol=0)

"""How often a step makes the CPU wait for a GPU: every read and copy stops both until all work before it is done.

Two reads are needed: L-BFGS decides whether it stores a pair, and the loop reads the losses. A rise is a slower GPU.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from simulated_gpus import Simulated, simulate_gpus
from torch import Tensor

import impasto
from impasto.features.encoder import build_encoder
from impasto.optimize.descent import Lbfgs
from impasto.optimize.schedule import RunPlan
from impasto.recipe.recipe import Recipe
from impasto.tiles.objective import tile_margin

Paint = Callable[..., Tensor]

LAYERS = {"content_layers": ("conv2_2",), "style_layers": ("conv1_1", "conv2_1", "conv3_1")}
STEPS = 6
READS = {"tolist": 2}

MASK = torch.ones(64, 48).tril().numpy()
REGIONS = {"content_masks": [MASK, 1 - MASK]}


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({}, {}, READS),
        ({}, {"precision": "bfloat16"}, READS),
        ({"optimizer": "adam"}, {}, {"tolist": 1}),
        ({"statistic": ("moments", "covariance", "histogram", "sliced")}, {}, READS),
        ({"statistic": ("nearest@conv1_1+conv2_1",), "color": "content-luma"}, {}, READS),
        ({"tv_weight": 0.1, "padding": "wrap", "gamut": "free", "pooling": "average"}, {}, READS),
        ({}, {"protect": MASK}, READS),
        # Eigenvalues of the style and of the picture in each of three layers, and whether they could be computed.
        ({"statistic": ("wasserstein",)}, {}, {**READS, "aten::_linalg_eigh": 6}),
        # The places of two regions in each of three layers, and in the one that "nearest" matches.
        ({}, REGIONS, {**READS, "aten::nonzero": 8}),
    ],
    ids=lambda value: " ".join(value) or "default",
)
def test_a_step_waits_for_nothing_else(
    changes: dict[str, Any], options: dict[str, Any], expected: dict[str, int], picture: Paint
) -> None:
    recipe = Recipe(weights="tiny", size=64, steps=STEPS, first_scale=0).replace(**{**LAYERS, **changes})
    assert count_waits(recipe, picture, {"precision": "float32", **options}) == expected


@pytest.mark.parametrize("gpus", [1, 2])
def test_in_tiles_only_the_photographs_features_are_copied(gpus: int, picture: Paint) -> None:
    recipe = Recipe(weights="tiny", size=64, steps=STEPS, statistic=("gram",)).replace(**LAYERS)
    around = tile_margin(recipe, build_encoder(recipe)[0].layer_names)
    part = {"width": 48, "height": 64, "steps": STEPS, "precision": "float32", "history": 3}
    plan = RunPlan.from_dict({"threads": 1, "parts": [{**part, "tile": 32, "margin": around}]})
    waits = count_waits(recipe, picture, {"plan": plan}, gpus)
    # Of four tiles, in both passes: they wait on the CPU, where there is room for them.
    assert {name: count for name, count in waits.items() if "copy" not in name} == READS
    assert sum(count for name, count in waits.items() if "copy" in name) == 2 * 4


def count_waits(recipe: Recipe, picture: Paint, options: dict[str, Any], gpus: int = 1) -> Counter[str]:
    """What the CPU waits for in one step: the same in each after the first, for which everything is set up."""
    waits: list[Counter[str]] = []

    def note(event: impasto.StepEvent) -> None:
        waits.append(Counter(Simulated.waits))
        Simulated.waits.clear()

    with pytest.MonkeyPatch.context() as patch:
        simulate_gpus(patch, gpus)
        impasto.stylize(picture(64, 48), picture(40, 30, 1), recipe, device="cuda", on_step=note, **options)
    assert len(waits) == STEPS and waits[0].total() > waits[1].total()
    assert all(each == waits[1] for each in waits[2:])
    return waits[1]


def test_the_memory_of_lbfgs_adds_no_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many pairs as it may store: a scalar product of each was read twice a step."""
    simulate_gpus(monkeypatch, 1)
    descent, image = Lbfgs(history=50, fourier_exponent=1.0), torch.rand(1, 3, 8, 8).to("cuda")
    reads = []
    for _ in range(55):
        Simulated.waits.clear()
        image = descent.update(image, image - 0.5)
        reads.append(list(Simulated.waits))
    assert reads[-1] == ["tolist"] and reads[0] == []


def test_what_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_gpus(monkeypatch, 2)
    there = torch.arange(4.0).to("cuda")
    for waiting in (
        lambda: float(there.sum()),
        lambda: bool((there > 1).any()),
        lambda: there.tolist(),
        lambda: there.cpu(),
        lambda: there.nonzero(),
        lambda: there[there > 1],
        lambda: there[torch.tensor([1])],
        lambda: torch.equal(there, there),
        lambda: torch.tensor([1.0], device="cuda"),
        lambda: there.copy_(torch.ones(4)),
    ):
        Simulated.waits.clear()
        waiting()
        assert len(Simulated.waits) == 1
    for going_on in (
        lambda: there + 1,
        lambda: there.new_full((), 2.0),
        lambda: torch.zeros(3, device="cuda"),
        lambda: there.to("cuda:1"),
        lambda: there.clone().copy_(there),
        lambda: there[there.long()],
    ):
        Simulated.waits.clear()
        going_on()
        assert Simulated.waits == []

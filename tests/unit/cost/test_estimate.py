"""The cost of a run from its plan and the machine's speed."""

import math

import pytest
import torch

from impasto.cost import estimate
from impasto.cost.calibration import Speed
from impasto.cost.estimate import (
    FORWARD,
    MATCH,
    count_tiles,
    estimate_run,
    evaluation_passes,
    measure_match,
)
from impasto.cost.workload import SLACK, Workload
from impasto.features.encoder import build_encoder
from impasto.optimize.schedule import MemoryPlan, Part, RunPlan
from impasto.recipe.recipe import Recipe

CPU = torch.device("cpu")
RECIPE = Recipe(weights="tiny", statistic=("gram",))
SPEED = Speed(((10_000, 1.0), (40_000, 4.0)))


def part(size: tuple[int, int], steps: int, tile: int | None = None, needed_bytes: int = 0) -> Part:
    memory = MemoryPlan(tile=tile, margin=0 if tile is None else 16, history=5, needed_bytes=needed_bytes)
    return Part(size=size, steps=steps, precision="float32", memory=memory)


@pytest.fixture(autouse=True)
def _known_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "find_speed", lambda *how: SPEED)


def test_evaluations_and_targets_add_up() -> None:
    parts = (part((100, 100), 9, needed_bytes=5 * SLACK), part((200, 200), 4, needed_bytes=9 * SLACK))
    encoder = build_encoder(RECIPE)[0]
    workloads = [
        Workload(encoder, RECIPE, (100, 100), ((100, 100),)),
        Workload(encoder, RECIPE, (200, 200), ((200, 100), (100, 200))),
    ]
    cost = estimate_run(RunPlan(parts=parts, threads=1), workloads, (CPU,))
    assert cost.evaluation_s == (1.0, 4.0)
    assert cost.seconds == pytest.approx(10 * 1 + FORWARD * 2 + 5 * 4 + FORWARD * (4 + 2 + 2))
    assert (cost.seconds, cost.peak_bytes) == (sum(cost.part_s), max(cost.part_bytes))
    assert cost.peak_bytes == 8.5 * SLACK
    values = cost.to_dict()
    assert values["size"] == {"width": 200, "height": 200} and values["steps"] == 13
    assert values["seconds_per_evaluation"] == 4
    assert [(p["width"], p["tiles"], p["needed_bytes"]) for p in values["parts"]] == [
        (100, 1, 5 * SLACK),
        (200, 1, 9 * SLACK),
    ]


def test_tiles_count_with_their_margins_and_twice_without_gradient() -> None:
    tiled = part((96, 96), 1, tile=48)
    assert count_tiles(tiled, "zero") == 4
    assert evaluation_passes(tiled, "zero", (CPU,)) == (64 * 64, 4 * (1 + FORWARD))
    assert evaluation_passes(tiled, "wrap", (CPU,)) == (80 * 80, 4 * (1 + FORWARD))


def test_as_many_tiles_as_devices_take_the_time_of_one() -> None:
    tiled, gpu = part((96, 144), 1, tile=48), torch.device("cuda")
    assert count_tiles(tiled, "zero") == 6
    passes = [evaluation_passes(tiled, "zero", (gpu,) * count)[1] for count in (1, 2, 4, 8)]
    assert passes == [rounds * (1 + FORWARD) for rounds in (6, 3, 2, 1)]
    whole = part((96, 144), 1)
    assert evaluation_passes(whole, "zero", (gpu, gpu)) == (96 * 144, 1)


def test_matches_cost_as_positions_times_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = RECIPE.replace(statistic=("nearest",), style_layers=("conv3_1",))
    workload = Workload(build_encoder(recipe)[0], recipe, (100, 100), ((40, 80),))
    plan = RunPlan(parts=(part((100, 100), 60),), threads=1)

    def seconds(match_s: float) -> float:
        monkeypatch.setattr(estimate, "measure_match", lambda device: match_s)
        return estimate_run(plan, [workload], (CPU,)).seconds

    positions, vectors = 25 * 25, 10 * 20
    assert seconds(1.0) - seconds(0.0) == pytest.approx(3 * positions * vectors * workload.encoder.channels("conv3_1"))


def test_a_match_is_measured() -> None:
    readings = iter([1.0, 3.0])
    assert measure_match(CPU, lambda: next(readings)) * math.prod(MATCH) == pytest.approx(2.0)

"""Memory: sizes as text, and plans within a limit."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from impasto.cost.footprint import feature_bytes, forward_bytes, graph_bytes
from impasto.cost.plan import Budget, plan_memory
from impasto.cost.workload import ALLOCATOR, IMAGE, IMAGES, SLACK, Workload, evaluation_bytes
from impasto.errors import MemoryLimitError
from impasto.features.encoder import build_encoder
from impasto.losses.statistics import build_statistics
from impasto.optimize.schedule import MemoryPlan
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import STYLE_LAYERS
from impasto.system.memory import format_memory, free_bytes, memory_limit, parse_memory, used_bytes

CPU = torch.device("cpu")
SIZE = (1536, 2048)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GiB", 4 * 2**30), ("900MB", 900 * 10**6), ("1.5G", 3 * 2**29), ("2 kib", 2048), ("12345", 12345), ("7b", 7)],
)
def test_sizes_as_text(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "lots", "-1G", "0", "4XB", "4iB", "1e9", "4GiB free"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(MemoryLimitError, match="expected a size such as 4GiB"):
        parse_memory(text)


@pytest.mark.parametrize("size", [3, 2**20, 3 * 2**20 + 1, 2**30, 7 * 2**33 + 5])
def test_a_written_size_is_never_less(size: int) -> None:
    assert size <= parse_memory(format_memory(size)) <= 1.1 * size + 2**20


def test_the_memory_of_this_machine() -> None:
    used, free = used_bytes(CPU), free_bytes(CPU)
    assert free is not None and used > 0
    assert used < memory_limit(None, CPU) < used + free
    assert memory_limit(123, CPU) == 123


def test_activations_of_vgg_19() -> None:
    encoder = build_encoder(Recipe(padding="zero"))[0]
    assert feature_bytes(encoder, "conv1_1") == 256
    assert feature_bytes(encoder, "conv4_2") == 32
    assert graph_bytes(encoder, ["conv1_2"]) == 24 + 2 * 256
    # Two layers of 64 channels and the input, or the second layer, its pooled form and the first layer, if stored.
    assert forward_bytes(encoder, ["conv1_2"]) == 12 + 2 * 256
    replicate = build_encoder(Recipe(padding="replicate"))[0]
    assert graph_bytes(replicate, ["conv1_2"]) == 24 + 2 * 256 + 12 + 256


def plan(limit: int, **changes: Any) -> MemoryPlan:
    recipe = Recipe(weights="tiny", statistic=("gram",)).replace(**changes)
    workload = Workload(build_encoder(recipe)[0], recipe, SIZE, ((1000, 2048),))
    return plan_memory(workload, Budget(10**8, limit), steps=100)


def test_a_picture_that_fits_is_computed_whole() -> None:
    whole = plan(2**40)
    assert (whole.tile, whole.margin, whole.history) == (None, 0, 50)
    assert 0 < whole.features_bytes < whole.needed_bytes < 2**40 == whole.limit_bytes


def test_a_smaller_limit_gives_smaller_tiles_and_a_shorter_history() -> None:
    limits = [round(1.1**power * 10**8) for power in range(50, 23, -1)]
    plans = [plan(limit) for limit in limits]
    tiles, histories = [p.tile or 2048 for p in plans], [p.history for p in plans]
    assert all(p.needed_bytes <= Budget(10**8, q).plan_bytes < q for p, q in zip(plans, limits, strict=True))
    assert tiles == sorted(tiles, reverse=True)
    assert tiles[0] == 2048 and tiles[-1] < 1024
    whole, tiled = tiles.count(2048), histories[tiles.count(2048) :]
    assert histories[0] == 50 and histories[:whole] == sorted(histories[:whole], reverse=True)
    assert tiled == sorted(tiled, reverse=True) and tiled[-1] >= 5
    assert {p.margin for p in plans if p.tile} == {48}
    assert all(p.tile % 16 == 0 for p in plans if p.tile)


def test_tiles_are_at_least_four_margins_before_the_history_has_a_second_pair() -> None:
    """Else a higher limit, which holds a pair more beside the smallest tiles, would be slower."""
    size, recipe = (5461, 8192), Recipe(weights="tiny", statistic=("gram",))
    workload = Workload(build_encoder(recipe)[0], recipe, size, ((1000, 2048),))
    least = workload.fixed_bytes() + workload.pair_bytes + workload.features_bytes(64)
    limits = [Budget(0, 2**50).limit_for(least + power * workload.pair_bytes // 8) for power in range(1, 80)]
    plans = [plan_memory(workload, Budget(0, limit), steps=5) for limit in limits]
    assert {1, 2, 3, 4} <= {p.history for p in plans}
    assert all(p.tile is None or p.tile >= 4 * p.margin for p in plans if p.history > 1)


def test_the_least_limit_that_is_named_works_and_one_below_does_not() -> None:
    with pytest.raises(MemoryLimitError, match=r"2048x1536 needs at least \S+, in tiles") as caught:
        plan(10**8)
    least = caught.value.hint.split("--max-memory ")[1].split()[0]
    assert plan(parse_memory(least)).history == 1
    with pytest.raises(MemoryLimitError):
        plan(parse_memory(least) - 2**26)


@pytest.mark.parametrize("statistic", ["histogram", "sliced"])
def test_statistics_that_need_the_whole_picture_say_so(statistic: str) -> None:
    assert plan(2**40, statistic=(statistic,)).tile is None
    with pytest.raises(MemoryLimitError, match=f"seen whole, as the statistic '{statistic}' must") as caught:
        plan(10**9, statistic=("gram", f"{statistic}:0.5"))
    assert "--statistic gram" in caught.value.hint
    enough = caught.value.hint.split("--max-memory ")[1].split()[0]
    assert plan(parse_memory(enough), statistic=("gram", f"{statistic}:0.5")).tile is None


def test_a_new_statistic_brings_its_need_of_memory_and_of_the_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    before = plan(2**40).features_bytes
    sorting = {"gram": replace(build_statistics(Recipe())["gram"], is_mean=False, copies=6)}
    for module in ("plan", "workload"):
        monkeypatch.setattr(f"impasto.cost.{module}.build_statistics", lambda recipe: sorting)
    assert plan(2**40).features_bytes > before
    with pytest.raises(MemoryLimitError, match="seen whole, as the statistic 'gram' must"):
        plan(10**9)


def test_nearest_has_wider_margins() -> None:
    tiled = plan(10**9, statistic=("nearest",), style_layers=("conv2_1", "conv3_1", "conv4_1"))
    assert tiled.tile is not None and tiled.margin == 48  # 30 for conv4_1, and two positions of 8
    gram = plan(10**9, statistic=("gram",), style_layers=("conv2_1", "conv3_1", "conv4_1"))
    assert gram.margin == 48  # conv4_2 of the content
    assert plan(10**9, statistic=("nearest",), style_layers=STYLE_LAYERS).margin == 112


def test_adam_keeps_no_history_and_short_runs_a_short_one() -> None:
    recipe = Recipe(weights="tiny", statistic=("gram",))
    encoder = build_encoder(recipe)[0]
    short = plan_memory(Workload(encoder, recipe, SIZE, ()), Budget(0, 2**40), steps=3)
    pixels = SIZE[0] * SIZE[1]
    assert short.history == 2
    pictures = (IMAGES + 2 * 2) * IMAGE * pixels
    assert short.needed_bytes == SLACK + pictures + int(ALLOCATOR * evaluation_bytes(encoder, recipe) * pixels)
    assert plan(2**40, optimizer="adam").history == 2

"""Descriptions of a region: those of the cut-out, and of positions repeated by their weight."""

from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.losses.guided_statistics import guided_ranks, ranks_distance
from impasto.losses.statistics import Statistic, build_statistics
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import STATISTICS

KNOWN = sorted(set(STATISTICS) - {"nearest"})


def statistic(name: str) -> Statistic:
    return build_statistics(Recipe(seed=3))[name]


def distance(known: Statistic, guide: Tensor | None, style_guide: Tensor | None, one: Tensor, other: Tensor) -> float:
    part, style = known.for_guide(guide), known.for_guide(style_guide)
    a: Any = part.describe(one) if guide is None else part.describe(one, guide)
    b: Any = style.describe(other) if style_guide is None else style.describe(other, style_guide)
    return float(part.distance(a, b))


def features(height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, 5, height, width, generator=generator, dtype=torch.float64).relu()


@pytest.mark.parametrize("name", KNOWN)
def test_equal_weights_are_no_weights(name: str) -> None:
    one, other = features(8, 9), features(7, 6, seed=1)
    equal, style_equal = torch.full((1, 1, 8, 9), 1 / 72), torch.full((1, 1, 7, 6), 1 / 42)
    expected = distance(statistic(name), None, None, one, other)
    found = distance(statistic(name), equal.double(), style_equal.double(), one, other)
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", KNOWN)
def test_a_mask_is_a_cut_out(name: str) -> None:
    one, other = features(8, 9), features(7, 6, seed=1)
    guide = torch.zeros(1, 1, 8, 9, dtype=torch.float64)
    guide[..., 2:6, 3:8] = 1 / 20
    style_guide = torch.zeros(1, 1, 7, 6, dtype=torch.float64)
    style_guide[..., :3, :] = 1 / 18
    expected = distance(statistic(name), None, None, one[..., 2:6, 3:8], other[..., :3, :])
    assert distance(statistic(name), guide, style_guide, one, other) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", [name for name in KNOWN if build_statistics(Recipe())[name].is_mean])
def test_a_weight_of_two_is_the_position_twice(name: str) -> None:
    one, other = features(1, 6), features(7, 6, seed=1)
    guide = torch.tensor([1, 2, 1, 1, 0, 3], dtype=torch.float64).view(1, 1, 1, 6) / 8
    style_guide = torch.full((1, 1, 7, 6), 1 / 42, dtype=torch.float64)
    repeated = one[..., [0, 1, 1, 2, 3, 5, 5, 5]]
    expected = distance(statistic(name), None, None, repeated, other)
    assert distance(statistic(name), guide, style_guide, one, other) == pytest.approx(expected, rel=1e-6)


def test_ranks_take_the_middle_of_their_weight() -> None:
    values, ranks, weights = guided_ranks(torch.tensor([[[[3.0, 1.0, 2.0]]]]), torch.tensor([[[[0.5, 0.25, 0.25]]]]))
    assert values.flatten().tolist() == [1, 2, 3]
    assert ranks.flatten().tolist() == [0.125, 0.375, 0.75]
    assert weights.flatten().tolist() == [0.25, 0.25, 0.5]


def test_a_region_has_no_distance_from_itself_and_a_gradient_inside_only() -> None:
    guide = torch.zeros(1, 1, 8, 9, dtype=torch.float64)
    guide[..., 2:6, 3:8] = torch.rand(4, 5, dtype=torch.float64)
    guide /= guide.sum()
    for name in KNOWN:
        assert distance(statistic(name), guide, guide, features(8, 9), features(8, 9)) == pytest.approx(0, abs=1e-12)
        part = statistic(name).for_guide(guide)
        leaf = features(8, 9).requires_grad_()
        part.distance(part.describe(leaf, guide), part.describe(features(8, 9, seed=2), guide)).backward()  # type: ignore[no-untyped-call]
        assert leaf.grad is not None
        assert bool((leaf.grad[..., 2:6, 3:8] != 0).any())
        assert float(leaf.grad.abs().sum()) == pytest.approx(float(leaf.grad[..., 2:6, 3:8].abs().sum()))


def test_one_position_is_enough() -> None:
    one = torch.ones(1, 1, 1, 1)
    ranks = guided_ranks(torch.full((1, 2, 1, 1), 3.0), one)
    assert float(ranks_distance(ranks, ranks)) == 0
    assert float(ranks_distance(guided_ranks(torch.zeros(1, 2, 1, 1), one), ranks)) == 9

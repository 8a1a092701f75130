"""What holds for every statistic."""

import pytest
import torch
from torch import Tensor

from impasto.losses.statistics import build_statistics
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import STATISTICS

KNOWN = build_statistics(Recipe())


def responses(seed: int, shape: tuple[int, ...] = (1, 4, 5, 6)) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.5


def test_every_statistic_has_a_name_and_help() -> None:
    assert {*KNOWN, "nearest"} == set(STATISTICS)  # nearest takes its layers together


@pytest.mark.parametrize("name", KNOWN)
def test_style_has_no_loss_against_itself(name: str) -> None:
    statistic = KNOWN[name]
    assert abs(float(statistic.loss(responses(0), statistic.describe(responses(0))))) < 1e-9
    assert float(statistic.loss(responses(1), statistic.describe(responses(0)))) > 1e-3


@pytest.mark.parametrize("name", KNOWN)
def test_gradcheck(name: str) -> None:
    statistic = KNOWN[name]
    target = statistic.describe(responses(0, (1, 4, 4, 4)))
    features = responses(1, (1, 4, 3, 5)).requires_grad_()
    assert torch.autograd.gradcheck(lambda F: statistic.loss(F, target), features)


@pytest.mark.parametrize("name", KNOWN)
def test_order_of_positions_does_not_matter(name: str) -> None:
    statistic = KNOWN[name]
    order = torch.randperm(30, generator=torch.Generator().manual_seed(2))
    shuffled = responses(0).flatten(2)[..., order].reshape(1, 4, 5, 6)
    target = statistic.describe(responses(1))
    assert float(statistic.loss(shuffled, target)) == pytest.approx(float(statistic.loss(responses(0), target)))
    assert float(statistic.loss(responses(2), statistic.describe(shuffled))) == pytest.approx(
        float(statistic.loss(responses(2), statistic.describe(responses(0))))
    )


@pytest.mark.parametrize("name", KNOWN)
def test_number_of_positions_does_not_matter_much(name: str) -> None:
    """Twice the same picture has the same statistics."""
    statistic = KNOWN[name]
    twice = torch.cat([responses(0), responses(0)], dim=3)
    target = statistic.describe(responses(1))
    assert float(statistic.loss(twice, target)) == pytest.approx(float(statistic.loss(responses(0), target)), rel=0.05)


@pytest.mark.parametrize("name", [name for name in KNOWN if KNOWN[name].is_mean])
def test_a_mean_is_that_of_its_tiles(name: str) -> None:
    """Descriptions of parts, averaged by their positions, describe the whole."""
    whole, target = responses(0), KNOWN[name].describe(responses(1))
    parts = [KNOWN[name].describe(part) for part in (whole[..., :2], whole[..., 2:])]
    if isinstance(target, tuple):
        mean: object = tuple((2 * a + 4 * b) / 6 for a, b in zip(*parts, strict=True))
    else:
        mean = (2 * parts[0] + 4 * parts[1]) / 6
    assert float(KNOWN[name].distance(mean, target)) == pytest.approx(float(KNOWN[name].loss(whole, target)))


@pytest.mark.parametrize("name", KNOWN)
def test_batch_is_the_sum_of_its_images(name: str) -> None:
    statistic = KNOWN[name]
    target = statistic.describe(responses(0))
    batch = responses(1, (2, 4, 5, 6))
    singles = sum(float(statistic.loss(batch[i : i + 1], target)) for i in range(2))
    assert float(statistic.loss(batch, target)) == pytest.approx(singles)


@pytest.mark.parametrize("name", KNOWN)
def test_silent_channels_have_finite_gradients(name: str) -> None:
    """ReLU leaves channels at 0, and black pictures leave all of them there."""
    statistic = KNOWN[name]
    for style in (responses(0).relu(), torch.zeros(1, 4, 5, 6, dtype=torch.float64)):
        features = torch.zeros(1, 4, 5, 6, dtype=torch.float64, requires_grad=True)
        statistic.loss(features, statistic.describe(style)).backward()
        assert features.grad is not None
        assert bool(torch.isfinite(features.grad).all())


@pytest.mark.parametrize("name", KNOWN)
def test_descent_reaches_the_style(name: str) -> None:
    statistic = KNOWN[name]
    target = statistic.describe(responses(0))
    features = responses(1).requires_grad_()
    start = float(statistic.loss(features, target).detach())
    optimizer = torch.optim.Adam([features], lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        statistic.loss(features, target).backward()
        optimizer.step()
    assert float(statistic.loss(features, target).detach()) < 0.2 * start

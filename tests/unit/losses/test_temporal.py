"""Temporal loss: earlier frames count where they show a place, untiled and in tiles."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.features.encoder import build_encoder
from impasto.losses.objective import Objective
from impasto.losses.temporal import Temporal, long_term_weights, temporal_loss
from impasto.recipe.recipe import Recipe
from impasto.tiles.objective import TiledObjective

Paint = Callable[..., Tensor]

RECIPE = Recipe(weights="tiny", content_layers=("conv2_2",), style_layers=("conv1_1", "conv2_1"))


def halves(height: int, width: int) -> Tensor:
    """Weights that are 1 in the left half and 0 in the right one."""
    return (torch.arange(width) < width // 2).double().expand(1, 1, height, width)


def gradient(objective: Objective, image: Tensor) -> tuple[dict[str, float], Tensor]:
    leaf = image.clone().requires_grad_()
    terms = objective(leaf)
    (derivative,) = torch.autograd.grad(terms["total"], leaf)
    return {name: float(term.detach()) for name, term in terms.items()}, derivative


def test_the_loss_is_the_mean_of_weighted_squares(picture: Paint) -> None:
    image, carried = picture(4, 6, seed=1).double(), picture(4, 6, seed=2).double()
    difference = (image - carried)[..., :3]
    assert float(temporal_loss(image, carried, halves(4, 6))) == pytest.approx(
        float(difference.square().sum()) / (3 * 4 * 6)
    )
    assert float(temporal_loss(image, image, halves(4, 6))) == 0


def test_the_gradient_is_that_of_the_loss(picture: Paint) -> None:
    image, carried = picture(4, 6, seed=1).double().requires_grad_(), picture(4, 6, seed=2).double()
    assert torch.autograd.gradcheck(lambda x: temporal_loss(x, carried, halves(4, 6)), image)
    (derivative,) = torch.autograd.grad(temporal_loss(image, carried, halves(4, 6)), image)
    assert torch.allclose(derivative, 2 * halves(4, 6) * (image.detach() - carried) / (3 * 4 * 6))


def test_older_frames_count_only_where_newer_ones_do_not_show_the_place() -> None:
    newest, older = halves(2, 4), torch.ones(1, 1, 2, 4).double()
    weights = long_term_weights([newest, older, older])
    assert torch.equal(weights[0], newest)
    assert torch.equal(weights[1], 1 - newest)
    assert torch.equal(weights[2], torch.zeros_like(newest))
    assert long_term_weights([]) == ()


def test_the_objective_has_the_term_whole_and_in_tiles(picture: Paint) -> None:
    encoder = build_encoder(RECIPE)[0].double()
    content, style, image, newest, older = (picture(48, 64, seed=seed).double() for seed in range(5))
    weights = halves(48, 64), 1 - halves(48, 64)
    temporal = Temporal(weight=3.0, carried=(newest, older), weights=weights)
    plain = Objective(encoder, RECIPE, content, [style])(image)
    losses, whole = gradient(Objective(encoder, RECIPE, content, [style], temporal=temporal), image)
    expected = 3 * sum(float(temporal_loss(image, *pair)) for pair in zip((newest, older), weights, strict=True))
    assert losses["temporal"] == pytest.approx(expected)
    assert losses["total"] == pytest.approx(float(plain["total"]) + expected)
    tiled_losses, tiled = gradient(
        TiledObjective(encoder, RECIPE, content, [style], inner=16, temporal=temporal), image
    )
    assert tiled_losses == pytest.approx(losses, rel=1e-9)
    assert float((tiled - whole).norm() / whole.norm()) < 1e-9


def test_it_follows_the_size_of_the_frame(picture: Paint) -> None:
    temporal = Temporal(weight=1.0, carried=(picture(8, 12),), weights=(torch.ones(1, 1, 8, 12),))
    smaller = temporal.resized((4, 6))
    assert smaller.carried[0].shape == (1, 3, 4, 6) and smaller.weights[0].shape == (1, 1, 4, 6)
    assert float(smaller.loss(smaller.carried[0])) == 0

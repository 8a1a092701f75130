"""The objective of a batch: the sum of those of its pictures, each with its own photograph and style."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.errors import RecipeError
from impasto.features.vgg import Vgg
from impasto.losses.batch import BatchObjective
from impasto.losses.objective import Objective
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import STYLE_LAYERS

Paint = Callable[..., Tensor]

RECIPE = Recipe.preset("network", weights="tiny", style_layers=STYLE_LAYERS)


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE,
        RECIPE.replace(strength=1.0, tv_weight=0.0),
        RECIPE.replace(strength=0.0),
        RECIPE.replace(strength=None, content_weight=1.0, style_weight=100.0, tv_normalization="sum"),
        *(RECIPE.replace(statistic=(name,)) for name in ("gram", "moments", "wasserstein")),
        RECIPE.replace(statistic=("histogram:0.5@conv1_1+conv2_1", "sliced")),
    ],
    ids=lambda recipe: f"{recipe.statistic} {recipe.strength}",
)
def test_its_losses_and_gradients_are_those_of_each_picture(recipe: Recipe, tiny_encoder: Vgg, picture: Paint) -> None:
    styles = [picture(40, 40, seed=1), picture(48, 32, seed=2)]
    photographs = torch.cat([picture(seed=seed) for seed in (3, 4, 5)])
    images = torch.cat([picture(seed=seed) for seed in (6, 7, 8)]).requires_grad_()
    chosen = [1, 0, 1]
    losses = BatchObjective(tiny_encoder, recipe, styles)(images, photographs, chosen)
    singles = [
        Objective(tiny_encoder, recipe, photographs[i : i + 1], [styles[style]])(images[i : i + 1])
        for i, style in enumerate(chosen)
    ]
    assert losses.keys() == singles[0].keys()
    for name, loss in losses.items():
        torch.testing.assert_close(loss, torch.stack([single[name] for single in singles]).sum())
    (gradient,) = torch.autograd.grad(losses["total"], images)
    (expected,) = torch.autograd.grad(sum(single["total"] for single in singles), images)
    assert float((gradient - expected).abs().max()) <= 1e-3 * float(expected.abs().max())


def test_a_statistic_without_a_common_target_is_refused(tiny_encoder: Vgg, picture: Paint) -> None:
    with pytest.raises(RecipeError, match="nearest cannot be trained: .* Choose gram, moments"):
        BatchObjective(tiny_encoder, Recipe(statistic=("gram", "nearest")), [picture()])

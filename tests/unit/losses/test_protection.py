"""Protection: content counts more in places, untiled and in tiles."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.errors import RecipeError
from impasto.features.encoder import build_encoder
from impasto.losses.objective import Objective
from impasto.losses.protection import PROTECT_LAYERS, Protection, protect_recipe
from impasto.recipe.recipe import Recipe
from impasto.tiles.objective import TiledObjective

Paint = Callable[..., Tensor]


def tiny(**changes: Any) -> Recipe:
    layers = {"content_layers": ("conv2_2",), "style_layers": ("conv1_1", "conv2_1", "conv3_1")}
    return Recipe(weights="tiny", **layers).replace(**changes)  # type: ignore[arg-type]


def disk(height: int, width: int, strength: float) -> Tensor:
    rows, columns = torch.arange(height).view(-1, 1), torch.arange(width).view(1, -1)
    radius = ((rows - 20.0).square() + (columns - 20.0).square()).sqrt()
    return strength * ((12 - radius) / 4).clamp(0, 1)[None, None]


def gradient(objective: Objective, image: Tensor) -> tuple[dict[str, float], Tensor]:
    leaf = image.clone().requires_grad_()
    terms = objective(leaf)
    (derivative,) = torch.autograd.grad(terms["total"], leaf)
    return {name: float(term.detach()) for name, term in terms.items()}, derivative


def test_nothing_added_changes_nothing(picture: Paint) -> None:
    recipe = tiny()
    encoder = build_encoder(recipe)[0].double()
    content, style, image = (picture(48, 64, seed=seed).double() for seed in range(3))
    expected = gradient(Objective(encoder, recipe, content, [style]), image)
    kept = Protection(torch.zeros(1, 1, 48, 64, dtype=torch.float64))
    found = gradient(Objective(encoder, protect_recipe(recipe), content, [style], protection=kept), image)
    assert found[0] == pytest.approx(expected[0], rel=1e-12)
    torch.testing.assert_close(found[1], expected[1], rtol=1e-9, atol=1e-15)


def test_content_counts_more_there_and_as_before_elsewhere(picture: Paint) -> None:
    recipe = tiny(tv_weight=0.0, strength=0.5)
    encoder = build_encoder(recipe)[0].double()
    content, image = (picture(48, 64, seed=seed).double() for seed in range(2))
    plain = Objective(encoder, recipe, content, [])
    protection = Protection(disk(48, 64, 8.0).double())
    protected = Objective(encoder, protect_recipe(recipe), content, [], protection=protection)
    (_, before), (_, after) = gradient(plain, image), gradient(protected, image)
    far = slice(None), slice(None), slice(None), slice(56, None)  # beyond what conv3_2 sees of the disk
    torch.testing.assert_close(after[far], before[far], rtol=1e-9, atol=1e-15)
    inside = slice(None), slice(None), slice(16, 24), slice(16, 24)
    assert after[inside].norm() > 2 * before[inside].norm()


@pytest.mark.parametrize("padding", ["replicate", "wrap", "wrap-x"])
@pytest.mark.parametrize("size", [(47, 63), (64, 96)])
@pytest.mark.parametrize("normalization", ["sum", "mean"])
def test_tiles_have_the_gradient_of_the_whole_picture(
    padding: str, size: tuple[int, int], normalization: str, picture: Paint
) -> None:
    recipe = protect_recipe(tiny(padding=padding, content_normalization=normalization))
    encoder = build_encoder(recipe)[0].double()
    content, image, style = (picture(*size, seed=seed).double() for seed in range(3))
    protection = Protection(disk(*size, 8.0).double())
    losses, whole = gradient(Objective(encoder, recipe, content, [style], protection=protection), image)
    tiled = TiledObjective(encoder, recipe, content, [style], protection=protection, inner=16)
    tiled_losses, derivative = gradient(tiled, image)
    assert tiled_losses == pytest.approx(losses, rel=1e-9)
    assert float((derivative - whole).norm() / whole.norm()) < 1e-9


def test_layers_are_added_without_weight() -> None:
    assert protect_recipe(Recipe()).content_layers == ("conv4_2", *PROTECT_LAYERS)
    assert protect_recipe(Recipe()).content_layer_weights == (1.0, *(0.0 for _ in PROTECT_LAYERS))
    several = Recipe(content_layers=("conv3_2", "conv4_2"))
    assert protect_recipe(several).content_layers[:2] == ("conv3_2", "conv4_2")
    assert protect_recipe(several).content_layer_weights[:2] == (0.5, 0.5)


@pytest.mark.parametrize("changes", [{"strength": 1.0}, {"content_weight": 0.0}, {"content_layers": ()}])
def test_a_recipe_without_content_cannot_protect(changes: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=r"expected some content to keep.*--strength"):
        protect_recipe(Recipe().replace(**changes))

"""Tiled losses and gradients are those of the whole picture."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from impasto.features.encoder import build_encoder
from impasto.features.guides import Region
from impasto.losses.objective import Objective
from impasto.losses.protection import Protection
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import LAYERS
from impasto.system.torch_settings import running
from impasto.tiles import objective as tiles
from impasto.tiles.objective import TiledObjective

Paint = Callable[..., Tensor]
CPU = torch.device("cpu")

SHALLOW = {"weights": "tiny", "content_layers": ("conv2_2",), "style_layers": ("conv1_1", "conv2_1", "conv3_1")}


def gradient(objective: Objective, image: Tensor) -> tuple[dict[str, float], Tensor]:
    leaf = image.clone().requires_grad_()
    terms = objective(leaf)
    (derivative,) = torch.autograd.grad(terms["total"], leaf)
    return {name: float(term.detach()) for name, term in terms.items()}, derivative


def distance(
    recipe: Recipe,
    size: tuple[int, int],
    inner: int,
    picture: Paint,
    dtype: torch.dtype = torch.float64,
    style_sizes: tuple[tuple[int, int], ...] = ((37, 58),),
    *,
    guided: bool = False,
) -> float:
    """Relative L2 distance of the tiled gradient from the untiled one; the losses are compared on the way.

    guided: with two regions, one with a soft border and in all styles, the other in the last style alone.
    """
    encoder = build_encoder(recipe)[0].to(dtype)
    content, image = picture(*size, seed=1).to(dtype), picture(*size, seed=2).to(dtype)
    styles = [picture(*style, seed=3 + index).to(dtype) for index, style in enumerate(style_sizes)]
    regions = regions_of(recipe, size, style_sizes) if guided else []
    losses, whole = gradient(Objective(encoder, recipe, content, styles, regions), image)
    tiled_losses, tiled = gradient(TiledObjective(encoder, recipe, content, styles, regions, inner=inner), image)
    assert tiled_losses == pytest.approx(losses, rel=1e-9 if dtype == torch.float64 else 1e-4)
    assert float(whole.norm()) > 0
    return float((tiled - whole).norm() / whole.norm())


def regions_of(recipe: Recipe, size: tuple[int, int], style_sizes: tuple[tuple[int, int], ...]) -> list[Region]:
    def slope(height: int, width: int) -> Tensor:
        rows, columns = torch.linspace(-2, 3, height).view(-1, 1), torch.linspace(-1, 1, width)
        return (rows + columns).clamp(0, 1).view(1, 1, height, width)

    guide, style_guides = slope(*size), [slope(*style) for style in style_sizes]
    others = (*(None for _ in style_guides[1:]), 1 - style_guides[-1])
    return [
        Region(name="a", content=guide, styles=tuple(style_guides), statistic=recipe.statistic),
        Region(name="b", content=1 - guide, styles=others, statistic=recipe.statistic, weight=2.0),
    ]


def shallow(**changes: Any) -> Recipe:
    return Recipe(**SHALLOW).replace(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("padding", ["zero", "replicate", "wrap", "wrap-x"])
@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("size", [(47, 63), (64, 96)])
def test_gradient_is_that_of_the_whole_picture(
    padding: str, pooling: str, size: tuple[int, int], picture: Paint
) -> None:
    assert distance(shallow(padding=padding, pooling=pooling), size, 16, picture) < 1e-10


@pytest.mark.parametrize(
    "statistic",
    [("gram",), ("moments",), ("covariance",), ("wasserstein",), ("gram:0.5@conv1_1", "covariance", "moments:2")],
)
@pytest.mark.parametrize("blend", [(), (0.3, 0.7)])
def test_every_mean_statistic_tiles(statistic: tuple[str, ...], blend: tuple[float, ...], picture: Paint) -> None:
    recipe = shallow(statistic=statistic, style_blend=blend)
    style_sizes = ((37, 58), (64, 16))[: len(blend) or 1]
    assert distance(recipe, (47, 63), 16, picture, style_sizes=style_sizes) < 1e-9


@pytest.mark.parametrize("normalization", ["sum", "positions", "mean"])
@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0, None])
def test_content_and_strength(normalization: str, strength: float | None, picture: Paint) -> None:
    mix = {"strength": strength} if strength is not None else {"content_weight": 2.0, "style_weight": 0.5}
    recipe = shallow(content_normalization=normalization, content_layers=("conv2_2", "conv1_2"), **mix)
    assert distance(recipe, (47, 63), 16, picture) < 1e-10


@pytest.mark.parametrize("normalization", ["sum", "mean"])
@pytest.mark.parametrize("padding", ["replicate", "wrap"])
def test_total_variation_alone_tiles(normalization: str, padding: str, picture: Paint) -> None:
    recipe = shallow(tv_weight=3.0, tv_normalization=normalization, padding=padding, strength=None,
                     content_weight=0.0, style_weight=0.0)  # fmt: skip
    assert distance(recipe, (48, 64), 16, picture) < 1e-12


@pytest.mark.parametrize("size", [(47, 63), (64, 96), (75, 61)])
@pytest.mark.parametrize("padding", ["zero", "replicate", "wrap"])
@pytest.mark.parametrize("layers", [("conv1_2", "conv2_1", "conv3_1"), ("conv1_1", "conv3_1"), ("conv2_1", "conv1_1")])
def test_nearest_tiles(size: tuple[int, int], padding: str, layers: tuple[str, ...], picture: Paint) -> None:
    recipe = shallow(statistic=(f"nearest@{'+'.join(layers)}", "gram:0.5"), padding=padding, style_blend=(0.3, 0.7),
                     style_layers=("conv1_1", "conv1_2", "conv2_1", "conv3_1"))  # fmt: skip
    assert distance(recipe, size, 16, picture, style_sizes=((37, 58), (64, 16))) < 1e-9


def test_nearest_draws_the_same_style_vectors_and_matches_anew(
    picture: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.losses.nearest.STYLE_VECTORS", 100)
    monkeypatch.setattr("impasto.losses.nearest.REMATCH", 2)
    monkeypatch.setattr("impasto.tiles.nearest.REMATCH", 2)
    recipe = shallow(statistic=("nearest",))
    encoder = build_encoder(recipe)[0].double()
    content, style = picture(47, 63, seed=1).double(), picture(37, 58, seed=2).double()
    whole = Objective(encoder, recipe, content, [style])
    tiled = TiledObjective(encoder, recipe, content, [style], inner=16)
    for seed in range(3, 8):
        image = picture(47, 63, seed=seed).double()
        expected, found = gradient(whole, image), gradient(tiled, image)
        assert found[0] == pytest.approx(expected[0], rel=1e-9)
        torch.testing.assert_close(found[1], expected[1], atol=1e-12, rtol=1e-9)


def test_all_five_blocks_at_a_size_that_pools_unevenly(picture: Paint) -> None:
    recipe = Recipe(weights="tiny")
    assert distance(recipe, (187, 250), 48, picture, style_sizes=((150, 222),)) < 1e-10
    nearest = recipe.replace(statistic=("nearest", "gram"))
    assert distance(nearest, (187, 250), 48, picture, style_sizes=((150, 222),)) < 1e-9


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_float32_agrees_to_1e_5(pooling: str, picture: Paint) -> None:
    def grainy(height: int, width: int, seed: int) -> Tensor:
        # Where smooth waves have maxima that are equal but for rounding, max pooling's gradient goes either way.
        generator = torch.Generator().manual_seed(seed)
        return 0.8 * picture(height, width, seed) + 0.2 * torch.rand(1, 3, height, width, generator=generator)

    recipe = Recipe(weights="tiny", pooling=pooling, statistic=("gram",))  # type: ignore[arg-type]
    assert distance(recipe, (187, 250), 48, grainy, torch.float32, ((150, 222),)) < 1e-5


@pytest.mark.parametrize("mode", ["simple", "inside", "all"])
@pytest.mark.parametrize(
    "statistic",
    [("gram",), ("moments",), ("covariance",), ("wasserstein",), ("nearest@conv1_2+conv2_1+conv3_1", "gram")],
)
def test_regions_tile(mode: str, statistic: tuple[str, ...], picture: Paint) -> None:
    recipe = shallow(statistic=statistic, style_blend=(0.3, 0.7), guide_mode=mode, guide_dilation=1,
                     style_layers=("conv1_2", "conv2_1", "conv3_1"))  # fmt: skip
    assert distance(recipe, (75, 61), 16, picture, style_sizes=((37, 58), (64, 16)), guided=True) < 1e-9


@pytest.mark.parametrize("layer", ["conv1_1", "conv3_1"])
def test_nearest_tiles_on_the_places_of_another_layer(layer: str, picture: Paint) -> None:
    recipe = shallow(statistic=("nearest@conv1_1+conv2_1+conv3_1",), nearest_layer=layer)
    assert distance(recipe, (75, 61), 32, picture) < 1e-9


def test_proportions_tile(picture: Paint) -> None:
    recipe = shallow(statistic=("covariance", "nearest@conv1_1+conv2_1+conv3_1"), proportions=0.4)
    assert distance(recipe, (75, 61), 32, picture, guided=True) < 1e-9


@pytest.mark.parametrize("statistic", [("gram",), ("nearest",)])
def test_regions_in_float32_agree_to_1e_5(statistic: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    # Cosines rounded to bfloat16 tie, and some processors then rank them otherwise in tiles.
    monkeypatch.setattr("impasto.losses.nearest._cosines", lambda query, lower: query @ lower.to(query).T)

    def grain(height: int, width: int, seed: int) -> Tensor:
        return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))

    recipe = Recipe(weights="tiny", statistic=statistic)
    assert distance(recipe, (187, 250), 48, grain, torch.float32, ((150, 222),), guided=True) < 1e-5


def test_a_margin_too_small_is_not_exact(picture: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = shallow(style_layers=("conv1_1", "conv3_3"), statistic=("gram",))
    assert distance(recipe, (96, 96), 32, picture) < 1e-10
    monkeypatch.setattr(tiles, "margin", lambda layers, network: 16)
    with pytest.raises(AssertionError):
        assert distance(recipe, (96, 96), 32, picture) < 1e-10


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    height=st.integers(16, 90),
    width=st.integers(16, 90),
    inner=st.integers(16, 64),
    padding=st.sampled_from(["zero", "replicate", "wrap", "wrap-x"]),
    layers=st.sets(st.sampled_from(LAYERS[:8]), min_size=1, max_size=3),
)
def test_random_plans(
    height: int, width: int, inner: int, padding: str, layers: set[str], picture: Paint
) -> None:
    recipe = shallow(padding=padding, style_layers=tuple(sorted(layers)), content_layers=(min(layers),))
    assert distance(recipe, (height, width), inner, picture) < 1e-10


@pytest.mark.parametrize("padding", ["replicate", "wrap"])
@pytest.mark.parametrize("statistic", [("gram", "moments"), ("wasserstein",), ("nearest@conv1_1+conv2_1+conv3_1",)])
def test_threads_change_no_bit(padding: str, statistic: tuple[str, ...], picture: Paint) -> None:
    recipe = shallow(statistic=statistic, padding=padding, tv_weight=0.1)
    encoder, size = build_encoder(recipe)[0], (75, 61)
    content, style, image = picture(*size, seed=1), picture(37, 58, seed=2), picture(*size, seed=3)
    regions = regions_of(recipe, size, ((37, 58),))
    protection = Protection(torch.rand(1, 1, *size))
    with running(CPU, None, ""):
        found = [
            gradient(TiledObjective(encoder, recipe, content, [style], regions, protection, inner=16, devices=d), image)
            for d in ((), (CPU, CPU), (CPU, CPU, CPU))
        ]
    for losses, derivative in found[1:]:
        assert losses == found[0][0]
        assert torch.equal(derivative, found[0][1])


def test_what_a_picture_without_terms_gives(picture: Paint) -> None:
    recipe = shallow(strength=None, content_weight=0.0, style_weight=0.0, tv_weight=0.0)
    encoder = build_encoder(recipe)[0]
    losses, derivative = gradient(TiledObjective(encoder, recipe, picture(), [picture()], inner=16), picture())
    assert losses == {"total": 0.0}
    assert float(derivative.abs().sum()) == 0

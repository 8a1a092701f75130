"""Regions: their shares of the style weight, their styles and statistics, and their terms in the objective."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.features.guides import Region
from impasto.features.vgg import Vgg
from impasto.losses.objective import Objective
from impasto.losses.style_regions import list_style_regions
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import STATISTICS

Paint = Callable[..., Tensor]


def left(height: int, width: int, share: float) -> Tensor:
    guide = torch.zeros(1, 1, height, width)
    guide[..., : round(share * width)] = 1
    return guide


def halves(share: float = 0.5, statistic: tuple[str, ...] = ("gram",), **second: Any) -> list[Region]:
    guide, style, whole = left(64, 64, share), left(48, 48, 0.5), torch.ones(1, 1, 40, 40)
    return [
        Region(name="a", content=guide, styles=(style, None), statistic=statistic),
        Region(name="b", content=1 - guide, styles=(1 - style, whole), statistic=statistic, **second),
    ]


def test_shares_are_by_area_times_weight(tiny_encoder: Vgg) -> None:
    regions = list_style_regions(tiny_encoder, Recipe(style_blend=(1.0, 3.0)), halves(0.25, weight=2.0), 2)
    assert [region.share for region in regions] == pytest.approx([0.25, 1.5])
    assert [region.styles for region in regions] == [(0,), (0, 1)]
    assert [region.blend for region in regions] == [(1.0,), (0.25, 0.75)]
    assert [len(region.style_guides) for region in regions] == [1, 2]


def test_a_region_without_weight_is_left_out(tiny_encoder: Vgg) -> None:
    (region,) = list_style_regions(tiny_encoder, Recipe(style_blend=(0.0, 1.0)), halves(weight=0.0), 2)
    assert region.blend == (1.0,)  # no other style could paint it


def test_without_regions_the_picture_is_one_region(tiny_encoder: Vgg) -> None:
    (region,) = list_style_regions(tiny_encoder, Recipe(statistic=("moments",)), (), 2)
    assert (region.share, region.statistic, region.blend, region.guide) == (1.0, ("moments",), (0.5, 0.5), None)


def gradient(objective: Objective, image: Tensor) -> tuple[float, Tensor]:
    leaf = image.clone().requires_grad_()
    total = objective(leaf)["total"]
    (derivative,) = torch.autograd.grad(total, leaf)
    return float(total.detach()), derivative


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_region_of_everything_is_no_region(statistic: str, tiny_encoder: Vgg, picture: Paint) -> None:
    encoder, recipe = tiny_encoder.double(), Recipe(statistic=(statistic,))
    content, image, style = picture(50, 45).double(), picture(50, 45, 1).double(), picture(40, 55, 2).double()
    region = Region(
        name="all", content=torch.ones(1, 1, 50, 45), styles=(torch.ones(1, 1, 40, 55),), statistic=(statistic,)
    )
    expected, derivative = gradient(Objective(encoder, recipe, content, [style]), image)
    found, guided = gradient(Objective(encoder, recipe, content, [style], [region]), image)
    assert found == pytest.approx(expected, rel=1e-5)
    assert float((guided - derivative).norm() / derivative.norm()) < 1e-4


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_region_pulls_only_what_its_positions_see(statistic: str, tiny_encoder: Vgg, picture: Paint) -> None:
    recipe = Recipe(strength=1.0, tv_weight=0.0, style_layers=("conv1_1", "conv2_1"), statistic=(statistic,))
    regions = halves(0.5, (statistic,), weight=0.0)
    styles = [picture(48, 48, 1), picture(40, 40, 2)]
    _, derivative = gradient(Objective(tiny_encoder, recipe, None, styles, regions), picture(64, 64))
    assert float(derivative[..., :32].abs().max()) > 0
    assert float(derivative[..., 32 + 4 :].abs().max()) == 0  # conv2_1 reaches 4 pixels beyond its own square


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_place_is_pulled_as_strongly_whatever_the_size_of_its_region(
    share: float, tiny_encoder: Vgg, picture: Paint
) -> None:
    """Repeated along the picture, so that every region has the same statistics."""
    image, style = picture(64, 8).repeat(1, 1, 1, 20), picture(64, 8, 1).repeat(1, 1, 1, 20)
    recipe = Recipe(strength=1.0, tv_weight=0.0, style_layers=("conv1_1", "conv2_1"), statistic=("gram",))
    guide, whole = left(64, 160, share), torch.ones(1, 1, 64, 160)
    regions = [Region(name="a", content=guide, styles=(whole,)), Region(name="b", content=1 - guide, styles=(whole,))]
    _, plain = gradient(Objective(tiny_encoder, recipe, None, [style]), image)
    _, guided = gradient(Objective(tiny_encoder, recipe, None, [style], regions), image)
    assert float((guided - plain).norm() / plain.norm()) < 0.2


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_region_of_one_position_does_not_outweigh_the_rest(statistic: str, tiny_encoder: Vgg, picture: Paint) -> None:
    """In a network whose features are large: "covariance" is of their fourth power, and 0 for one position."""
    tiny_encoder.get_buffer("conv1_1_kernel").mul_(1000)
    recipe = Recipe(strength=1.0, statistic=(statistic,), style_layers=("conv2_1",))
    dot, line = torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    dot[..., 8:10, 8:10] = 1
    line[..., 15:17] = 1
    regions = [
        Region(name="line", content=line, styles=(dot,), statistic=(statistic,)),
        Region(name="rest", content=1 - line, styles=(1 - dot,), statistic=(statistic,)),
    ]
    content, style = picture(seed=1), picture(seed=2)
    whole, parts = (Objective(tiny_encoder, recipe, content, [style], some)(content)["style"] for some in ((), regions))
    assert float(parts) < float(whole) + 2


def test_each_region_has_its_statistic(tiny_encoder: Vgg, picture: Paint) -> None:
    regions = halves(0.5, ("nearest@conv2_1+conv3_1",))
    regions[0] = Region(name="a", content=regions[0].content, styles=regions[0].styles, statistic=("moments@conv1_1",))
    objective = Objective(tiny_encoder, Recipe(), picture(64, 64), [picture(48, 48, 1), picture(40, 40, 2)], regions)
    names = [term.name for term in objective.terms["style"]]
    assert names == ["moments conv1_1, a", "nearest conv2_1+conv3_1, b", "nearest conv2_1+conv3_1, b"]

"""Proportions: below 1, the parts of a painting that are most like the photograph count more."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.features.guides import Region
from impasto.features.vgg import Vgg
from impasto.losses.proportions import LEAST, find_shares, share_regions
from impasto.recipe.recipe import Recipe

Paint = Callable[..., Tensor]
COLORS = torch.tensor([[0.9, 0.2, 0.1], [0.1, 0.3, 0.9]]).view(2, 3, 1, 1)


def halves(red: float, width: int = 64) -> Tensor:
    """A picture whose left share is red and the rest blue, with a little noise."""
    image = COLORS[1:].repeat(1, 1, 48, width)
    image[..., : round(red * width)] = COLORS[:1]
    return (image + 0.05 * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)


def tiny(**changes: Any) -> Recipe:
    fields = {"weights": "tiny", "size": 48, "steps": 8, "first_scale": 0, **changes}
    return Recipe(**fields)  # type: ignore[arg-type]


def test_at_1_there_are_no_shares(tiny_encoder: Vgg, picture: Paint) -> None:
    assert find_shares(tiny_encoder, tiny(), picture(48, 64), [picture(40, 50)]) == ()
    region = Region(name="a", content=torch.ones(1, 1, 8, 8), styles=(None,))
    assert share_regions(tiny(), [region], ()) == (region,)
    assert share_regions(tiny(), [], ()) == ()


def test_what_is_like_the_photograph_has_larger_shares(tiny_encoder: Vgg) -> None:
    for proportions in (0.9, 0.0):
        (share,) = find_shares(tiny_encoder, tiny(proportions=proportions), halves(0.9), [halves(0.3)])
        assert float(share.min()) > 0.9 * LEAST and float(share.max()) <= 1
        red = round(0.3 * share.shape[-1])
        assert float(share[..., : red - 1].mean()) > 3 * float(share[..., red + 1 :].mean())


@pytest.mark.parametrize("statistic", [("covariance:0.7", "nearest:0.3"), ("gram",), ("wasserstein",)])
def test_a_red_photograph_stays_redder_under_a_blue_painting(statistic: tuple[str, ...]) -> None:
    photograph, painting = halves(0.9), halves(0.3)
    painted = [
        impasto.stylize(photograph, painting, tiny(statistic=statistic, proportions=share)).pastiche
        for share in (1.0, 0.3)
    ]
    warmth = [float((picture[:, 0] - picture[:, 2]).mean()) for picture in painted]
    assert warmth[1] > warmth[0] + 0.1


def test_masks_keep_their_parts(tiny_encoder: Vgg) -> None:
    recipe, style = tiny(proportions=0.5), halves(0.3)
    shares = find_shares(tiny_encoder, recipe, halves(0.9), [style])
    guide = torch.zeros(1, 1, 48, 64)
    guide[..., 32:] = 1
    whole = torch.ones(1, 1, 48, 64)
    regions = [Region(name="a", content=whole, styles=(guide,)), Region(name="b", content=guide, styles=(None,))]
    found = share_regions(recipe, regions, shares)
    assert [region.name for region in found] == ["a", "b"]
    assert found[0].styles[0] is not None and float(found[0].styles[0][..., :32].max()) == 0
    assert float(found[0].styles[0][..., 33:].min()) > 0
    assert found[1].styles == (None,)


def test_textures_know_none(picture: Paint) -> None:
    sample = tiny(size=(24, 24), init="noise")
    textures = [impasto.synthesize_texture(picture(), recipe=sample.replace(proportions=p)) for p in (1.0, 0.2)]
    assert torch.equal(textures[0].pastiche, textures[1].pastiche)


def test_compare_judges_by_the_same_shares() -> None:
    recipe = tiny(proportions=0.3, recolor=0.0, tv_weight=0.0)
    photograph, painting = halves(0.9), halves(0.3)
    result = impasto.stylize(photograph, painting, recipe)
    # The picture that was painted with these shares is nearer to them than to the whole painting.
    own, whole = (
        impasto.compare(photograph, painting, result, recipe=replace(recipe, proportions=share)).total
        for share in (0.3, 1.0)
    )
    assert own < whole

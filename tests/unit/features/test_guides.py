"""Guides reach a layer as the network sees: probed with pictures that differ inside or outside the region."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.features.guides import MODES, Region, carry_guide, resize_guide
from impasto.features.vgg import Vgg
from impasto.recipe.words import GUIDE_MODES

Paint = Callable[..., Tensor]

LAYERS = ("conv1_1", "conv2_2", "conv3_1", "conv4_2")


def disk(height: int, width: int) -> Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return ((y - height / 2) ** 2 + (x - width / 2) ** 2 < (0.45 * height) ** 2).float()[None, None]


def differs(encoder: Vgg, one: Tensor, other: Tensor, layer: str) -> Tensor:
    """Positions of a layer that distinguish two pictures: (1, 1, h, w) of bools."""
    a, b = (encoder(image.double(), (layer,))[layer] for image in (one, other))
    return ((a - b).abs() > 0).any(dim=1, keepdim=True)


@pytest.mark.parametrize("layer", LAYERS)
def test_inside_sees_nothing_but_the_region(layer: str, tiny_encoder: Vgg) -> None:
    encoder, guide = tiny_encoder.double(), disk(163, 170)
    image = torch.rand(1, 3, 163, 170)
    outside = torch.where(guide > 0, image, torch.rand(1, 3, 163, 170))
    carried = MODES["inside"](guide, encoder, layer) > 0
    assert bool(carried.any()) and not bool((carried & differs(encoder, image, outside, layer)).any())
    simple = MODES["simple"](guide, encoder, layer) > 0
    assert bool((simple & differs(encoder, image, outside, layer)).any())


@pytest.mark.parametrize("layer", LAYERS)
def test_all_is_whatever_sees_the_region(layer: str, tiny_encoder: Vgg) -> None:
    encoder, guide = tiny_encoder.double(), disk(163, 170)
    image = torch.rand(1, 3, 163, 170)
    inside = torch.where(guide > 0, torch.rand(1, 3, 163, 170), image)
    carried, seen = MODES["all"](guide, encoder, layer) > 0, differs(encoder, image, inside, layer)
    assert not bool((seen & ~carried).any())
    assert float(seen.sum() / carried.sum()) > 0.9  # a ReLU or a maximum hides some


def test_modes_are_those_of_the_recipe_and_are_nested(tiny_encoder: Vgg) -> None:
    assert set(MODES) == set(GUIDE_MODES)
    guide = resize_guide(disk(80, 80), (100, 120))
    for layer in LAYERS:
        inside, simple, every = (MODES[mode](guide, tiny_encoder, layer) for mode in ("inside", "simple", "all"))
        assert bool((inside <= simple + 1e-6).all()) and bool((simple <= every + 1e-6).all())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dilation", [-1, 0, 2])
def test_weights_sum_to_one_in_every_layer(mode: str, dilation: int, tiny_encoder: Vgg) -> None:
    for guide in (disk(40, 52), torch.zeros(1, 1, 40, 52).index_fill_(2, torch.tensor([39]), 1.0)):
        carried = carry_guide(guide, tiny_encoder, (*LAYERS, "conv5_1"), mode, dilation)
        for layer, weights in carried.items():
            assert weights.shape[2:] == MODES["simple"](guide, tiny_encoder, layer).shape[2:]
            assert float(weights.sum()) == pytest.approx(1, abs=1e-5) and float(weights.min()) >= 0


def test_a_layer_without_a_position_inside_takes_simple(tiny_encoder: Vgg) -> None:
    guide = disk(48, 48)
    inside = carry_guide(guide, tiny_encoder, ("conv1_1", "conv4_2"), "inside", 0)
    simple = carry_guide(guide, tiny_encoder, ("conv1_1", "conv4_2"), "simple", 0)
    assert torch.equal(inside["conv4_2"], simple["conv4_2"])
    assert not torch.equal(inside["conv1_1"], simple["conv1_1"])


def test_dilation_counts_positions(tiny_encoder: Vgg) -> None:
    guide = torch.zeros(1, 1, 64, 64)
    guide[..., 16:32, 16:32] = 1
    for dilation, side in ((-1, 2), (0, 4), (2, 8)):
        weights = carry_guide(guide, tiny_encoder, ("conv3_1",), "simple", dilation)["conv3_1"]
        assert int((weights > 0).sum()) == side**2


def test_resizing_keeps_areas_and_range() -> None:
    guide = disk(200, 300)
    for size in ((50, 75), (37, 61), (320, 480)):
        smaller = resize_guide(guide, size)
        assert float(smaller.mean()) == pytest.approx(float(guide.mean()), rel=0.02)
        assert float(smaller.min()) >= 0 and float(smaller.max()) <= 1
    region = Region(name="a", content=guide, styles=(guide, None)).resized((50, 75), [(20, 30), (9, 9)])
    assert region.content.shape == (1, 1, 50, 75)
    assert region.styles[0] is not None and region.styles[0].shape == (1, 1, 20, 30) and region.styles[1] is None

"""How far features see: derived numbers against a pixel that is changed."""

from collections.abc import Callable

import pytest
from torch import Tensor

from impasto.features.receptive_field import GRID, margin, reach, stride_of
from impasto.features.vgg import Vgg
from impasto.recipe.words import LAYERS

Paint = Callable[..., Tensor]


@pytest.mark.parametrize(("layer", "pixels"), [("conv1_1", 1), ("conv4_2", 38), ("conv5_1", 70), ("conv5_4", 118)])
def test_reach_is_the_sum_of_the_strides(layer: str, pixels: int) -> None:
    assert reach(layer) == pixels


def test_margin_is_the_deepest_reach_on_the_grid() -> None:
    assert [margin([layer]) for layer in ("conv1_1", "conv4_2", "conv5_1", "conv5_4")] == [16, 48, 80, 128]
    assert margin(["conv5_1", "conv1_1"]) == 80
    assert margin([]) == 0


def test_a_shallower_network_sees_less() -> None:
    vgg16 = [layer for layer in LAYERS if not layer.endswith("_4")]
    assert reach("conv5_1", vgg16) == 70 - 4 - 8


@pytest.mark.parametrize("layer", ["conv1_2", "conv2_2", "conv3_4", "conv4_2"])
def test_a_changed_pixel_is_seen_as_far_as_the_reach_and_no_farther(
    layer: str, tiny_encoder: Vgg, picture: Paint
) -> None:
    """The pixel just before a tile's edge, at every place of the grid, on every side of it."""
    encoder = tiny_encoder.double()
    encoder.pooling = "average"  # which lets every pixel through
    for name, buffer in encoder.named_buffers():
        if name.endswith("kernel"):
            buffer.abs_()  # no ReLU hides a change
    stride = stride_of(layer)
    image = picture(16, 160).double()
    whole = encoder(image, [layer])[layer]
    before, after = [], []
    for pixel in range(80, 80 + GRID):
        changed = image.clone()
        changed[..., pixel] += 0.5
        different = (encoder(changed, [layer])[layer] != whole).any(dim=2).any(dim=1)[0].nonzero().flatten()
        before.append(pixel - (int(different[0]) * stride + stride - 1))
        after.append(int(different[-1]) * stride - pixel)
    assert max(before) == max(after) == reach(layer)

"""The VGG family: layers by architecture, and that tiles and memory follow from the network at hand."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.cost.footprint import forward_bytes, graph_bytes
from impasto.errors import WeightsError
from impasto.features.architecture import DEPTHS, check_layers_complete, find_architecture, layers_of, width_of
from impasto.features.receptive_field import margin, reach
from impasto.features.tiling import cut_tiles
from impasto.features.vgg import Vgg
from impasto.features.weights import TINY, load_weights
from impasto.recipe.words import LAYERS


def encoder_of(architecture: str) -> Vgg:
    """The tiny network with the layers that an architecture has, where their channels fit each other."""
    tiny = load_weights("tiny").layers
    layers, channels = {}, 3
    for name in layers_of(architecture):
        kernel, bias = tiny[name]
        repeats = -(-channels // kernel.shape[1])
        layers[name] = kernel.repeat(1, repeats, 1, 1)[:, :channels], bias + 0.1
        channels = len(bias)
    return Vgg(layers, TINY.preprocessing, padding="replicate").double()


def test_layers_are_the_publications() -> None:
    assert {name: len(layers_of(name)) for name in DEPTHS} == {"vgg11": 8, "vgg13": 10, "vgg16": 13, "vgg19": 16}
    assert layers_of("vgg19") == LAYERS
    assert layers_of("vgg11")[:4] == ("conv1_1", "conv2_1", "conv3_1", "conv3_2")
    assert all(find_architecture(layers_of(name)) == name for name in DEPTHS)
    assert find_architecture(["conv6_1"]) == ""
    assert width_of(load_weights("tiny").layers) == 1 / 16


@pytest.mark.parametrize("architecture", DEPTHS)
def test_tiles_are_exact_in_every_architecture(architecture: str, picture: Callable[..., Tensor]) -> None:
    encoder, layers = encoder_of(architecture), ("conv2_1", "conv4_1")
    image = picture(64, 96).double()
    whole = encoder(image, layers)
    around = margin(layers, encoder.layer_names)
    assert around <= margin(layers)
    for tile in cut_tiles((64, 96), 32, around, "replicate"):
        for name, features in encoder(tile.cut(image), layers).items():
            stride = 8 if name == "conv4_1" else 2
            expected = whole[name][:, :, tile.rows.positions(stride), tile.columns.positions(stride)]
            torch.testing.assert_close(tile.inner(features, name), expected, atol=1e-12, rtol=1e-12)


def test_a_smaller_network_sees_less_and_takes_less() -> None:
    encoders = [encoder_of(name) for name in DEPTHS]
    for measure in (forward_bytes, graph_bytes):
        sizes = [measure(encoder, ["conv5_1"]) for encoder in encoders]
        assert sizes == sorted(sizes) and sizes[0] < sizes[-1]
    reaches = [reach("conv5_1", encoder.layer_names) for encoder in encoders]
    # conv1_1, conv2_1, conv3_1, conv3_2, conv4_1, conv4_2, conv5_1: 1 + 2 + 4 + 4 + 8 + 8 + 16.
    assert reaches == [43, 46, 58, 70]


@pytest.mark.parametrize(
    ("names", "architecture", "expected"),
    [
        ([], "", "holds no layer such as conv1_1"),
        (["fc6"], "", "holds no layer such as conv1_1"),
        (["conv1_1", "conv6_1"], "", r"is no VGG \(conv6_1\)"),
        (["conv1_1"], "resnet", r"is no VGG \('resnet'\)"),
        (layers_of("vgg13")[:-1], "", "lacks conv5_2; expected the 10 convolutions of vgg13"),
        (layers_of("vgg13"), "vgg11", "has conv1_2, conv2_2 too; expected the 8 convolutions of vgg11"),
    ],
)
def test_an_incomplete_network_is_refused(names: list[str], architecture: str, expected: str) -> None:
    with pytest.raises(WeightsError, match=expected):
        check_layers_complete("it", names, architecture)

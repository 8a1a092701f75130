"""The encoder: names, sizes, pooling, padding, and that it computes no more than it must."""

import pytest
import torch
from torch.nn import functional

from impasto.errors import RecipeError
from impasto.features.encoder import build_encoder
from impasto.features.vgg import Vgg, check_layers, smallest_side, sort_layers
from impasto.features.weights import load_weights
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import LAYERS


def test_layers_come_in_the_networks_order_at_their_sizes(tiny_encoder: Vgg) -> None:
    features = tiny_encoder(torch.rand(2, 3, 35, 50), ("conv5_1", "conv1_1", "conv3_4"))
    assert list(features) == ["conv1_1", "conv3_4", "conv5_1"]
    assert [tuple(f.shape) for f in features.values()] == [(2, 4, 35, 50), (2, 12, 8, 12), (2, 20, 2, 3)]


@pytest.mark.parametrize(("pooling", "padding"), [("max", "zero"), ("average", "replicate")])
def test_second_block_is_what_torch_says(pooling: str, padding: str) -> None:
    weights = load_weights("tiny")
    recipe = Recipe(weights="tiny").replace(pooling=pooling, padding=padding)
    image = torch.rand(1, 3, 12, 14)
    x = weights.record.preprocessing.apply(image)
    pool = torch.nn.MaxPool2d(2) if pooling == "max" else torch.nn.AvgPool2d(2)
    mode = "constant" if padding == "zero" else "replicate"
    for name in ("conv1_1", "conv1_2", "pool", "conv2_1"):
        if name == "pool":
            x = pool(x)
        else:
            kernel, bias = weights.layers[name]
            x = functional.relu(functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode=mode), kernel, bias))
    torch.testing.assert_close(build_encoder(recipe)[0](image, ["conv2_1"])["conv2_1"], x)


def test_nothing_is_computed_beyond_the_deepest_layer(tiny_encoder: Vgg) -> None:
    tiny_encoder.get_buffer("conv2_2_kernel").fill_(float("nan"))
    assert torch.isfinite(tiny_encoder(torch.rand(1, 3, 16, 16), ["conv2_1"])["conv2_1"]).all()
    assert torch.isnan(tiny_encoder(torch.rand(1, 3, 16, 16), ["conv2_2"])["conv2_2"]).any()


def test_weights_get_no_gradient(tiny_encoder: Vgg) -> None:
    assert list(tiny_encoder.parameters()) == []
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    tiny_encoder(image, ["conv2_1"])["conv2_1"].sum().backward()
    assert image.grad is not None
    assert all(buffer.grad is None and not buffer.requires_grad for buffer in tiny_encoder.buffers())


def test_batch_is_its_images_one_by_one(tiny_encoder: Vgg) -> None:
    images = torch.rand(3, 3, 20, 24)
    together = tiny_encoder(images, ["conv4_2"])["conv4_2"]
    singles = torch.cat([tiny_encoder(images[i : i + 1], ["conv4_2"])["conv4_2"] for i in range(3)])
    torch.testing.assert_close(together, singles)


def test_float64_is_kept(tiny_encoder: Vgg) -> None:
    assert tiny_encoder.double()(torch.rand(1, 3, 16, 16).double(), ["conv5_4"])["conv5_4"].dtype == torch.float64


def test_smallest_side_leaves_one_position(tiny_encoder: Vgg) -> None:
    for layer in LAYERS:
        side = smallest_side([layer])
        assert min(tiny_encoder(torch.rand(1, 3, side, side), [layer])[layer].shape[-2:]) == 1


def test_missing_layer_is_named(tiny_encoder: Vgg) -> None:
    with pytest.raises(RecipeError, match="layer 'conv6_1'"):
        check_layers(tiny_encoder, ["conv6_1"])


def test_layers_sort_shallow_to_deep() -> None:
    assert sort_layers(["conv4_2", "conv1_1", "conv4_2"]) == ("conv1_1", "conv4_2")


def rolled_features(padding: str, dim: int) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Features of an image rolled by 16 pixels, and its features rolled as far."""
    encoder = build_encoder(Recipe(weights="tiny", padding=padding))[0]  # type: ignore[arg-type]
    image = torch.rand(1, 3, 48, 64)
    layers = ("conv1_2", "conv3_1", "conv5_1")
    straight = encoder(image, layers)
    rolled = {name: F.roll(16 >> (int(name[4]) - 1), dim) for name, F in straight.items()}
    return encoder(image.roll(16, dim), layers), rolled


@pytest.mark.parametrize(("padding", "dim"), [("wrap", 2), ("wrap", 3), ("wrap-x", 3)])
def test_wrapping_rolls_the_features_with_the_image(padding: str, dim: int) -> None:
    for F, expected in zip(*(features.values() for features in rolled_features(padding, dim)), strict=True):
        torch.testing.assert_close(F, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("padding", "dim"), [("wrap-x", 2), ("zero", 3), ("replicate", 2), ("replicate", 3)])
def test_what_does_not_wrap_does_not_roll(padding: str, dim: int) -> None:
    for F, expected in zip(*(features.values() for features in rolled_features(padding, dim)), strict=True):
        assert float((F - expected).abs().max()) > 0.01 * float(F.abs().max())

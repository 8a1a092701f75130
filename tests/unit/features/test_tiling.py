"""Tiles: their inner parts partition every layer's features, and these are the features of the whole picture."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.features.receptive_field import GRID, margin, stride_of
from impasto.features.tiling import cut_tiles, largest_tile
from impasto.features.vgg import Padding, Vgg
from impasto.recipe.words import LAYERS

Paint = Callable[..., Tensor]

SIZES = [(47, 63), (64, 80), (16, 97), (375, 500), (33, 200), (21, 18)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("inner", [16, 40, 128])
@pytest.mark.parametrize("padding", ["zero", "wrap", "wrap-x"])
def test_inner_parts_partition_the_features_of_every_layer(size: tuple[int, int], inner: int, padding: str) -> None:
    tiles = cut_tiles(size, inner, 80, padding)
    assert len({tile.corner for tile in tiles}) == len(tiles)
    for layer in LAYERS:
        stride = stride_of(layer)
        seen = torch.zeros(size[0] // stride, size[1] // stride, dtype=torch.int64)
        for tile in tiles:
            seen[tile.rows.positions(stride), tile.columns.positions(stride)] += 1
        assert bool((seen == 1).all())
        assert sum(tile.share(layer) for tile in tiles) == pytest.approx(1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("inner", [16, 40, 128])
def test_a_tile_is_about_as_large_as_asked(size: tuple[int, int], inner: int) -> None:
    for tile in cut_tiles(size, inner, 32, "zero"):
        for span in (tile.rows, tile.columns):
            assert span.stop - span.start < inner + 2 * GRID
            assert span.low % GRID == 0
    pixels = [(t.rows.high - t.rows.low) * (t.columns.high - t.columns.low) for t in cut_tiles(size, inner, 32, "wrap")]
    assert largest_tile(size, inner, 32, "wrap") == max(pixels)


@pytest.mark.parametrize("padding", ["zero", "replicate", "wrap", "wrap-x"])
@pytest.mark.parametrize("size", [(47, 63), (64, 96)])
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_features_of_the_inner_part_are_those_of_the_whole(
    padding: Padding, size: tuple[int, int], pooling: str, tiny_encoder: Vgg, picture: Paint
) -> None:
    encoder = tiny_encoder.double()
    encoder.padding, encoder.pooling = padding, pooling  # type: ignore[assignment]
    image, layers = picture(*size).double(), ("conv1_2", "conv2_1", "conv3_2")
    whole = encoder(image, layers)
    for tile in cut_tiles(size, 16, margin(layers), padding):
        for layer, features in encoder(tile.cut(image), layers).items():
            stride = stride_of(layer)
            expected = whole[layer][:, :, tile.rows.positions(stride), tile.columns.positions(stride)]
            torch.testing.assert_close(tile.inner(features, layer), expected, atol=1e-12, rtol=1e-12)


def test_the_inner_part_and_its_gradient_lie_as_features_do() -> None:
    tile = cut_tiles((64, 96), 32, 16, "zero")[1]
    features = torch.rand(1, 8, 24, 32, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    features.requires_grad_()
    inner = tile.inner(features, "conv2_1")
    assert inner.is_contiguous(memory_format=torch.channels_last)
    (gradient,) = torch.autograd.grad(inner.square().sum(), features)
    assert gradient.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(gradient[:, :, :16, 8:24], 2 * inner)
    assert int(gradient.count_nonzero()) == inner.numel()
    assert torch.autograd.gradcheck(lambda x: tile.inner(x, "conv2_1"), features)


def test_a_margin_too_small_gives_other_features(tiny_encoder: Vgg, picture: Paint) -> None:
    encoder = tiny_encoder.double()
    image, layers = picture(96, 96).double(), ("conv4_1",)
    whole = encoder(image, layers)["conv4_1"]

    def worst(around: int) -> float:
        differences = [
            (tile.inner(encoder(tile.cut(image), layers)["conv4_1"], "conv4_1") - expected).abs().max()
            for tile in cut_tiles((96, 96), 32, around, "zero")
            for expected in [whole[:, :, tile.rows.positions(8), tile.columns.positions(8)]]
        ]
        return float(torch.stack(differences).max())

    assert margin(layers) == 32
    assert worst(32) < 1e-12 < 1e-3 < worst(16)


@pytest.mark.parametrize("padding", ["zero", "wrap"])
def test_adding_is_the_transpose_of_cutting(padding: str, picture: Paint) -> None:
    image, other = picture(48, 64).double(), picture(48, 64, seed=1).double()
    for tile in cut_tiles((48, 64), 16, 64, padding):
        added = torch.zeros_like(other)
        tile.add(added, tile.cut(image))
        assert float((added * other).sum()) == pytest.approx(float((tile.cut(image) * tile.cut(other)).sum()))

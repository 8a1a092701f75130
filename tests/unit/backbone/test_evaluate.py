"""Evaluation: counts that can be checked by hand, the file in between, and the picture of mistakes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from impasto.backbone.confusion import draw_confusion
from impasto.backbone.data import Batch
from impasto.backbone.evaluate import evaluate, evaluate_network, most_confused
from impasto.backbone.export import read_backbone, to_backbone, to_network
from impasto.backbone.network import Architecture, Network
from impasto.backbone.store import About
from impasto.errors import DataSetError, WeightsError
from impasto.features.weights import Weights, write_safetensors
from impasto.training.card import Card

MIXED_BLUE = tuple(round(255 + (channel - 255) * 0.6**0.5) for channel in (27, 108, 168))
MIXED_RED = tuple(round(255 + (channel - 255) * 0.4**0.5) for channel in (200, 85, 61))


class Fixed(nn.Module):
    """Returns the first pixels' values as scores of six classes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0, 0, :6]


def scored(scores: list[list[int]], labels: list[int]) -> Batch:
    pixels = torch.zeros(len(labels), 3, 6, 6, dtype=torch.uint8)
    pixels[:, 0, 0] = torch.tensor(scores, dtype=torch.uint8)
    count = len(labels)
    return Batch(pixels, torch.tensor(labels), torch.ones(count, 3), torch.zeros(count, 3))


def test_shares_are_counted() -> None:
    batches = [scored([[9, 5, 4, 3, 2, 1], [9, 5, 4, 3, 2, 1]], [0, 4]), scored([[9, 5, 4, 3, 2, 1]], [5])]
    found = evaluate_network(Fixed(), batches, classes=6, mean=[0, 0, 0], std=[1, 1, 1], device=torch.device("cpu"))
    assert (found.pictures, found.top_1_share, found.top_5_share) == (3, 1 / 3, 2 / 3)
    assert found.confusion[4, 0] == found.confusion[5, 0] == found.confusion[0, 0] == 1
    scores = torch.tensor([[9, 5, 4, 3, 2, 1]] * 3) / 255
    assert found.loss == pytest.approx(float(nn.functional.cross_entropy(scores, torch.tensor([0, 4, 5]))))
    assert most_confused(found, "abcdef") == [("e", "a", 1), ("f", "a", 1)]


@pytest.fixture
def backbone() -> Weights:
    architecture = Architecture(arch="vgg11", width=0.05, batch_norm=True, classifier="average", classes=3, crop=32)
    network = Network(architecture)
    network.initialize("kaiming", torch.Generator().manual_seed(0))
    about = About(
        size=40,
        kind="raw",
        classes=("ash", "birch", "cedar"),
        mean=(0.1, 0.2, 0.3),
        std=(0.4, 0.5, 0.6),
        **{name: np.zeros(0, np.int64) for name in ("train", "validation", "labels")},
    )
    recipe = {"preset": "modern", "epochs": 3, "augment": False}
    return to_backbone(network, about, Card(recipe=recipe, data=about.describe(), precision="float32"), "CC0")


def test_a_file_keeps_each_bit(backbone: Weights, tmp_path: Path) -> None:
    write_safetensors(backbone, tmp_path / "b.safetensors")
    found = read_backbone(tmp_path / "b.safetensors")
    assert found.to_metadata() == {**backbone.to_metadata(), "source": "b.safetensors"}
    assert next(iter(found.layers)) == "conv1_1" and list(found.classifier) == ["fc8"]
    for name, tensors in (backbone.layers | backbone.classifier).items():
        assert all(map(torch.equal, (found.layers | found.classifier)[name], tensors))
    assert found.record.preprocessing.std == (0.4, 0.5, 0.6)
    assert found.record.width == 0.05


def test_a_file_that_is_no_backbone_is_refused(backbone: Weights, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    with pytest.raises(WeightsError, match="does not exist; expected a file or the folder of a run"):
        read_backbone(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("text")
    with pytest.raises(WeightsError, match="is damaged"):
        read_backbone(tmp_path / "text.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="is of format None; expected 'impasto-backbone-1'"):
        read_backbone(tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="no classifier"):
        to_network(replace(backbone, classifier={}))
    kernel, bias = backbone.classifier["fc8"]
    write_safetensors(replace(backbone, classifier={"fc8": (kernel * torch.nan, bias)}), tmp_path / "nan.safetensors")
    with pytest.raises(WeightsError, match="NaN"):
        read_backbone(tmp_path / "nan.safetensors")
    with pytest.raises(WeightsError, match="does not fit vgg11 of width 0.05"):
        to_network(replace(backbone, layers={**backbone.layers, "conv5_2": (torch.zeros(2, 2, 3, 3), torch.zeros(2))}))


def test_held_out_pictures_are_evaluated(backbone: Weights, data: Path) -> None:
    found = evaluate(backbone, data, device="cpu", threads=1, workers=0)
    assert found.pictures == 3
    assert found.confusion.sum(dim=1).tolist() == [1, 1, 1]
    assert found.top_5_share == 1


def test_other_classes_are_refused(backbone: Weights, data: Path) -> None:
    other = replace(backbone, record=replace(backbone.record, classes=("ash", "birch", "yew")))
    with pytest.raises(DataSetError, match="only one of them has cedar, yew"):
        evaluate(other, data, device="cpu", workers=0)


def test_the_table_of_mistakes_is_drawn(tmp_path: Path) -> None:
    draw_confusion(torch.tensor([[5, 0], [2, 3]]), ["dots", "rings"], tmp_path / "confusion.png")
    with Image.open(tmp_path / "confusion.png") as picture:
        pixels = [[picture.getpixel((picture.width - x, picture.height - y)) for x in (40, 14)] for y in (40, 14)]
    assert pixels == [[(27, 108, 168), (255, 255, 255)], [MIXED_RED, MIXED_BLUE]]
    many = torch.eye(300, dtype=torch.int64)
    draw_confusion(many, [str(index) for index in range(300)], tmp_path / "many.png")
    with Image.open(tmp_path / "many.png") as picture:
        assert max(picture.size) < 2000

"""The networks that can be trained: VGG-11 to VGG-19 of any width, with their classifier."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto.features.architecture import DEPTHS
from impasto.features.vgg import block_of

CHANNELS = (64, 128, 256, 512, 512)
HIDDEN = 4096

Classifier = Literal["vgg", "average"]
Init = Literal["gaussian", "kaiming"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a network is built from.

    width: what all channel counts are multiplied by. classes: how many. crop: edge of the square input in pixels.
    classifier: "vgg" is fc6, fc7, fc8 on the last pooling; "average" is fc8 alone on its mean over positions.
    """

    arch: str
    width: float
    batch_norm: bool
    classifier: Classifier
    classes: int
    crop: int

    def convolutions(self) -> dict[str, tuple[int, int]]:
        """Channels in and out of each convolution by its name, shallow to deep."""
        found, before = {}, 3
        for block, (depth, channels) in enumerate(zip(DEPTHS[self.arch], CHANNELS, strict=True), 1):
            for index in range(1, depth + 1):
                found[f"conv{block}_{index}"] = (before, self.scaled(channels))
                before = self.scaled(channels)
        return found

    def scaled(self, channels: int) -> int:
        """A channel count at this width, at least 1."""
        return max(1, round(channels * self.width))


def draw_masks(architecture: Architecture, count: int, dropout: float, generator: torch.Generator) -> Tensor | None:
    """Masks (count, 2, hidden) of 0 and 1 / (1 - dropout) for `Network.forward`; None where nothing is dropped."""
    if dropout == 0 or architecture.classifier == "average":
        return None
    drawn = torch.rand(count, 2, architecture.scaled(HIDDEN), generator=generator)
    return (drawn >= dropout).float() / (1 - dropout)


class Network(nn.Module):
    """A VGG with its classifier: convolutions by the paper's names, `bn1_1` where normalized, `fc6`, `fc7`, `fc8`."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.convolutions = nn.ModuleDict()
        self.norms = nn.ModuleDict()
        for name, (before, after) in architecture.convolutions().items():
            self.convolutions[name] = nn.Conv2d(before, after, 3, padding=1)
            if architecture.batch_norm:
                self.norms[name] = nn.BatchNorm2d(after)
        last = architecture.scaled(CHANNELS[-1])
        self.classifier = nn.ModuleDict()
        if architecture.classifier == "vgg":
            hidden = architecture.scaled(HIDDEN)
            self.classifier["fc6"] = nn.Linear(last * (architecture.crop // 32) ** 2, hidden)
            self.classifier["fc7"] = nn.Linear(hidden, hidden)
            last = hidden
        self.classifier["fc8"] = nn.Linear(last, architecture.classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, masks: Tensor | None = None) -> Tensor:
        """x: (B, 3, crop, crop), the normalized input. Returns (B, classes), to be softmaxed.

        masks: (B, 2, hidden), what the outputs of fc6 and fc7 are multiplied by: the dropout.
        """
        x, block = x.contiguous(memory_format=torch.channels_last), "1"
        for name, convolution in self.convolutions.items():
            if block_of(name) != block:
                block, x = block_of(name), functional.max_pool2d(x, 2)
            x = convolution(x)
            x = functional.relu(self.norms[name](x) if name in self.norms else x)
        x = functional.max_pool2d(x, 2)
        x = x.mean(dim=(2, 3)) if self.architecture.classifier == "average" else x.flatten(1)
        for index, name in enumerate(("fc6", "fc7")):
            if name in self.classifier:
                x = functional.relu(self.classifier[name](x))
                x = x if masks is None else x * masks[:, index]
        return self.classifier["fc8"](x)  # type: ignore[no-any-return]

    @torch.no_grad()
    def initialize(self, init: Init, generator: torch.Generator) -> None:
        """Draws the first weights; biases are 0.

        gaussian: variance 2 / (fan in + fan out) of Glorot and Bengio 2010, which the VGG paper recommends for training
        without pretraining (section 3.1). kaiming: 2 / fan in (He et al. 2015, arXiv 1502.01852).
        The last layer's is a hundredth of it, so that all classes begin equal.
        """
        for name, layer in [*self.convolutions.items(), *self.classifier.items()]:
            assert isinstance(layer, nn.Conv2d | nn.Linear)
            area = layer.weight[0, 0].numel()
            fan_in, fan_out = layer.weight.shape[1] * area, layer.weight.shape[0] * area
            variance = 2 / fan_in if init == "kaiming" else 2 / (fan_in + fan_out)
            if name == "fc8":
                variance /= 100
            drawn = torch.randn(layer.weight.shape, generator=generator) * variance**0.5
            layer.weight.copy_(drawn)
            assert layer.bias is not None
            layer.bias.zero_()

    def folded(self) -> "OrderedDict[str, Tensor]":
        """The weights by name (`conv1_1.weight`, `fc8.bias`, ...), each batch norm merged into its convolution."""
        tensors: OrderedDict[str, Tensor] = OrderedDict()
        for name, layer in self.convolutions.items():
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            weight, bias = layer.weight.detach(), layer.bias.detach()
            if name in self.norms:
                norm = self.norms[name]
                assert isinstance(norm, nn.BatchNorm2d)
                assert norm.running_mean is not None
                assert norm.running_var is not None
                gain = norm.weight.detach() / (norm.running_var + norm.eps).sqrt()
                weight = weight * gain.view(-1, 1, 1, 1)
                bias = (bias - norm.running_mean) * gain + norm.bias.detach()
            tensors[f"{name}.weight"], tensors[f"{name}.bias"] = weight, bias
        for name, layer in self.classifier.items():
            assert isinstance(layer, nn.Linear)
            tensors[f"{name}.weight"], tensors[f"{name}.bias"] = layer.weight.detach(), layer.bias.detach()
        return OrderedDict((name, tensor.cpu().clone().contiguous()) for name, tensor in tensors.items())

    @torch.no_grad()
    def load_folded(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes the weights that `folded` gave; for a network without batch norm."""
        for name, layer in [*self.convolutions.items(), *self.classifier.items()]:
            layer.weight.copy_(tensors[f"{name}.weight"])  # type: ignore[operator]
            layer.bias.copy_(tensors[f"{name}.bias"])  # type: ignore[operator]

"""The networks to train: VGG-11 to VGG-19 of any width, with their classifier."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto.features.architecture import Layers, in_order, layers_of
from impasto.features.vgg import block_of

CHANNELS = (64, 128, 256, 512, 512)
HIDDEN = 4096

Classifier = Literal["vgg", "average"]
Init = Literal["gaussian", "kaiming"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The parameters of a network.

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
        """Return channels in and out of each convolution by its name, shallow to deep."""
        names = layers_of(self.arch)
        after = [self.scaled(CHANNELS[int(block_of(name)) - 1]) for name in names]
        return dict(zip(names, pairwise([3, *after]), strict=True))

    def scaled(self, channels: int) -> int:
        """Return a channel count at this width, at least 1."""
        return max(1, round(channels * self.width))


def draw_masks(architecture: Architecture, count: int, dropout: float, generator: torch.Generator) -> Tensor | None:
    """Draw masks (count, 2, hidden) of 0 and 1 / (1 - dropout) for `Network.forward`; None without dropout."""
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
        """Return a score of each class, (B, classes), to be softmaxed.

        x: (B, 3, crop, crop), the normalized input.
        masks: (B, 2, hidden), factors of the outputs of fc6 and fc7: the dropout.
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
        """Draw the initial weights; biases are 0.

        gaussian: variance 2 / (fan in + fan out) of Glorot and Bengio 2010, which the VGG paper recommends for training
        without pretraining (section 3.1). kaiming: 2 / fan in (He et al. 2015, arXiv 1502.01852).
        The last layer's is a hundredth of it, so that all classes begin equal.
        """
        for name, (weight, bias) in self._layers().items():
            area = weight[0, 0].numel()
            fan_in, fan_out = weight.shape[1] * area, weight.shape[0] * area
            variance = 2 / fan_in if init == "kaiming" else 2 / (fan_in + fan_out)
            if name == "fc8":
                variance /= 100
            weight.copy_(torch.randn(weight.shape, generator=generator) * variance**0.5)
            bias.zero_()

    def folded(self) -> tuple[Layers, Layers]:
        """Return convolutions and classifier by name, each batch norm merged into its convolution, on the CPU."""
        layers = self._layers()
        for name, norm in self.norms.items():
            assert isinstance(norm, nn.BatchNorm2d)
            weight, bias = layers[name]
            gain = norm.weight / (norm.get_buffer("running_var") + norm.eps).sqrt()
            merged = (bias - norm.get_buffer("running_mean")) * gain + norm.bias
            layers[name] = weight * gain.view(-1, 1, 1, 1), merged
        on_cpu = {name: (weight.cpu(), bias.cpu()) for name, (weight, bias) in layers.items()}
        return in_order(on_cpu, self.convolutions.keys()), in_order(on_cpu, self.classifier.keys())

    @torch.no_grad()
    def load_folded(self, layers: Layers) -> None:
        """Copy weights that `folded` returned, the classifier among them, into a network without batch norm."""
        for name, (weight, bias) in self._layers().items():
            weight.copy_(layers[name][0])
            bias.copy_(layers[name][1])

    def _layers(self) -> Layers:
        """Return weight and bias of each convolution and dense layer, shared with the network."""
        layers = {**dict(self.convolutions.items()), **dict(self.classifier.items())}
        return {name: (layer.get_parameter("weight"), layer.get_parameter("bias")) for name, layer in layers.items()}

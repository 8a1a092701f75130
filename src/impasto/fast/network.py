"""The network that paints in one pass: a residual encoder-decoder with a row of parameters for each style."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

PHOTOGRAPH = 0
"""The row of parameters with which the network repeats the photograph; the styles follow."""

NOISE = 0.04
"""Variance below which a channel counts as flat. Without it the rounding errors of a plain wall, divided by their own
deviation, would become a pattern."""

FLAT = 1e-4
"""Variance of a picture's channel, in [0, 1], below which it has no contrast to be changed."""

MULTIPLE = 4
"""The network halves a picture twice and doubles it again: its sides are padded to multiples of this."""

TINY = 1e-12
"""Added to a variance before its root, which has no derivative at 0."""


Design = Literal["separable", "ghiasi"]


def to_design(name: str) -> Design:
    """Return the design of this name. Raises ValueError."""
    for design in get_args(Design):
        if design == name:
            return design  # type: ignore[no-any-return]
    raise ValueError(f"the design {name!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """width: channels at full size; twice as many at half of it, four times at a quarter. blocks: residual blocks at a
    quarter of the size. design: "separable", or "ghiasi", the transformer of Ghiasi et al. 2017 (arXiv 1705.06830):
    whole convolutions in the blocks, no normalization in the encoder, first and last kernels of 9 pixels, not 7."""

    width: int = 16
    blocks: int = 5
    design: Design = "separable"


class Layer(nn.Module):
    """A convolution and the normalization of its output, with a scale and a shift for each row of parameters.

    stride: 2 halves the size. is_enlarging: each pixel becomes 2 x 2 first, so that no checkerboard
    appears (Odena et al. 2016). is_separable: a kernel for each channel, then a mixture of channels. is_normalized:
    without it only scale and shift are left.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        rows: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        is_enlarging: bool = False,
        is_separable: bool = False,
        is_normalized: bool = True,
    ) -> None:
        super().__init__()
        self.is_normalized = is_normalized
        self.reach, self.stride, self.is_enlarging = kernel // 2, stride, is_enlarging
        convolutions = [nn.Conv2d(inputs, outputs, kernel, stride, bias=False)]
        if is_separable:
            convolutions = [
                nn.Conv2d(inputs, inputs, kernel, stride, groups=inputs, bias=False),
                nn.Conv2d(inputs, outputs, 1, bias=False),
            ]
        self.convolutions = nn.Sequential(*convolutions)
        self.scales = nn.Parameter(torch.ones(rows, outputs))
        self.shifts = nn.Parameter(torch.zeros(rows, outputs))

    @property
    def kernel(self) -> Tensor:
        """The kernel of the layer's first convolution."""
        kernel: Tensor = next(self.convolutions.parameters())
        return kernel

    def convolve(self, x: Tensor) -> Tensor:
        """Return the convolution of a whole input, which is enlarged first if the layer is enlarging."""
        if self.is_enlarging:
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        # Too few pixels have nothing to reflect.
        mode = "reflect" if min(x.shape[-2:]) > self.reach else "replicate"
        convolved: Tensor = self.convolutions(functional.pad(x, (self.reach,) * 4, mode=mode))
        return convolved

    def affine(self, moments: tuple[Tensor, Tensor], shares: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean, scale and shift such that (x - mean) * scale + shift has the style's mean and deviation.

        moments: mean and variance of each channel of x over the picture, (B, C, 1, 1). shares: of the rows of
        parameters, (B, rows, 1, 1), or one for each place, (B, rows, H, W).
        Dumoulin et al. 2017 (arXiv 1610.07629), eq. 5, where styles are mixed as in section 3.3. Differs: the deviation
        s divides as s / (s^2 + NOISE), so that what is flat stays flat.
        """
        mean, variance = moments
        with torch.autocast(mean.device.type, enabled=False):
            scale = torch.einsum("brhw,rc->bchw", shares, self.scales)
            shift = torch.einsum("brhw,rc->bchw", shares, self.shifts)
        if not self.is_normalized:
            return torch.zeros_like(mean), scale, shift
        gain = (variance + TINY).sqrt() / (variance + NOISE)
        return mean, gain * scale, shift

    def forward(self, x: Tensor, shares: Tensor) -> Tensor:
        """Return the normalized convolution of a whole input."""
        x = self.convolve(x).float()
        mean, scale, shift = self.affine(channel_moments(x), shares)
        return (x - mean) * scale + shift


class Network(nn.Module):
    """A network for some styles.

    Johnson et al. 2016 (arXiv 1603.08155), with the normalization of Dumoulin et al. 2017 (arXiv 1610.07629). Differs:
    separable convolutions in the residual blocks, fewer channels, and a row of parameters that repeats the photograph,
    so that a mixture with it is a weaker style.
    """

    def __init__(self, architecture: Architecture, styles: int) -> None:
        super().__init__()
        self.architecture = architecture
        width, rows = architecture.width, styles + 1
        deep = 4 * width
        is_ours = architecture.design == "separable"
        kernel = 7 if is_ours else 9
        self.stack = nn.ModuleList(
            [
                Layer(3, width, rows, kernel=kernel, is_normalized=is_ours),
                Layer(width, 2 * width, rows, stride=2, is_normalized=is_ours),
                Layer(2 * width, deep, rows, stride=2, is_normalized=is_ours),
                *(Layer(deep, deep, rows, is_separable=is_ours) for _ in range(2 * architecture.blocks)),
                Layer(deep, 2 * width, rows, is_enlarging=True),
                Layer(2 * width, width, rows, is_enlarging=True),
                Layer(width, 3, rows, kernel=kernel),
            ]
        )

    @property
    def layers(self) -> list[Layer]:
        """All layers, first to last."""
        return [layer for layer in self.stack if isinstance(layer, Layer)]

    def parts(self) -> tuple[list[Layer], list[tuple[Layer, Layer]], list[Layer]]:
        """Return the layers of the encoder, those of each residual block, and those of the decoder."""
        layers = self.layers
        inner = layers[3:-3]
        return layers[:3], list(zip(inner[::2], inner[1::2], strict=True)), layers[-3:]

    @property
    def styles(self) -> int:
        """The number of styles."""
        return len(self.layers[0].scales) - 1

    def initialize(self, generator: torch.Generator) -> None:
        """Draw all kernels: He et al. 2015 (arXiv 1502.01852), eq. 10.

        Differs: in the decoder a kernel is a random number for each pair of channels times a bell, so that enlargement
        begins as interpolation; with random kernels the grid of the enlarged pixels stays visible for long.
        """
        decoder = self.parts()[2]
        with torch.no_grad():
            for layer in self.layers:
                layer.scales.fill_(1)
                layer.shifts.fill_(0)
                for kernel in layer.convolutions.parameters():
                    side = kernel.shape[-1]
                    drawn = torch.randn(kernel.shape, generator=generator) * (2 / kernel[0].numel()) ** 0.5
                    kernel.copy_(drawn[..., :1, :1] * (side * _bell(side)) if layer in decoder else drawn)

    def extended(self, styles: int) -> "Network":
        """Return a copy with rows for further styles, of which only the rows of parameters are trained.

        They begin as the mean of those of the styles there are.
        """
        network = Network(self.architecture, self.styles + styles)
        values = dict(self.state_dict())
        for name, tensor in values.items():
            if name.endswith(("scales", "shifts")):
                values[name] = torch.cat([tensor, tensor[1:].mean(0, keepdim=True).expand(styles, -1)])
        network.load_state_dict(values)
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name.endswith(("scales", "shifts")))
        return network

    def forward(self, photographs: Tensor, shares: Tensor) -> Tensor:
        """Return pictures, (B, 3, H, W) in [0, 1].

        photographs: (B, 3, H, W) in [0, 1], sRGB. shares: (B, rows, 1, 1), of the photograph and of each style,
        summing to 1.
        """
        size, photographs = photographs.shape[-2:], pad(photographs)
        encoder, blocks, decoder = self.parts()
        x = to_input(photographs)
        for layer in encoder:
            x = layer(x, shares).relu()
        for first, second in blocks:
            x = x + second(first(x, shares).relu(), shares)
        for layer in decoder[:-1]:
            x = layer(x, shares).relu()
        painted = decoder[-1](x, shares).sigmoid()
        painted = match_tones(painted, channel_moments(painted), channel_moments(photographs), shares)
        return painted[..., : size[0], : size[1]]


def _bell(side: int) -> Tensor:
    """Return binomial weights, (side, side), summing to 1: of 3, those of linear interpolation."""
    row = torch.tensor([math.comb(side - 1, k) for k in range(side)], dtype=torch.float32)
    return row[:, None] * row / row.sum() ** 2


def pad(image: Tensor) -> Tensor:
    """Return an image, (B, C, H, W), with sides that are multiples of MULTIPLE: reflected at the right and below."""
    height, width = image.shape[-2:]
    mode = "reflect" if min(height, width) >= MULTIPLE else "replicate"
    return functional.pad(image, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode=mode)


def channel_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each channel, (B, C, 1, 1); `torch.var_mean` takes half as long again on a CPU."""
    mean = x.mean(dim=(2, 3), keepdim=True)
    return mean, (x - mean).square().mean(dim=(2, 3), keepdim=True)


def to_input(image: Tensor) -> Tensor:
    """Return an image in [0, 1] in [-1, 1]."""
    return 2 * image - 1


def match_tones(
    painted: Tensor, moments: tuple[Tensor, Tensor], photograph: tuple[Tensor, Tensor], shares: Tensor
) -> Tensor:
    """Return what was painted, in the mean and contrast of the photograph's channels by the share of the photograph.

    Normalization loses them, and only the photograph's own row of parameters needs them. painted: (B, 3, H, W).
    moments, photograph: mean and variance of the channels, each (B, 3, 1, 1). shares: as of `Network.forward`, or by
    place.
    """
    (mean, variance), (own_mean, own_variance) = moments, photograph
    toned = (painted - mean) * (own_variance / (variance + FLAT)).sqrt() + own_mean
    return painted.lerp(toned, shares[:, PHOTOGRAPH : PHOTOGRAPH + 1]).clamp(0, 1)

"""The networks of arbitrary stylization: a predictor of style vectors, and a transformer that paints in any style.

Ghiasi et al. 2017, "Exploring the structure of a real-time, arbitrary neural artistic stylization network"
(arXiv 1705.06830), in Magenta's small version: the predictor is a MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381),
the transformer has a quarter of the filters. Both are built from weights by their names in TensorFlow.
Differs from the published files: those round every activation to 8 bits, which nothing here does.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from impasto.fast.network import Architecture, Network

Layers = Mapping[str, tuple[Tensor, Tensor]]
"""Weight (out, in, height, width) and bias (out,) of each convolution, by the name of its weight."""

STRIDES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)
"""Of the predictor's blocks, "expanded_conv", "expanded_conv_1", ... (Sandler et al. 2018, table 2)."""

RESIDUALS = 5
"""Residual blocks of the transformer."""

EPSILON = 1e-5
"""Added to the variances of features."""

STEP = 4
"""The transformer works on pictures whose sides are multiples of this: it halves them twice and doubles them again."""

SMALLEST = 2 * STEP
"""Least side of a picture, in pixels: the smallest features, mirrored at the border, need two positions."""


class StylePredictor(nn.Module):
    """From a painting, (1, 3, h, w) in [0, 1], sRGB, to its style vector, (1, 100)."""

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        blocks: list[nn.Module] = [_Convolution(layers, "MobilenetV2/Conv/weights", "same", 2, 6)]
        for index, stride in enumerate(STRIDES):
            blocks.append(_InvertedResidual(layers, f"MobilenetV2/expanded_conv{f'_{index}' if index else ''}", stride))
        blocks.append(_Convolution(layers, "MobilenetV2/Conv_1/weights", "same", 1, 6))
        self.features = nn.Sequential(*blocks)
        self.style = _Convolution(layers, "mobilenet_conv/Conv/weights")

    def forward(self, style_image: Tensor) -> Tensor:
        pooled: Tensor = self.features(style_image).mean((2, 3), keepdim=True)
        style: Tensor = self.style(pooled)
        return style.flatten(1)


class StyleTransformer(nn.Module):
    """From a photograph, (1, 3, H, W) in [0, 1], sRGB, and a style vector, (1, 100), to the pastiche, (1, 3, H, W)."""

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        self.contract = nn.Sequential(
            *(
                _Convolution(layers, f"transformer/contract/conv{number}/weights", "mirror", stride, torch.inf)
                for number, stride in ((1, 1), (2, 2), (3, 2))
            )
        )
        blocks = range(1, RESIDUALS + 1)
        self.first, self.second = (
            nn.ModuleList(_StyledConvolution(layers, f"residual/residual{block}/conv{number}") for block in blocks)
            for number in (1, 2)
        )
        self.expand = nn.ModuleList(_StyledConvolution(layers, f"expand/conv{number}/conv") for number in (1, 2, 3))

    def forward(self, content_image: Tensor, style: Tensor) -> Tensor:
        H, W = content_image.shape[-2:]
        padded = functional.pad(content_image, (0, -W % STEP, 0, -H % STEP), mode="reflect")
        features = self.contract(padded)
        for first, second in zip(self.first, self.second, strict=True):
            features = features + second(first(features, style).relu_(), style)
        for conv in self.expand[:2]:
            features = conv(functional.interpolate(features, scale_factor=2), style).relu_()
        painted: Tensor = self.expand[2](features, style)
        return painted[..., :H, :W].sigmoid()


@torch.no_grad()
def to_network(transformer: StyleTransformer, vectors: Tensor) -> Network:
    """Return the transformer as a network of ours, whose rows of parameters are made of style vectors, (rows, 100).

    Its pictures are those of the transformer, but for channels with little contrast, which `network.NOISE` flattens.
    Normalized kernels get the norm that `Network.initialize` gives them: what follows is the same by any factor.
    """
    encoder = [each for each in transformer.contract if isinstance(each, _Convolution)]
    width, blocks = len(encoder[0].weight), len(transformer.first)
    network = Network(Architecture(width=width, blocks=blocks, design="ghiasi"), len(vectors) - 1)
    for layer, convolution in zip(network.layers, encoder, strict=False):
        is_first = layer is network.layers[0]  # the network sees pictures in [-1, 1], the transformer in [0, 1]
        layer.kernel.copy_(convolution.weight / 2 if is_first else convolution.weight)
        layer.shifts.copy_(convolution.bias + layer.kernel.sum((1, 2, 3)) if is_first else convolution.bias)
    pairs = zip(transformer.first, transformer.second, strict=True)
    styled = [*(each for pair in pairs for each in pair), *transformer.expand]
    for layer, each in zip(network.layers[len(encoder) :], styled, strict=True):
        assert isinstance(each, _StyledConvolution)
        kernel = each.convolution.weight
        layer.kernel.copy_(kernel * (2 / kernel.square().sum((1, 2, 3), keepdim=True)).sqrt())
        layer.scales.copy_(each.gamma(vectors[..., None, None]).flatten(1))
        layer.shifts.copy_(each.beta(vectors[..., None, None]).flatten(1))
    return network


class _Convolution(nn.Module):
    """A convolution with its padding: "same" has zeros, as TensorFlow places them, "mirror" the pixels at the border.

    most: the largest value of its outputs, which then are at least 0; None: they are not limited.
    """

    def __init__(
        self, layers: Layers, name: str, padding: str = "same", stride: int = 1, most: float | None = None
    ) -> None:
        super().__init__()
        weight, bias = layers[name]
        self.weight, self.bias = nn.Parameter(weight, requires_grad=False), nn.Parameter(bias, requires_grad=False)
        self._padding, self._stride, self._most = padding, stride, most

    def forward(self, features: Tensor) -> Tensor:
        out, inner, side, _ = self.weight.shape
        if side > 1:
            sides = [side // 2] * 4
            if self._padding == "same":
                sides = [*_same(features.shape[3], side, self._stride), *_same(features.shape[2], side, self._stride)]
            features = functional.pad(features, sides, mode="reflect" if self._padding == "mirror" else "constant")
        groups = out if inner == 1 else 1
        convolved = functional.conv2d(features, self.weight, self.bias, self._stride, groups=groups)
        return convolved if self._most is None else convolved.clamp_(0, self._most)


def _same(length: int, side: int, stride: int) -> tuple[int, int]:
    """Return the zeros before and after, for an output of ceil(length / stride)."""
    total = max((-(-length // stride) - 1) * stride + side - length, 0)
    return total // 2, total - total // 2


class _InvertedResidual(nn.Module):
    """A block of MobileNetV2: more channels, each filtered alone, then fewer; added to an input of the same shape."""

    def __init__(self, layers: Layers, name: str, stride: int) -> None:
        super().__init__()
        expand, filters = f"{name}/expand/weights", f"{name}/depthwise/depthwise_weights"
        steps = [_Convolution(layers, expand, "same", 1, 6)] if expand in layers else []
        steps.append(_Convolution(layers, filters, "same", stride, 6))
        self.steps = nn.Sequential(*steps, _Convolution(layers, f"{name}/project/weights"))

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.steps(features)
        return features + changed if changed.shape == features.shape else changed


class _StyledConvolution(nn.Module):
    """A convolution whose outputs get the mean and deviation of the style: conditional instance normalization.

    gamma (x - mean) / sqrt(variance + EPSILON) + beta, Dumoulin et al. 2017 (arXiv 1610.07629), eq. 5; gamma and beta
    are linear in the style vector.
    """

    def __init__(self, layers: Layers, name: str) -> None:
        super().__init__()
        self.convolution = _Convolution(layers, f"transformer/{name}/weights", "mirror")
        self.gamma = _Convolution(layers, f"style_params/transformer/{name}/StyleNorm/Conv_1/weights")
        self.beta = _Convolution(layers, f"style_params/transformer/{name}/StyleNorm/Conv/weights")

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        vector = style[..., None, None]  # (1, 100, 1, 1)
        convolved = self.convolution(features)
        variance, mean = torch.var_mean(convolved, (2, 3), correction=0, keepdim=True)
        scale = self.gamma(vector) * (variance + EPSILON).rsqrt()
        styled: Tensor = convolved.mul_(scale).add_(self.beta(vector) - mean * scale)
        return styled

"""Quality figures of a pastiche: style and colors against the painting, structure against the photograph."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from impasto.features.guides import Region, carry_guide
from impasto.features.vgg import Vgg
from impasto.images.color.difference import color_metric, palette_color_metric, palette_metric, ssim_metric
from impasto.images.resize import resize_image, resize_long_edge
from impasto.losses.gram import gram_matrix
from impasto.losses.guided_statistics import guided_gram_matrix, guided_moments

STYLE_METRIC_LAYERS = ("conv1_2", "conv2_2", "conv3_2", "conv3_4", "conv4_4")
"""Layers that no preset optimizes, so that a picture is not graded by its own objective."""

NEAREST_METRIC_LAYER = "conv3_2"
STRUCTURE_METRIC_LAYER = "conv4_3"
STRUCTURE_GRID = 32
LONG_EDGE = 512
"""Long edge in pixels at which `measure_quality` compares, whatever the pictures' own size."""

LEAST_SIDE = 32
"""Pixels that a picture needs on the short side at LONG_EDGE: two positions of conv4_4 at half of it."""

Features = dict[str, Tensor]


def _figure(help: str) -> Any:
    return dataclasses.field(metadata={"help": help})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The quality figures. All but ssim are distances, 0 for the same; each field's help says from what.

    The first is the headline: of all it orders pictures of one pair the most as people do
    (benchmarks/blind/figures.py).
    """

    nearest_from_style: float = _figure("the style's patches to the nearest: the headline; 0 is the same")
    nearest_to_style: float = _figure("patches to the style's nearest; 0 is the same")
    style_gram: float = _figure("Gram matrices, to the style; 0 is the same")
    palette: float = _figure("colors to the style, CIELAB units; 0 is the same")
    structure: float = _figure("self-similarity, to the content; 0 is the same")
    ssim: float = _figure("luma, likeness to the content; 1 is the same")
    ciede2000_content: float = _figure("color to the content; 0 is the same")
    ciede2000_style: float = _figure("color to the nearest in the style; 0 is the same")


def measure_quality(encoder: Vgg, content_image: Tensor, style_image: Tensor, pastiche: Tensor) -> Quality:
    """Return all quality figures of a pastiche, at one fixed size.

    content_image, style_image, pastiche: (1, 3, H, W) in [0, 1], sRGB, on the encoder's device.
    Pastiche and style are brought to a long edge of 512 pixels, each in its own aspect, and smaller ones are enlarged
    too, so that numbers of pictures of any size compare; the content is brought to the pastiche's size. Gram matrices:
    mean over STYLE_METRIC_LAYERS, at this size and at half of it. Patches: of conv3_2, at half.
    """
    pastiche, style_image = (resize_long_edge(image, LONG_EDGE) for image in (pastiche, style_image))
    content_image = resize_image(content_image, (pastiche.shape[-2], pastiche.shape[-1]))
    ours, theirs = _extract(encoder, pastiche), _extract(encoder, style_image)
    to_style, from_style = nearest_metric(ours[1][NEAREST_METRIC_LAYER], theirs[1][NEAREST_METRIC_LAYER])
    return Quality(
        nearest_from_style=from_style,
        nearest_to_style=to_style,
        style_gram=_mean_gram(ours, theirs),
        palette=palette_metric(pastiche, style_image),
        structure=self_similarity_metric(ours[0][STRUCTURE_METRIC_LAYER], _extract_structure(encoder, content_image)),
        ssim=ssim_metric(pastiche, content_image),
        ciede2000_content=color_metric(pastiche, content_image),
        ciede2000_style=palette_color_metric(pastiche, style_image),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionQuality:
    """The style figures of one region of a pastiche. area: its share of the pastiche."""

    name: str
    area: float
    style_gram: float = _figure("Gram matrices, to the style's region; 0 is the same")
    style_moments: float = _figure("means and deviations, to the style's region; 0 is the same")


def measure_regions(
    encoder: Vgg, style_image: Tensor, pastiche: Tensor, regions: Sequence[Region]
) -> tuple[RegionQuality, ...]:
    """Return the figures `style_gram` and `style_moments` of each region, at the same fixed size.

    style_image, pastiche: (1, 3, H, W) in [0, 1], sRGB, on the encoder's device. regions: each with a guide of this one
    style image. Guides are carried to the layers in the mode "simple", whatever the recipe's is.
    """
    pastiche, style_image = (resize_long_edge(image, LONG_EDGE) for image in (pastiche, style_image))
    sizes = [(image.shape[-2], image.shape[-1]) for image in (pastiche, style_image)]
    ours, theirs = _extract(encoder, pastiche), _extract(encoder, style_image)
    found = []
    for region in (region.to(pastiche.device).resized(sizes[0], sizes[1:]) for region in regions):
        grams, moments = [], []
        for F, S, ours_size, theirs_size in zip(ours, theirs, *map(_full_and_half, sizes), strict=True):
            small = region.resized(ours_size, [theirs_size])
            assert small.styles[0] is not None
            guides, style_guides = (
                carry_guide(guide, encoder, STYLE_METRIC_LAYERS, "simple", 0)
                for guide in (small.content, small.styles[0])
            )
            for layer in STYLE_METRIC_LAYERS:
                pair = (F[layer], guides[layer]), (S[layer], style_guides[layer])
                grams.append(_relative(*(guided_gram_matrix(*one) for one in pair)))
                moments.append(_relative(*(_spread_of(*guided_moments(*one)) for one in pair)))
        found.append(
            RegionQuality(
                name=region.name,
                area=float(region.content.mean()),
                style_gram=sum(grams) / len(grams),
                style_moments=sum(moments) / len(moments),
            )
        )
    return tuple(found)


def structure_metric(encoder: Vgg, image: Tensor, content_image: Tensor) -> float:
    """Return the figure `structure` at the pictures' own size.

    image, content_image: (1, 3, H, W) of one size, in [0, 1], sRGB, on the encoder's device.
    """
    return self_similarity_metric(_extract_structure(encoder, image), _extract_structure(encoder, content_image))


def gram_metric(features: Tensor, style_features: Tensor) -> float:
    """Return |G - A| / |A|, Frobenius norms of the Gram matrices. Both (1, C, H, W), of any sizes."""
    return _relative(gram_matrix(features), gram_matrix(style_features))


def nearest_metric(features: Tensor, style_features: Tensor) -> tuple[float, float]:
    """Return the mean over the picture's 3x3 patches of 1 - cosine to the style's nearest patch, and vice versa.

    Both (1, C, H, W), of any sizes of at least 3 positions a side; memory grows with the product of their positions.
    Li and Wand 2016 (arXiv 1601.04589), eq. 2 and 3, and the distance of Kolkin et al. 2022 (arXiv 2203.13215). The
    first says how foreign the picture's pieces are to the style, the second how much of the style it lacks.
    Differs: centered by the mean of both, so that exchanging the pictures exchanges the figures; a thousandth of a
    patch's mean length is added to all as one more coordinate, so that patches without any response are alike.
    """
    both = (features, style_features)
    mean = sum(F.mean(dim=(2, 3), keepdim=True) for F in both) / 2
    length = max(float(functional.unfold(F, 3).norm(dim=1).mean()) for F in both)
    rows = [functional.unfold(F - mean, 3)[0].T for F in both]
    ours, theirs = (functional.normalize(functional.pad(R, (0, 1), value=1e-3 * length + 1e-9), dim=1) for R in rows)
    distances = 1 - ours @ theirs.T  # 64 MB at the fixed size
    return max(0.0, float(distances.amin(1).mean())), max(0.0, float(distances.amin(0).mean()))


def self_similarity_metric(features: Tensor, content_features: Tensor) -> float:
    """Return the mean absolute difference of the two cosine self-similarity matrices, on a grid of 32 x 32 places.

    Both (1, C, H, W) of one size.
    Kolkin et al. 2019 (arXiv 1904.12785), eq. 7, with cosine similarities instead of normalized distances.
    """
    return float((_self_similarity(features) - _self_similarity(content_features)).abs().mean())


def _extract(encoder: Vgg, image: Tensor) -> tuple[Features, Features]:
    """Return the features of all layers compared, at full and at half size."""
    half = resize_image(image, _full_and_half((image.shape[-2], image.shape[-1]))[1])
    layers = (*STYLE_METRIC_LAYERS, STRUCTURE_METRIC_LAYER)
    with torch.no_grad():
        return encoder(image, layers), encoder(half, layers)


def _full_and_half(size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the (height, width) of a picture, and half of it."""
    return size, (max(16, size[0] // 2), max(16, size[1] // 2))


def _spread_of(mean: Tensor, squares: Tensor) -> Tensor:
    """Return means and standard deviations in one vector, from the means of values and of their squares."""
    return torch.cat([(squares - mean.square()).clamp_min(0).sqrt(), mean])


def _extract_structure(encoder: Vgg, image: Tensor) -> Tensor:
    with torch.no_grad():
        features: Features = encoder(image, [STRUCTURE_METRIC_LAYER])
    return features[STRUCTURE_METRIC_LAYER]


def _mean_gram(ours: tuple[Features, Features], theirs: tuple[Features, Features]) -> float:
    pairs = [(F[name], S[name]) for F, S in zip(ours, theirs, strict=True) for name in STYLE_METRIC_LAYERS]
    return sum(gram_metric(F, S) for F, S in pairs) / len(pairs)


def _relative(ours: Tensor, theirs: Tensor) -> float:
    difference, whole = float((ours - theirs).norm()), float(theirs.norm())
    return difference / whole if whole > 0 else float(difference > 0)


def _self_similarity(features: Tensor) -> Tensor:
    grid = functional.adaptive_avg_pool2d(features, STRUCTURE_GRID)[0].flatten(1)  # (C, grid * grid)
    unit = functional.normalize(grid - grid.mean(1, keepdim=True), dim=0)
    return torch.mm(unit.T, unit)

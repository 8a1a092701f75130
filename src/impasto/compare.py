"""Quality figures of a finished picture: how near it is to the painting in style, and to the photograph in drawing."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from impasto.features.encoder import build_encoder
from impasto.features.vgg import Vgg
from impasto.images.io import MAX_PIXELS, ImageSource, read_image
from impasto.images.resize import fit_long_edge, resize_image
from impasto.losses.gram import gram_matrix
from impasto.recipe import Recipe

STYLE_METRIC_LAYERS = ("conv1_2", "conv2_2", "conv3_2", "conv3_4", "conv4_4")
"""Layers that no preset optimises, so that a picture is not graded on its own objective."""

STRUCTURE_METRIC_LAYER = "conv4_3"
STRUCTURE_GRID = 32


@dataclass(frozen=True, slots=True)
class Comparison:
    """style: relative Gram distance from the painting, 0 the same. structure: distance from the photograph's
    self-similarity, 0 the same."""

    style: float
    structure: float


def compare(
    content_image: ImageSource, style_image: ImageSource, pastiche: ImageSource, *, max_pixels: int = MAX_PIXELS
) -> Comparison:
    """Both figures of a pastiche at its own size; the painting is taken at the same long edge."""
    picture = read_image(pastiche, name="pastiche", max_pixels=max_pixels)
    size = (picture.shape[-2], picture.shape[-1])
    content = resize_image(read_image(content_image, name="content_image", max_pixels=max_pixels), size)
    style = read_image(style_image, name="style_image", max_pixels=max_pixels)
    style = resize_image(style, fit_long_edge(style.shape[-2], style.shape[-1], max(size)))
    encoder, _ = build_encoder(Recipe())
    return Comparison(style_metric(encoder, picture, style), structure_metric(encoder, picture, content))


def style_metric(encoder: Vgg, image: Tensor, style_image: Tensor) -> float:
    """Mean over STYLE_METRIC_LAYERS of |G - A| / |A|, Frobenius norms of the Gram matrices, at full and at half size.

    image, style_image: (1, 3, H, W) in [0, 1], sRGB.
    """
    distances = []
    for shrink in (1, 2):
        G, A = (_grams(encoder, picture, shrink) for picture in (image, style_image))
        distances += [float((G[name] - A[name]).norm() / A[name].norm()) for name in STYLE_METRIC_LAYERS]
    return sum(distances) / len(distances)


def structure_metric(encoder: Vgg, image: Tensor, content_image: Tensor) -> float:
    """Mean absolute difference of the two pictures' cosine self-similarity matrices, on a grid of places.

    image, content_image: (1, 3, H, W) of one size, in [0, 1], sRGB.
    Kolkin et al. 2019 (arXiv 1904.12785), eq. 7, with cosine similarities instead of normalised distances.
    """
    ours, theirs = (_self_similarity(encoder, picture) for picture in (image, content_image))
    return float((ours - theirs).abs().mean())


def _grams(encoder: Vgg, image: Tensor, shrink: int) -> dict[str, Tensor]:
    H, W = image.shape[-2:]
    resized = resize_image(image, (max(16, H // shrink), max(16, W // shrink)))
    with torch.no_grad():
        return {name: gram_matrix(F) for name, F in encoder(resized, STYLE_METRIC_LAYERS).items()}


def _self_similarity(encoder: Vgg, image: Tensor) -> Tensor:
    with torch.no_grad():
        features = encoder(image, [STRUCTURE_METRIC_LAYER])[STRUCTURE_METRIC_LAYER]
    grid = functional.adaptive_avg_pool2d(features, STRUCTURE_GRID)[0].flatten(1)  # (C, grid * grid)
    unit = functional.normalize(grid - grid.mean(1, keepdim=True), dim=0)
    return unit.T @ unit

"""The colors of a picture as a whole, brought to those of another: mean and covariance, histogram, lightness, chroma.

Pixels are a cloud of points (C, M); place does not matter. Moments are taken and moved in float64, part by part, so
that a large picture is not held in float64 as a whole; `match_histogram` does hold it so, to sort it.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from impasto.images.oklab import from_oklab, grey_of, to_oklab

REGULARIZATION = 1e-8
"""Added to the variance in every direction: a grey or flat picture has none. The rounding of 8 bits alone has 1.3e-6,
so that any picture with color in it is matched to within 1 % of the target's variance or closer."""

PART = 2**20
"""Pixels that are in float64 at a time."""

TIE_BREAK = 1e-7
"""Weight of the surroundings in the order of pixels: less than any real difference, enough to part equal ones."""


def color_moments(image: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (C,) and covariance (C, C) of the pixels, float64.

    image: (1, C, H, W), any values. mu = 1/M sum x, Sigma = 1/M sum (x - mu)(x - mu)^T.
    """
    pixels = image[0].flatten(1)
    mean = pixels.mean(dim=1, dtype=torch.float64)
    covariance = torch.zeros(len(pixels), len(pixels), dtype=torch.float64, device=image.device)
    for start in range(0, pixels.shape[1], PART):
        centred = pixels[:, start : start + PART].double() - mean[:, None]
        covariance += centred @ centred.T
    return mean, covariance / pixels.shape[1]


def cholesky_map(source: Tensor, target: Tensor) -> Tensor:
    """A = L_T L_S^-1, where Sigma = L L^T with L lower triangular: Gatys et al. 2016 (arXiv 1606.05897)."""
    triangular: Tensor = torch.linalg.cholesky(target) @ torch.linalg.inv(torch.linalg.cholesky(source))
    return triangular


def pca_map(source: Tensor, target: Tensor) -> Tensor:
    """A = Sigma_T^1/2 Sigma_S^-1/2: Gatys et al. 2016 (arXiv 1606.05897), after Hertzmann's Image Analogies (2001)."""
    return power(target, 0.5) @ power(source, -0.5)


def monge_map(source: Tensor, target: Tensor) -> Tensor:
    """A = Sigma_S^-1/2 (Sigma_S^1/2 Sigma_T Sigma_S^1/2)^1/2 Sigma_S^-1/2, symmetric: the least change of colors.

    Pitie and Kokaram 2007, "The Linear Monge-Kantorovitch Linear Colour Mapping for Example-Based Colour Transfer".
    """
    root, inverse = power(source, 0.5), power(source, -0.5)
    return inverse @ power(root @ target @ root, 0.5) @ inverse


LINEAR_MAPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cholesky": cholesky_map,
    "pca": pca_map,
    "monge": monge_map,
}
"""By name: covariances of source and target, (C, C) and positive definite -> A with A Sigma_S A^T = Sigma_T."""


def match_moments(image: Tensor, target: Tensor, linear_map: str = "monge") -> Tensor:
    """The image with its colors moved so that their mean and covariance are the target's; values may leave [0, 1].

    image, target: (1, C, H, W) of any sizes. Returns (1, C, H, W) of the image's size, dtype and device.
    Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer" (arXiv 1606.05897), the linear matching:
    x' = A (x - mu_S) + mu_T, with A Sigma_S A^T = Sigma_T, of gamma-coded values as there.
    Differs: both covariances get REGULARIZATION I, so that a grey image stays on its line of colors.
    """
    return _map_to(image, *color_moments(target), linear_map)


def match_histogram(image: Tensor, target: Tensor) -> Tensor:
    """The image with, channel by channel, exactly the target's distribution of values; stays in the target's range.

    image, target: (1, C, H, W) of any sizes. Returns (1, C, H, W) of the image's size, dtype and device.
    First `monge`, so that the channels move together; then the pixel of rank (i + 1/2) / M in a channel gets the value
    of that rank in the target. Pixels of equal value are ranked by their surroundings: Coltuc, Bolon and Chassery 2006,
    "Exact Histogram Specification". Differs: those equal in that too, as in a flat area, share their mean.
    """
    moved = match_moments(image, target).double()
    around = functional.avg_pool2d(functional.pad(moved, (2, 2, 2, 2), "replicate"), 5, stride=1)
    order = (moved + TIE_BREAK * around)[0].flatten(1)
    channels = [_take_ranks(o, t) for o, t in zip(order, target[0].flatten(1), strict=True)]
    return torch.stack(channels).view(image.shape).to(image)


def match_lightness(image: Tensor, target: Tensor) -> Tensor:
    """The image in grey, its lightness of the target's mean and standard deviation.

    image, target: (1, 3, H, W) in [0, 1], sRGB, of any sizes. Returns (1, 3, H, W), grey, in [0, 1].
    Gatys et al. 2016 (arXiv 1606.05897), luminance-only transfer: L' = sigma_T / sigma_S (L - mu_S) + mu_T.
    Differs: L is Oklab's, not YIQ's; what leaves [0, 1] is clamped.
    """
    return grey_of(match_moments(to_oklab(image)[:, :1], to_oklab(target)[:, :1]))


def match_chroma(
    image: Tensor, targets: Sequence[Tensor], shares: Sequence[float], linear_map: str = "monge"
) -> Tensor:
    """The image at its lightness, its chroma of the targets' mean and covariance as far as the gamut holds it.

    image: (1, 3, H, W) in [0, 1], sRGB; targets: such images of any sizes, mixed by shares that sum to 1.
    Returns (1, 3, H, W) in [0, 1]. `match_moments` of (a, b) in Oklab. The moments of a mixture are
    mu = sum w_i mu_i and Sigma = sum w_i (Sigma_i + (mu_i - mu)(mu_i - mu)^T).
    """
    moments = [color_moments(to_oklab(target)[:, 1:]) for target in targets]
    means = torch.stack([mean for mean, _ in moments])
    weights = torch.tensor(shares, dtype=torch.float64, device=means.device)
    mean = weights @ means
    spread = torch.einsum("i,ij,ik->jk", weights, means - mean, means - mean)
    covariance = torch.einsum("i,ijk->jk", weights, torch.stack([own for _, own in moments])) + spread
    colors = to_oklab(image)
    return from_oklab(torch.cat([colors[:, :1], _map_to(colors[:, 1:], mean, covariance, linear_map)], dim=1))


def take_chroma(image: Tensor, colored: Tensor) -> Tensor:
    """The image's lightness with the other's chroma, place by place, as far as the gamut holds it.

    image, colored: (1, 3, H, W) of one size, in [0, 1], sRGB. Returns (1, 3, H, W) in [0, 1].
    Gatys et al. 2016 (arXiv 1606.05897), luminance-only transfer. Differs: L, a, b are Oklab's, not YIQ's.
    """
    return from_oklab(torch.cat([to_oklab(image)[:, :1], to_oklab(colored)[:, 1:]], dim=1))


def power(covariance: Tensor, exponent: float) -> Tensor:
    """The symmetric matrix Sigma^exponent = U diag(lambda^exponent) U^T of a positive definite Sigma."""
    values, vectors = torch.linalg.eigh(covariance)
    powers = values.clamp_min(torch.finfo(values.dtype).tiny) ** exponent
    return torch.einsum("ik,k,jk->ij", vectors, powers, vectors)


def _map_to(image: Tensor, mean: Tensor, covariance: Tensor, linear_map: str) -> Tensor:
    own_mean, own_covariance = color_moments(image)
    ridge = REGULARIZATION * torch.eye(len(mean), dtype=mean.dtype, device=mean.device)
    matrix = LINEAR_MAPS[linear_map](own_covariance + ridge, covariance + ridge)
    pixels = image[0].flatten(1)
    moved = pixels.new_empty(pixels.shape)
    for start in range(0, pixels.shape[1], PART):
        centred = pixels[:, start : start + PART].double() - own_mean[:, None]
        moved[:, start : start + PART] = matrix @ centred + mean[:, None]
    return moved.view(image.shape)


def _take_ranks(order: Tensor, values: Tensor) -> Tensor:
    """For each of M numbers the value of the same rank among N values, float64; equal numbers get one mean value."""
    M, N = len(order), len(values)
    ranked, places = order.sort(stable=True)
    ranks = (2 * torch.arange(M, device=order.device) + 1) * N // (2 * M)
    wanted = values.sort().values.double()[ranks]
    _, group, counts = torch.unique_consecutive(ranked, return_inverse=True, return_counts=True)
    means = torch.zeros(len(counts), dtype=torch.float64, device=order.device).index_add(0, group, wanted) / counts
    return torch.empty_like(wanted).index_copy(0, places, means[group])

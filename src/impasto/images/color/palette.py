"""Color transfer: match the mean and covariance, histogram, lightness or chroma of one picture to another.

Pixels are points (C, M); their places do not matter. `alpha`, (1, 1, H, W) of the picture's size, at least 0 and not 0
everywhere, weights them; without it all count alike. Moments are computed in float64 in parts, so that a large picture
is never in float64 as a whole; only `match_histogram` holds it so, to sort it.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from impasto.images.color.oklab import from_oklab, grey_of, to_oklab

REGULARIZATION = 1e-8
"""Added to the variance in every direction: a grey or flat picture has none. The rounding of 8 bits alone has 1.3e-6,
so that any picture with color in it is matched to within 1 % of the target's variance or closer."""

PART = 2**20
"""Pixels converted to float64 at a time."""

TIE_BREAK = 1e-7
"""Weight of the surroundings in the order of pixels: less than any real difference, enough to separate equal ones."""


def color_moments(image: Tensor, alpha: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the mean (C,) and covariance (C, C) of the pixels, float64.

    image: (1, C, H, W), any values. mu = 1/W sum w x, Sigma = 1/W sum w (x - mu)(x - mu)^T, w alpha and W its sum.
    """
    pixels, weights = image[0].flatten(1), _weights(image, alpha)
    total = weights.sum(dtype=torch.float64)
    mean = torch.zeros(len(pixels), dtype=torch.float64, device=image.device)
    covariance = torch.zeros(len(pixels), len(pixels), dtype=torch.float64, device=image.device)
    for start in range(0, pixels.shape[1], PART):
        mean += pixels[:, start : start + PART].double() @ weights[start : start + PART].double() / total
    for start in range(0, pixels.shape[1], PART):
        centred = pixels[:, start : start + PART].double() - mean[:, None]
        covariance += (centred * weights[start : start + PART].double()) @ centred.T
    return mean, covariance / total


def cholesky_map(source: Tensor, target: Tensor) -> Tensor:
    """Return A = L_T L_S^-1, where Sigma = L L^T with L lower triangular: Gatys et al. 2016 (arXiv 1606.05897)."""
    triangular: Tensor = torch.linalg.cholesky(target) @ torch.linalg.inv(torch.linalg.cholesky(source))
    return triangular


def pca_map(source: Tensor, target: Tensor) -> Tensor:
    """Return A = Sigma_T^1/2 Sigma_S^-1/2: Gatys et al. 2016 (arXiv 1606.05897), after Hertzmann 2001."""
    return power(target, 0.5) @ power(source, -0.5)


def monge_map(source: Tensor, target: Tensor) -> Tensor:
    """Return A = Sigma_S^-1/2 (Sigma_S^1/2 Sigma_T Sigma_S^1/2)^1/2 Sigma_S^-1/2, symmetric: the least change.

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


def match_moments(
    image: Tensor,
    target: Tensor,
    linear_map: str = "monge",
    alpha: Tensor | None = None,
    target_alpha: Tensor | None = None,
) -> Tensor:
    """Return the image with the target's mean and covariance of colors; values may leave [0, 1].

    image, target: (1, C, H, W) of any sizes. Returns (1, C, H, W) of the image's size, dtype and device.
    Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer" (arXiv 1606.05897), the linear matching:
    x' = A (x - mu_S) + mu_T, with A Sigma_S A^T = Sigma_T, of gamma-coded values as there.
    Differs: both covariances get REGULARIZATION I, so that a grey image stays on its line of colors.
    """
    return _map_to(image, alpha, *color_moments(target, target_alpha), linear_map)


def match_histogram(
    image: Tensor, target: Tensor, alpha: Tensor | None = None, target_alpha: Tensor | None = None
) -> Tensor:
    """Return the image with exactly the target's histogram in each channel; values stay in the target's range.

    image, target: (1, C, H, W) of any sizes. Returns (1, C, H, W) of the image's size, dtype and device.
    First `monge`, so that the channels move together; then the pixel of rank (i + 1/2) / M in a channel, with alpha the
    weight of all below it and half its own, gets the value of that rank in the target. Pixels of equal
    value are ranked by their surroundings: Coltuc, Bolon and Chassery 2006, "Exact Histogram Specification".
    Differs: those equal in that too, as in a flat area, share their mean.
    """
    moved = match_moments(image, target, "monge", alpha, target_alpha).double()
    around = functional.avg_pool2d(functional.pad(moved, (2, 2, 2, 2), "replicate"), 5, stride=1)
    order = (moved + TIE_BREAK * around)[0].flatten(1)
    weights, shares = _weights(image, alpha).double(), _weights(target, target_alpha).double()
    values = target[0].flatten(1)[:, shares > 0]
    shares = shares[shares > 0]
    channels = [_take_ranks(o, weights, v, shares) for o, v in zip(order, values, strict=True)]
    return torch.stack(channels).view(image.shape).to(image)


def match_lightness(
    image: Tensor, target: Tensor, alpha: Tensor | None = None, target_alpha: Tensor | None = None
) -> Tensor:
    """Return the image in grey, its lightness with the target's mean and standard deviation.

    image, target: (1, 3, H, W) in [0, 1], sRGB, of any sizes. Returns (1, 3, H, W), grey, in [0, 1].
    Gatys et al. 2016 (arXiv 1606.05897), luminance-only transfer: L' = sigma_T / sigma_S (L - mu_S) + mu_T.
    Differs: L is Oklab's, not YIQ's; what leaves [0, 1] is clamped.
    """
    return grey_of(match_moments(to_oklab(image)[:, :1], to_oklab(target)[:, :1], "monge", alpha, target_alpha))


def match_chroma(
    image: Tensor,
    targets: Sequence[Tensor],
    shares: Sequence[float],
    linear_map: str = "monge",
    alpha: Tensor | None = None,
    target_alphas: Sequence[Tensor | None] = (),
) -> Tensor:
    """Return the image at its lightness, its chroma with the targets' mean and covariance as far as the gamut allows.

    image: (1, 3, H, W) in [0, 1], sRGB; targets: such images of any sizes, mixed by shares that sum to 1.
    target_alphas: one a target, or none. Returns (1, 3, H, W) in [0, 1].
    `match_moments` of (a, b) in Oklab. The moments of a mixture are mu = sum w_i mu_i and
    Sigma = sum w_i (Sigma_i + (mu_i - mu)(mu_i - mu)^T).
    """
    pairs = zip(targets, target_alphas or [None] * len(targets), strict=True)
    moments = [color_moments(to_oklab(target)[:, 1:], seen) for target, seen in pairs]
    means = torch.stack([mean for mean, _ in moments])
    weights = torch.tensor(shares, dtype=torch.float64, device=means.device)
    mean = weights @ means
    spread = torch.einsum("i,ij,ik->jk", weights, means - mean, means - mean)
    covariance = torch.einsum("i,ijk->jk", weights, torch.stack([own for _, own in moments])) + spread
    colors = to_oklab(image)
    return from_oklab(torch.cat([colors[:, :1], _map_to(colors[:, 1:], alpha, mean, covariance, linear_map)], dim=1))


def take_chroma(image: Tensor, colored: Tensor) -> Tensor:
    """Return the image's lightness with the other's chroma at each place, as far as the gamut allows.

    image, colored: (1, 3, H, W) of one size, in [0, 1], sRGB. Returns (1, 3, H, W) in [0, 1].
    Gatys et al. 2016 (arXiv 1606.05897), luminance-only transfer. Differs: L, a, b are Oklab's, not YIQ's.
    """
    return from_oklab(torch.cat([to_oklab(image)[:, :1], to_oklab(colored)[:, 1:]], dim=1))


def power(covariance: Tensor, exponent: float) -> Tensor:
    """Return the symmetric matrix Sigma^exponent = U diag(lambda^exponent) U^T of a positive definite Sigma."""
    values, vectors = torch.linalg.eigh(covariance)
    powers = values.clamp_min(torch.finfo(values.dtype).tiny) ** exponent
    return torch.einsum("ik,k,jk->ij", vectors, powers, vectors)


def _weights(image: Tensor, alpha: Tensor | None) -> Tensor:
    """Return the weight of each of the M pixels, (M,)."""
    return torch.ones_like(image[0, 0]).flatten() if alpha is None else alpha.to(image.device).flatten()


def _map_to(image: Tensor, alpha: Tensor | None, mean: Tensor, covariance: Tensor, linear_map: str) -> Tensor:
    own_mean, own_covariance = color_moments(image, alpha)
    ridge = REGULARIZATION * torch.eye(len(mean), dtype=mean.dtype, device=mean.device)
    matrix = LINEAR_MAPS[linear_map](own_covariance + ridge, covariance + ridge)
    pixels = image[0].flatten(1)
    moved = pixels.new_empty(pixels.shape)
    for start in range(0, pixels.shape[1], PART):
        centred = pixels[:, start : start + PART].double() - own_mean[:, None]
        moved[:, start : start + PART] = matrix @ centred + mean[:, None]
    return moved.view(image.shape)


def _take_ranks(order: Tensor, weights: Tensor, values: Tensor, shares: Tensor) -> Tensor:
    """Return, for each of M numbers, the value of the same rank among N values, float64; equal numbers get their mean.

    weights: of the numbers, (M,), at least 0. shares: of the values, (N,), above 0. Both float64.
    """
    ranked, places = order.sort(stable=True)
    own = weights[places]
    known, by_value = values.sort()
    above = shares[by_value].cumsum(0)
    middle = own.cumsum(0) - own / 2
    # Multiplied first: whole and half numbers stay exact where all weights are 1.
    ranks = torch.searchsorted(above, middle * above[-1] / own.sum(), right=True).clamp_max(len(known) - 1)
    wanted = known.double()[ranks]
    _, group, counts = torch.unique_consecutive(ranked, return_inverse=True, return_counts=True)
    counted = own.clamp_min(TIE_BREAK)  # pixels that are not seen get a value too
    sums = torch.zeros(2, len(counts), dtype=torch.float64, device=order.device)
    sums.index_add_(1, group, torch.stack([counted * wanted, counted]))
    return torch.empty_like(wanted).index_copy(0, places, (sums[0] / sums[1])[group])

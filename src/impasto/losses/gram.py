"""Gram matrices and the style loss: which features occur together, wherever they are."""

from typing import Any, Literal

import torch
from torch import Tensor

GramNormalization = Literal["raw", "positions", "positions-channels"]


def gram_matrix(features: Tensor) -> Tensor:
    """Channel correlations, averaged over positions.

    features: F, (B, C, H, W). Returns (B, C, C), same dtype.
    Gatys et al. 2015 (arXiv 1508.06576), eq. 3: G_ij = sum_k F_ik F_jk.
    Differs: divided by the number of positions M = H W, so that pictures of two sizes compare.
    """
    H, W = features.shape[-2:]
    rows = features.flatten(2)  # (B, C, M)
    return row_products(rows) / (H * W)


def row_products(rows: Tensor) -> Tensor:
    """Products of every two rows, R R^T. rows: R, (B, C, M). Returns (B, C, C).

    The gradient is (D + D^T) R, one product; that which autograd derives is two, and products are a fifth of an
    evaluation (docs/experiments.md, "Matrix products").
    """
    products: Tensor = _RowProducts.apply(rows)  # type: ignore[no-untyped-call]
    return products


class _RowProducts(torch.autograd.Function):
    """Matrices one by one: oneDNN is slower with a batch of them."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        return torch.stack([one @ one.t() for one in rows])

    @staticmethod
    def backward(ctx: Any, derivatives: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        gradients = [_gradient(one, derivative) for one, derivative in zip(rows, derivatives, strict=True)]
        return gradients[0].unsqueeze(0) if len(gradients) == 1 else torch.stack(gradients)


def _gradient(rows: Tensor, derivative: Tensor) -> Tensor:
    """In the layout of the rows: adding what lies in another order to it takes longer than the product."""
    both = derivative + derivative.t()
    return both @ rows if rows.is_contiguous() else (rows.t() @ both).t()


def gram_loss(
    features: Tensor,
    target_gram: Tensor,
    normalization: GramNormalization = "raw",
) -> Tensor:
    """`gram_distance` of the pastiche's features, F, (B, C, H, W), from the style's Gram matrix. Returns a scalar."""
    return gram_distance(gram_matrix(features), target_gram, normalization)


def gram_distance(gram: Tensor, target_gram: Tensor, normalization: GramNormalization = "raw") -> Tensor:
    """Squared distance of the pastiche's Gram matrix from the style image's, summed over the batch.

    gram: G / M, (B, C, C). target_gram: A / M_style, (B, C, C) or (1, C, C). Both from `gram_matrix`. Returns a scalar.
    Gatys et al. 2015, eq. 4: E = 1 / (4 N^2 M^2) sum (G - A)^2, whose gradient is eq. 6. Here N = C, M = H W, and both
    matrices are already divided by their M, which leaves 1 / (4 N^2); where the style image has another M than
    the pastiche, this scales A by M / M_style before (4) is taken, which the paper leaves open.
    Differs with "positions": mean (G/M - A/M)^2; with "positions-channels": mean (G/(M N) - A/(M N))^2.
    """
    N = gram.shape[1]
    squares = (gram - target_gram).square().sum()
    return squares / {"raw": 4 * N**2, "positions": N**2, "positions-channels": N**4}[normalization]

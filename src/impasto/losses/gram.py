"""The Gram matrix of a feature map and the style loss of one layer (eq. 3 to 6)."""

from typing import Any, Literal

import torch
from torch import Tensor

GramNormalization = Literal["raw", "positions", "positions-channels"]


def gram_matrix(features: Tensor) -> Tensor:
    """Return the Gram matrix of a feature map, divided by its number of positions.

    features: F, (B, C, H, W), after the ReLU. Returns G / M, (B, C, C), same dtype.
    Gatys et al. 2015 (arXiv 1508.06576), eq. 3: G_ij = sum_k F_ik F_jk, which features occur together at the M = H W
    positions k.
    Differs: divided by M, so that pictures of different sizes compare; `gram_distance` accounts for it.
    """
    H, W = features.shape[-2:]
    rows = features.flatten(2)  # (B, C, M)
    return row_products(rows) / (H * W)


def row_products(rows: Tensor) -> Tensor:
    """Return the products of every two rows, R R^T. rows: R, (B, C, M). Returns (B, C, C).

    With the derivative D of the loss by R R^T, the gradient by R is (D + D^T) R: one product, where autograd would
    take two, and products are a fifth of an evaluation (docs/experiments.md, "Matrix products"). With D of eq. 4 this
    is eq. 6.
    """
    return _RowProducts.apply(rows)  # type: ignore[no-untyped-call,no-any-return]


class _RowProducts(torch.autograd.Function):
    """R R^T and its gradient; matrices one by one, since oneDNN is slower with a batch of them."""

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
    """Return (D + D^T) R in the memory layout of R; adding one in another layout takes longer than the product."""
    both = derivative + derivative.t()
    return both @ rows if rows.is_contiguous() else (rows.t() @ both).t()


def gram_loss(features: Tensor, target_gram: Tensor, normalization: GramNormalization = "raw") -> Tensor:
    """Return the style loss of one layer: `gram_distance` of the pastiche's Gram matrix to the style image's.

    features: F, (B, C, H, W). target_gram: from `gram_matrix` of the style image. Returns a scalar. The sum over layers
    with weights w_l, eq. 5, is `objective.Objective`.
    """
    return gram_distance(gram_matrix(features), target_gram, normalization)


def gram_distance(gram: Tensor, target_gram: Tensor, normalization: GramNormalization = "raw") -> Tensor:
    """Return the squared difference of the pastiche's Gram matrix and the style image's, summed over the batch.

    gram: G / M, (B, C, C). target_gram: A / M_style, (B, C, C) or (1, C, C). Both from `gram_matrix`. Returns a scalar.
    Gatys et al. 2015, eq. 4: E = 1 / (4 N^2 M^2) sum (G - A)^2, whose gradient is eq. 6. Here N = C, M = H W, and both
    matrices are already divided by their M, which leaves 1 / (4 N^2). Where the style image has another M than the
    pastiche, A is thereby scaled by M / M_style, which the paper leaves open.
    Differs with "positions": mean (G/M - A/M)^2; with "positions-channels": mean (G/(M N) - A/(M N))^2.
    """
    N = gram.shape[1]
    squares = (gram - target_gram).square().sum()
    return squares / {"raw": 4 * N**2, "positions": N**2, "positions-channels": N**4}[normalization]

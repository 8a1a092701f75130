"""Gram matrices and style loss against the paper's eq. 3, 4 and 6."""

import pytest
import torch

from impasto.losses.gram import gram_loss, gram_matrix, row_products


def responses(seed: int, shape: tuple[int, ...] = (1, 3, 4, 5)) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_value_is_equation_3_over_positions() -> None:
    F = responses(0)[0].flatten(1)  # (N, M)
    assert torch.allclose(gram_matrix(responses(0))[0], F @ F.T / 20, rtol=1e-12)


def test_gradient_before_the_relu_is_equation_6() -> None:
    before = responses(0).requires_grad_()
    maps = before.relu()
    gram_loss(maps, gram_matrix(responses(1).relu())).backward()
    F = maps.detach()[0].flatten(1)
    S = responses(1).relu()[0].flatten(1)
    N, M = F.shape
    G, A = F @ F.T, S @ S.T
    closed_form = torch.where(F > 0, (F.T @ (G - A)).T / (N**2 * M**2), torch.zeros_like(F))
    assert before.grad is not None
    assert (before.grad[0].flatten(1) - closed_form).abs().max() < 1e-10
    assert closed_form.abs().max() > 1e-3


def test_value_is_equation_4_and_the_other_normalisations_are_multiples() -> None:
    F, S = responses(0)[0].flatten(1), responses(1)[0].flatten(1)
    N, M = F.shape
    squares = float(((F @ F.T - S @ S.T) ** 2).sum())
    expected = {
        "raw": squares / (4 * N**2 * M**2),
        "positions": squares / M**2 / N**2,
        "positions-channels": squares / (M * N) ** 2 / N**2,
    }
    for kind, value in expected.items():
        assert float(gram_loss(responses(0), gram_matrix(responses(1)), kind)) == pytest.approx(value, rel=1e-12)


def test_a_style_of_another_size_is_scaled_by_positions() -> None:
    S = responses(1)
    twice = torch.cat([S, S], dim=3)  # the same statistics on twice the positions
    F = responses(0)
    assert torch.isclose(gram_loss(F, gram_matrix(twice)), gram_loss(F, gram_matrix(S)), rtol=1e-12)


@pytest.mark.parametrize("kind", ["raw", "positions", "positions-channels"])
def test_gradcheck(kind: str) -> None:
    target = gram_matrix(responses(1))
    assert torch.autograd.gradcheck(lambda F: gram_loss(F, target, kind), responses(0).requires_grad_())


def test_products_of_rows_are_differentiated_twice() -> None:
    rows = responses(0).flatten(2).requires_grad_()
    assert torch.autograd.gradcheck(row_products, rows)
    assert torch.autograd.gradgradcheck(row_products, rows)


def test_gradient_of_rows_has_their_layout() -> None:
    features = responses(0).contiguous(memory_format=torch.channels_last).requires_grad_()
    (gradient,) = torch.autograd.grad(gram_matrix(features).square().sum(), features)
    assert gradient.is_contiguous(memory_format=torch.channels_last)

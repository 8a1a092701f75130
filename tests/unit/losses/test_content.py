"""Content loss against the paper's eq. 1 and 2."""

import torch

from impasto.losses.content import content_loss


def responses(seed: int, shape: tuple[int, ...] = (1, 3, 4, 5)) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_gradient_before_the_relu_is_equation_2() -> None:
    before = responses(0).requires_grad_()
    P = responses(1).relu()
    F = before.relu()
    content_loss(F, P).backward()
    closed_form = torch.where(F > 0, F - P, torch.zeros_like(F))
    assert before.grad is not None
    assert (before.grad - closed_form).abs().max() < 1e-10
    assert closed_form.abs().max() > 0.1


def test_value_is_equation_1() -> None:
    F, P = responses(0), responses(1)
    assert torch.isclose(content_loss(F, P), 0.5 * ((F - P) ** 2).sum(), rtol=1e-12)
    assert torch.isclose(content_loss(F, P, "positions"), 0.5 * ((F - P) ** 2).sum() / 20, rtol=1e-12)
    assert torch.isclose(content_loss(F, P, "mean"), ((F - P) ** 2).mean(), rtol=1e-12)


def test_gradcheck() -> None:
    for kind in ("sum", "positions", "mean"):
        assert torch.autograd.gradcheck(content_loss, (responses(0).requires_grad_(), responses(1), kind))


def test_batch_is_the_sum_of_its_images() -> None:
    F, P = responses(0, (2, 3, 4, 5)), responses(1, (2, 3, 4, 5))
    for kind in ("sum", "positions", "mean"):
        singles = sum(content_loss(F[i : i + 1], P[i : i + 1], kind) for i in range(2))
        assert torch.isclose(content_loss(F, P, kind), torch.as_tensor(singles), rtol=1e-12)

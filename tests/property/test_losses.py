"""Laws that hold for every input."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from impasto.losses.content import content_loss
from impasto.losses.gram import gram_loss, gram_matrix
from impasto.losses.tv import tv_loss

seeds = st.integers(0, 2**31)
shapes = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 7), st.integers(1, 7))


def responses(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(shapes, seeds)
@settings(deadline=None)
def test_gram_is_symmetric_and_has_no_negative_eigenvalue(shape: tuple[int, ...], seed: int) -> None:
    gram = gram_matrix(responses(shape, seed))
    # A matrix product may round its two triangles differently, in the last digit.
    assert torch.allclose(gram, gram.transpose(1, 2), rtol=1e-12, atol=1e-14)
    assert float(torch.linalg.eigvalsh(gram).min()) > -1e-12


@given(shapes, seeds)
@settings(deadline=None)
def test_gram_ignores_the_order_of_positions(shape: tuple[int, ...], seed: int) -> None:
    F = responses(shape, seed)
    order = torch.randperm(shape[2] * shape[3], generator=torch.Generator().manual_seed(seed))
    shuffled = F.flatten(2)[..., order].reshape(shape)
    assert torch.allclose(gram_matrix(F), gram_matrix(shuffled), rtol=1e-10, atol=1e-12)


@given(shapes, seeds)
@settings(deadline=None)
def test_batch_is_its_images_one_by_one(shape: tuple[int, ...], seed: int) -> None:
    F = responses(shape, seed)
    singles = torch.cat([gram_matrix(F[i : i + 1]) for i in range(shape[0])])
    assert torch.allclose(gram_matrix(F), singles, rtol=1e-12)
    target = gram_matrix(responses((1, *shape[1:]), seed + 1))
    total = sum(gram_loss(F[i : i + 1], target) for i in range(shape[0]))
    assert torch.isclose(gram_loss(F, target), torch.as_tensor(total), rtol=1e-10)


@given(shapes, seeds)
@settings(deadline=None)
def test_nothing_has_a_loss_against_itself(shape: tuple[int, ...], seed: int) -> None:
    F = responses(shape, seed)
    assert float(content_loss(F, F)) == 0.0
    assert float(gram_loss(F, gram_matrix(F))) == 0.0


@given(shapes, st.floats(0, 1))
@settings(deadline=None)
def test_flat_image_has_no_variation(shape: tuple[int, ...], value: float) -> None:
    image = torch.full((shape[0], 3, *shape[2:]), value)
    assert float(tv_loss(image, "sum")) == float(tv_loss(image, "mean")) == 0.0

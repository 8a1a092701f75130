"""Total variation on pictures whose value is known."""

import pytest
import torch

from impasto.losses.tv import tv_loss


def test_step_edge_has_a_known_value() -> None:
    image = torch.zeros(1, 3, 4, 6)
    image[..., 3:] = 0.5  # one vertical edge of height 0.5: 4 rows, 3 channels
    assert float(tv_loss(image, "sum")) == pytest.approx(0.5 * 4 * 3)
    assert float(tv_loss(image, "mean")) == pytest.approx(0.5 * 4 * 3 / (3 * 4 * 5))


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1)])
def test_a_single_row_or_column_is_no_division_by_zero(size: tuple[int, int]) -> None:
    assert torch.isfinite(tv_loss(torch.rand(1, 3, *size), "mean"))


@pytest.mark.parametrize("kind", ["sum", "mean"])
def test_gradcheck(kind: str) -> None:
    image = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: tv_loss(x, kind), image)

"""The network: sizes, rows of parameters, and flat pictures."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from impasto.fast.network import Architecture, Network

Paint = Callable[..., Tensor]


@pytest.fixture(autouse=True)
def _without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def shares(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float32)[..., None, None]


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (3, 3), (17, 30), (32, 32)])
def test_any_size_gives_a_picture_of_that_size(size: tuple[int, int], network: Network, picture: Paint) -> None:
    painted = network(picture(*size), shares(0, 1, 0))
    assert painted.shape == (1, 3, *size)
    assert bool(((painted >= 0) & (painted <= 1)).all())


def test_each_picture_of_a_batch_has_its_own_style(network: Network, picture: Paint) -> None:
    photographs = torch.cat([picture(seed=1), picture(seed=2)])
    rows = torch.cat([shares(0, 1, 0), shares(0.2, 0.3, 0.5)])
    both = network(photographs, rows)
    for index in range(2):
        torch.testing.assert_close(
            both[index : index + 1], network(photographs[index : index + 1], rows[index : index + 1])
        )
    assert float((network(photographs, shares(0, 1, 0)) - network(photographs, shares(0, 0, 1))).abs().mean()) > 0.01


@pytest.mark.parametrize("level", [0.0, 0.3, 0.5, 1.0])
def test_a_flat_picture_gets_neither_pattern_nor_border(level: float, network: Network) -> None:
    """Rounding errors must not be taken for contrast, nor the border for an edge."""
    painted = network(torch.full((1, 3, 45, 70), level), shares(0, 0.5, 0.5))
    assert float((painted.amax((2, 3)) - painted.amin((2, 3))).max()) < 1e-5


def test_the_photograph_s_row_has_its_mean_and_contrast(network: Network, picture: Paint) -> None:
    photograph = 0.4 + 0.2 * picture(40, 40)
    painted = network(photograph, shares(1, 0, 0))
    torch.testing.assert_close(painted.mean((2, 3)), photograph.mean((2, 3)), atol=0.02, rtol=0)
    torch.testing.assert_close(painted.std((2, 3)), photograph.std((2, 3)), atol=0.02, rtol=0)


def test_faint_noise_is_not_taken_for_contrast(network: Network) -> None:
    noise = 0.5 + torch.randint(-1, 2, (1, 3, 45, 70)) / 255
    assert float(network(noise, shares(0, 0.5, 0.5)).std((2, 3)).max()) < 0.05


def test_enlargement_begins_as_interpolation() -> None:
    """With random kernels the grid of the enlarged pixels is seen in what is smooth."""
    fresh = Network(Architecture(width=8, blocks=1), 1)
    fresh.initialize(torch.Generator().manual_seed(0))
    layer = fresh.parts()[2][0]
    ramp = torch.linspace(0, 1, 40).expand(1, 32, 1, 40)
    out = layer.convolve(ramp)[..., 1:-1]
    steps = out.diff(dim=-1)
    assert float(steps.std(-1).max()) < 1e-4 * float(steps.abs().mean())

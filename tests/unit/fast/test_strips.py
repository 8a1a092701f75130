"""A picture painted in strips is the picture painted whole."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.fast.network import Network
from impasto.fast.strips import StripPainter

Paint = Callable[..., Tensor]


@pytest.mark.parametrize("size", [(1, 3), (9, 9), (37, 53), (64, 32), (101, 30)])
@pytest.mark.parametrize("strip", [1, 2000, 2**21])
@pytest.mark.parametrize("on_disk", [False, True])
def test_strips_equal_the_whole(
    size: tuple[int, int], strip: int, on_disk: bool, network: Network, picture: Paint
) -> None:
    """Any difference beyond rounding would be a mean or deviation of a strip instead of the picture's."""
    photograph, shares = picture(*size), torch.tensor([[0.2, 0.5, 0.3]])[..., None, None]
    with torch.no_grad():
        whole = network(photograph, shares)
    painted = StripPainter(network).paint(photograph, shares, strip=strip, on_disk=on_disk)
    assert float((painted - whole).abs().max()) < 1e-4 < 1 / 255


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
def test_a_flat_picture_gets_neither_pattern_nor_border(level: float, network: Network) -> None:
    shares = torch.tensor([[0, 0.5, 0.5]])[..., None, None]
    painted = StripPainter(network).paint(torch.full((1, 3, 45, 70), level), shares, strip=2000)
    assert float((painted.amax((2, 3)) - painted.amin((2, 3))).max()) < 1e-4


def test_regions_have_their_own_rows(network: Network, picture: Paint) -> None:
    photograph = picture(48, 40)
    left = (torch.arange(40) < 20).float().expand(1, 1, 48, 40)
    shares = torch.cat([torch.zeros_like(left), left, 1 - left], dim=1)
    whole = StripPainter(network).paint(photograph, shares)
    torch.testing.assert_close(whole, StripPainter(network).paint(photograph, shares, strip=1), atol=1e-4, rtol=0)
    painter = StripPainter(network)
    first, second = (
        painter.paint(photograph, torch.tensor([row])[..., None, None]) for row in ([0, 1.0, 0], [0, 0, 1.0])
    )
    assert min(float((whole - each).abs().mean()) for each in (first, second)) > 0.01
    alike = torch.cat([torch.zeros_like(left), torch.ones_like(left), torch.zeros_like(left)], dim=1)
    torch.testing.assert_close(StripPainter(network).paint(photograph, alike), first)

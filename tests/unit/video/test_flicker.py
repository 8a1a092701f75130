"""The warping error: 0 for what moves along, and that of a change where it is seen."""

import pytest
import torch
from torch import Tensor

from impasto.video.flicker import warping_error


def flow(dx: float) -> Tensor:
    return torch.tensor([dx, 0.0]).view(1, 2, 1, 1).expand(1, 2, 8, 12)


def test_what_moves_along_has_none() -> None:
    whole = torch.rand(1, 3, 8, 14, generator=torch.Generator().manual_seed(0))
    before, frame = whole[..., :12], whole[..., 2:]
    visible = torch.ones(1, 1, 8, 12)
    visible[..., -2:] = 0
    assert warping_error(frame, before, flow(2.0), visible) < 1e-10
    assert warping_error(frame, before, flow(0.0), visible) > 0.01


def test_it_is_the_mean_square_over_what_is_visible() -> None:
    before, frame = torch.zeros(1, 3, 8, 12), torch.zeros(1, 3, 8, 12)
    frame[:, :, :, :6], frame[:, 0, :, 6:] = 1.0, 0.3
    visible = (torch.arange(12) >= 6).float().expand(1, 1, 8, 12)
    assert warping_error(frame, before, flow(0.0), visible) == pytest.approx(0.3**2 / 3)
    assert warping_error(frame, before, flow(0.0), torch.zeros_like(visible)) == 0

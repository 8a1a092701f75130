"""Cuts: found between shots, and not where a shot pans, flashes or stands still."""

import torch
from torch import Tensor

from impasto.video.scenes import is_cut


def shot(seed: int, height: int = 96, width: int = 160) -> Tensor:
    """A picture of some colored spots, (1, 3, H, W), in a palette of its own."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=generator)
    tint = torch.rand(1, 3, 1, 1, generator=generator)
    fine = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    return (0.5 * fine + 0.6 * tint - 0.1).clamp(0, 1)


def test_two_shots_have_a_cut_between_them() -> None:
    assert is_cut(shot(1), shot(2)) and is_cut(shot(2), shot(3))


def test_one_shot_has_none() -> None:
    still = shot(1)
    assert not is_cut(still, still)
    assert not is_cut(still[..., :120], still[..., 6:126])  # a pan
    assert not is_cut(still[..., :120], still[..., 40:])  # a very fast one
    assert not is_cut(still, (1.6 * still).clamp(0, 1))  # a flash
    black = torch.zeros_like(still)
    assert not is_cut(black, black)

"""Steadied frames: what flickers is calmed, what moves or changes is not held back, detail stays."""

import torch
from torch import Tensor

from impasto.video.flicker import warping_error
from impasto.video.flow import find_motion
from impasto.video.stabilize import steady_frame


def smooth(seed: int, height: int = 64, width: int = 96, grain: int = 8) -> Tensor:
    coarse = torch.rand(1, 3, height // grain, width // grain, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)


def flickering(film: list[Tensor]) -> list[Tensor]:
    """Each frame with some noise of its own, as a network would paint it."""
    return [(0.8 * frame + 0.2 * smooth(50 + index, grain=4)).clamp(0, 1) for index, frame in enumerate(film)]


def steadied(film: list[Tensor], painted: list[Tensor]) -> list[Tensor]:
    steady = painted[:1]
    for index in range(1, len(film)):
        steady.append(steady_frame(painted[index], film[index], steady[-1], film[index - 1]))
    return steady


def flicker(film: list[Tensor], painted: list[Tensor]) -> float:
    pairs = range(1, len(film))
    return sum(warping_error(painted[i], painted[i - 1], *find_motion(film[i], film[i - 1])) for i in pairs)


def pan(frames: int) -> list[Tensor]:
    ground = smooth(1, 64, 192)
    return [ground[..., 3 * index : 3 * index + 96].contiguous() for index in range(frames)]


def test_a_pan_flickers_less() -> None:
    film = pan(6)
    painted = flickering(film)
    assert flicker(film, steadied(film, painted)) < 0.4 * flicker(film, painted)


def test_a_frame_that_shows_something_else_stays_as_painted() -> None:
    painted = smooth(3)
    found = steady_frame(painted, smooth(1), smooth(4), smooth(2))
    assert float((found - painted).abs().mean()) < 0.02


def test_a_change_of_light_is_not_held_back() -> None:
    film, painted = [0.4 * smooth(1), smooth(1)], [0.4 * smooth(3), smooth(3)]
    found = steadied(film, painted)[1]
    assert float((found - painted[1]).abs().mean()) < 0.02


def test_nothing_trails() -> None:
    still, painted = smooth(1), torch.full((1, 3, 64, 96), 0.5)
    assert torch.allclose(steady_frame(painted, still, torch.ones(1, 3, 64, 96), still), painted, atol=1e-6)


def test_it_has_the_size_of_the_painted_frame() -> None:
    assert steady_frame(smooth(3, 32, 48), smooth(1), smooth(4, 32, 48), smooth(1)).shape == (1, 3, 32, 48)


def test_contrast_stays_where_strokes_have_nothing_in_common() -> None:
    still = smooth(1)
    film, painted = [still] * 8, [0.5 + 0.25 * (smooth(60 + index, grain=4) - 0.5) for index in range(8)]
    steady = steadied(film, painted)
    assert flicker(film, steady) < 0.5 * flicker(film, painted)
    assert float(steady[-1].std()) > 0.7 * float(painted[-1].std())  # 0.45 by the mean alone

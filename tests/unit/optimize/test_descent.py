"""L-BFGS where curvature misleads it: a hump to leave, and a plateau that asks for a step of thousands."""

import itertools

import torch

from impasto.optimize.descent import LARGEST_CHANGE, Lbfgs
from impasto.optimize.loop import build_evaluate, minimize


def test_lbfgs_leaves_a_hump_and_takes_no_giant_step() -> None:
    """cos has negative curvature at the start, none where it turns, and its lowest point at 1."""
    evaluate = build_evaluate(lambda image: {"total": torch.cos(torch.pi * image).sum()}, gamut="free")
    start = torch.linspace(0.02, 0.1, 48).reshape(1, 3, 4, 4)
    seen = [start]
    minimum = minimize(evaluate, start, Lbfgs, steps=60, on_step=lambda event: seen.append(event.image))
    changes = [float((b - a).square().mean().sqrt()) for a, b in itertools.pairwise(seen)]
    assert max(changes) <= LARGEST_CHANGE * 1.001
    torch.testing.assert_close(minimum.image, torch.ones_like(start), atol=1e-2, rtol=0)


def test_a_loop_goes_on_with_the_probe_that_it_has_reached() -> None:
    """On a hump there is no pair to keep, and each step probes twice as far as the one before."""
    evaluate = build_evaluate(lambda image: {"total": torch.cos(torch.pi * image).sum()}, gamut="free")
    start = torch.linspace(0.02, 0.1, 48).reshape(1, 3, 4, 4)
    whole = minimize(evaluate, start, Lbfgs, steps=8)
    states: list[dict[str, object]] = []
    minimize(evaluate, start, Lbfgs, steps=4, keep=lambda state, stops: states.append(state()))
    again = minimize(evaluate, start, Lbfgs, steps=8, state=states[-1])
    assert torch.equal(again.image, whole.image)

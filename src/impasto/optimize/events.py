"""The event that a running optimization sends to its callback after each step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvent:
    """One finished step.

    scale: long edge of the picture being painted, in pixels. size: (height, width) of the finished one.
    step, steps: updates done and planned, over all scales. plan: long edge and steps of each part of the run, in turn.
    losses: the weighted terms by name, and `total`, of the picture after this step.
    elapsed_s: seconds since the run began. rolled_back: whether this step diverged and was undone.
    finish: converts the picture being painted to the colors of the result.
    """

    scale: int
    size: tuple[int, int]
    step: int
    steps: int
    losses: Mapping[str, float]
    elapsed_s: float
    rolled_back: bool = False
    plan: tuple[tuple[int, int], ...] = ()
    image: Tensor = field(repr=False)
    finish: Callable[[Tensor], Tensor] = field(repr=False, default=lambda painted: painted)

    @property
    def pastiche(self) -> Tensor:
        """A copy of the picture in the colors of the result: (1, 3, H, W) float32 in [0, 1], sRGB, on the CPU.

        `image` is what is being painted: under `--color content-luma`, for one, it is grey.
        """
        return self.finish(self.image.detach().to("cpu", torch.float32, copy=True).clamp_(0, 1))


OnStep = Callable[[StepEvent], object]
"""A callback after each step; returning "stop" ends the run with the best picture so far."""

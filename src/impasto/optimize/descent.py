"""L-BFGS and Adam on an image.

Both take the gradient as an argument instead of a closure, so that the loop sees every evaluation and can undo a step.
Scalars stay tensors on the image's device: to read one, the CPU waits for a GPU.
"""

from collections import deque
from typing import Any, Protocol

import torch
from torch import Tensor

FIRST_CHANGE = 1e-2
"""Root mean square of the first L-BFGS step, in units of the color range; its one purpose is to probe the curvature."""

SMOOTH_GAIN = 2.0
"""Factor of the initial inverse Hessian among waves. 1.5 and 2.5 end 3 and 7 % lower than 1; 4 overshoots at first."""

LARGEST_CHANGE = 0.1
"""Largest root mean square of an L-BFGS step: a pair of hardly any curvature gives steps of thousands."""


class Descent(Protocol):
    """An optimizer that proposes the next image."""

    def update(self, image: Tensor, gradient: Tensor) -> Tensor:
        """Return the next image. image, gradient: (B, 3, H, W); neither is changed."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return the state after the updates so far: JSON values and tensors that later updates do not change."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly from the state of a Descent built with the same arguments."""
        ...


class Lbfgs:
    """Limited-memory BFGS without line search: two-loop recursion over the last `history` steps.

    Nocedal and Wright 2006, algorithm 7.4. The paper names L-BFGS and no line search. Written out here because
    torch.optim.LBFGS evaluates inside its step, so that a loop cannot undo one, and has absolute thresholds; it reaches
    the same loss (docs/experiments.md). Differs: a pair whose curvature is not positive relative to its
    length is skipped. With a fourier_exponent p > 0 the unknowns are the image's frequencies divided by f^-p, which
    is the same as starting the recursion from f^(-2 p) instead of the identity.
    """

    def __init__(self, learning_rate: float = 1.0, history: int = 50, fourier_exponent: float = 0.0) -> None:
        self.learning_rate = learning_rate
        self.fourier_exponent = fourier_exponent
        self.pairs: deque[tuple[Tensor, Tensor, Tensor]] = deque(maxlen=history)
        self._last: tuple[Tensor, Tensor] | None = None
        self._probe = FIRST_CHANGE
        self._weights: Tensor | None = None

    def update(self, image: Tensor, gradient: Tensor) -> Tensor:
        if self._last is not None:
            step, change = image - self._last[0], gradient - self._last[1]
            scalars = torch.stack([_dot(step, change), _dot(change, change), _dot(step, step)])
            curvature, changes, steps = scalars.tolist()
            if curvature > 1e-8 * changes**0.5 * steps**0.5:
                self.pairs.append((step, change, _precise(scalars[0])))
            elif not self.pairs:
                self._probe = min(2 * self._probe, LARGEST_CHANGE)
        self._last = (image, gradient)
        return self._direction(gradient).mul_(self.learning_rate).add_(image)

    def state_dict(self) -> dict[str, Any]:
        pairs = [[step, change, float(curvature)] for step, change, curvature in self.pairs]
        return {"pairs": pairs, "last": self._last, "probe": self._probe}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for step, change, curvature in state["pairs"]:
            self.pairs.append((step, change, _precise(step.new_full((), curvature))))
        self._last = None if state["last"] is None else (state["last"][0], state["last"][1])
        self._probe = state["probe"]

    def _direction(self, gradient: Tensor) -> Tensor:
        if not self.pairs:
            direction = self._smooth(-gradient)
            return direction * (self._probe / _rms(direction))
        direction = -gradient
        shares = []
        for step, change, curvature in reversed(self.pairs):
            share = _dot(step, direction) / curvature
            direction = direction.addcmul_(change, share, value=-1)
            shares.append(share)
        _, change, curvature = self.pairs[-1]
        scale = curvature / _dot(change, self._smooth(change))
        if self.fourier_exponent > 0:
            scale = scale * SMOOTH_GAIN
        direction = self._smooth(direction).mul_(scale)
        for (step, change, curvature), share in zip(self.pairs, reversed(shares), strict=True):
            direction = direction.addcmul_(step, share - _dot(change, direction) / curvature)
        return direction.mul_((LARGEST_CHANGE / _rms(direction)).clamp_max(1.0))

    def _smooth(self, image: Tensor) -> Tensor:
        """The image times the initial inverse Hessian up to a factor: f^(-2 fourier_exponent) at each frequency f."""
        if self.fourier_exponent == 0:
            return image
        H, W = image.shape[-2:]
        if self._weights is None:
            down = torch.fft.fftfreq(H, device=image.device, dtype=image.dtype)[:, None]
            across = torch.fft.rfftfreq(W, device=image.device, dtype=image.dtype)
            # The mean color, of frequency 0, counts as the longest wave.
            frequency = (down.square() + across.square()).sqrt().clamp_min(1 / max(H, W))
            self._weights = frequency ** (-2 * self.fourier_exponent)
        smooth = torch.empty_like(image)
        for channel in range(image.shape[1]):  # one at a time: the waves of all three would set a run's peak of memory
            waves = torch.fft.rfft2(image[:, channel]).mul_(self._weights)
            smooth[:, channel] = torch.fft.irfft2(waves, s=(H, W))
        return smooth


class Adam:
    """torch.optim.Adam on the image."""

    def __init__(self, learning_rate: float = 0.02) -> None:
        self.learning_rate = learning_rate
        self._image: Tensor | None = None
        self._optimizer: torch.optim.Adam | None = None

    def update(self, image: Tensor, gradient: Tensor) -> Tensor:
        if self._image is None or self._optimizer is None:
            self._image, self._optimizer = self._begin(image)
        self._image.grad = gradient
        self._optimizer.step()
        return self._image.clone()

    def state_dict(self) -> dict[str, Any]:
        if self._image is None or self._optimizer is None:
            return {"image": None}
        moments = self._optimizer.state[self._image]
        averages = {name: moments[name].clone() for name in ("exp_avg", "exp_avg_sq")}
        return {"image": self._image.clone(), "step": float(moments["step"]), **averages}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state["image"] is None:
            return
        self._image, self._optimizer = self._begin(state["image"])
        moments = {name: state[name] for name in ("exp_avg", "exp_avg_sq")}
        self._optimizer.state[self._image] = {"step": torch.tensor(state["step"]), **moments}

    def _begin(self, image: Tensor) -> tuple[Tensor, torch.optim.Adam]:
        image = image.clone()
        return image, torch.optim.Adam([image], lr=self.learning_rate)


def _rms(a: Tensor) -> Tensor:
    return _precise(a.square().mean().sqrt().clamp_min(torch.finfo(a.dtype).tiny))


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return torch.dot(a.flatten(), b.flatten())


def _precise(scalar: Tensor) -> Tensor:
    """The scalar in float64, as Python computes; what is computed with it is too. On Apple's GPUs there is none."""
    return scalar if scalar.device.type == "mps" else scalar.double()

"""The optimization loop: evaluate, step, remember the best image, roll back a step that diverges."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from impasto.optimize.descent import Descent
from impasto.optimize.events import OnStep, StepEvent
from impasto.system.device import is_out_of_memory
from impasto.system.torch_settings import Precision, products_in

logger = logging.getLogger(__name__)

TOLERANCE_STEPS = 10
MAX_ROLLBACKS = 8
DIVERGENCE = 100.0
"""A loss this many times the best so far, and above a hundredth of the first, counts as divergence."""

NEGLIGIBLE = 2e-3
"""Fraction of the loss of a silent image below which the start is as good as painted."""

Losses = Mapping[str, float]
Evaluate = Callable[[Tensor], tuple[Losses, Tensor]]
"""image -> (losses by name with "total", gradient of the total)."""

State = dict[str, Any]
"""Everything that an exact resume needs: JSON values and tensors, in dicts and lists."""

Keep = Callable[[Callable[[], State], bool], object]
"""Called after a step with a function that returns the state, and with whether the loop stops there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """The best image of a loop, its losses, the steps taken, and why the loop ended; "memory": it ran out."""

    image: Tensor
    losses: Losses
    steps: int
    end: Literal["steps", "tolerance", "stopped", "diverged", "memory"]


def build_evaluate(
    objective: Callable[[Tensor], dict[str, Tensor]],
    *,
    gamut: Literal["keep", "free"],
    precision: Precision = "float32",
) -> Evaluate:
    """Return the function from an image to its losses and gradient under an objective.

    gamut "keep": the objective sees the image clamped to [0, 1], and the gradient is blocked only where it would push a
    clamped pixel further out. What is saved is then what was optimized, at no cost (docs/experiments.md).
    precision: the encoder's.
    """

    def evaluate(image: Tensor) -> tuple[Losses, Tensor]:
        seen = image.detach().clamp(0, 1) if gamut == "keep" else image.detach().clone()
        seen.requires_grad_()
        with torch.enable_grad(), products_in(precision):
            terms = objective(seen)
            (gradient,) = torch.autograd.grad(terms["total"], seen)
        names, values = tuple(terms), torch.stack([term.detach() for term in terms.values()])
        del seen, terms  # a picture: the masks below would be a large run's peak
        if gamut == "keep":
            gradient.masked_fill_((image < 0).logical_and_(gradient > 0), 0)
            gradient.masked_fill_((image > 1).logical_and_(gradient < 0), 0)
        # Read last and at once: the CPU waits here until a GPU has done all that was asked of it.
        return dict(zip(names, values.tolist(), strict=True)), gradient

    return evaluate


def minimize(
    evaluate: Evaluate,
    image: Tensor,
    build_descent: Callable[[float], Descent],
    *,
    steps: int,
    tolerance: float = 0.0,
    on_step: OnStep | None = None,
    keep: Keep | None = None,
    state: State | None = None,
    silent_loss: float = 0.0,
    clock: Callable[[], float] = time.perf_counter,
) -> Minimum:
    """Return the best image found in at most `steps` steps from `image`.

    build_descent: returns a fresh Descent for a factor of the learning rate; called again with half the factor after
    each roll-back. A step whose loss is not finite or explodes is undone: the image goes back to the best so far.
    tolerance: ends the loop when the best loss fell by less than this share over 10 steps.
    on_step: may return "stop". Ctrl-C (KeyboardInterrupt) has the same effect after the first step, and is raised
    before it. Running out of memory after the first evaluation ends the loop; before, it is raised.
    state: that of another loop with the same arguments, from which this one continues instead of from `image`; it is
    emptied, so that no tensor is held longer than needed.
    silent_loss: that of a silent image, 0 if unknown. From a start that is as good as painted, such as a photograph of
    one color with `--color match`, every step seems to explode: that is no warning there, and ends as "tolerance".
    """
    start = clock()
    if state is None:
        losses, gradient = evaluate(image)
        best = Minimum(image=image, losses=losses, steps=0, end="steps")
        first_total = losses["total"]
        bests = [first_total]
        factor, rollbacks, step = 1.0, 0, 0
        descent = build_descent(factor)
    else:
        image, gradient, losses = state["image"], state["gradient"], state["losses"]
        best = Minimum(image=state["best_image"], losses=state["best_losses"], steps=0, end="steps")
        first_total, bests = state["first_total"], list(state["bests"])
        factor, rollbacks, step = state["factor"], state["rollbacks"], state["step"]
        descent = build_descent(factor)
        descent.load_state_dict(state["descent"])
        state.clear()

    is_painted = first_total < NEGLIGIBLE * silent_loss

    def current() -> State:
        return {
            **{"image": image, "gradient": gradient, "losses": dict(losses)},
            **{"best_image": best.image, "best_losses": dict(best.losses)},
            **{"first_total": first_total, "bests": bests[-1 - TOLERANCE_STEPS :]},
            **{"factor": factor, "rollbacks": rollbacks, "step": step, "descent": descent.state_dict()},
        }

    try:
        while (end := _ended(step, steps, rollbacks, bests, tolerance)) is None:
            with products_in("float32"):
                candidate = descent.update(image, gradient)
            candidate_losses, candidate_gradient = evaluate(candidate)
            step += 1
            diverged = _has_diverged(candidate_losses["total"], best.losses["total"], first_total)
            if diverged:
                rollbacks += 1
                factor /= 2
                logger.log(
                    logging.INFO if is_painted else logging.WARNING,
                    "step %d diverged (loss %.4g, best %.4g); going back to the best picture with a step of %g",
                    step, candidate_losses["total"], best.losses["total"], factor,
                )  # fmt: skip
                image = best.image
                losses, gradient = evaluate(image)
                descent = build_descent(factor)
            else:
                image, losses, gradient = candidate, candidate_losses, candidate_gradient
                if losses["total"] < best.losses["total"]:
                    best = replace(best, image=image, losses=losses)
            bests.append(best.losses["total"])
            stops = False
            if on_step is not None:
                event = StepEvent(
                    scale=max(image.shape[-2:]), size=(image.shape[-2], image.shape[-1]), step=step, steps=steps,
                    losses=losses, elapsed_s=clock() - start, rolled_back=diverged, image=image,
                )  # fmt: skip
                answer = on_step(event)
                stops = isinstance(answer, str) and answer == "stop"  # an array has no truth
            if keep is not None:
                keep(current, stops)
            if stops:
                return replace(best, steps=step, end="stopped")
    except KeyboardInterrupt:
        if step == 0:
            raise
        return replace(best, steps=step, end="stopped")
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return replace(best, steps=step, end="memory")
    return replace(best, steps=step, end="tolerance" if end == "diverged" and is_painted else end)


def _ended(
    step: int, steps: int, rollbacks: int, bests: Sequence[float], tolerance: float
) -> Literal["steps", "tolerance", "diverged"] | None:
    if rollbacks > MAX_ROLLBACKS:
        return "diverged"
    if len(bests) > TOLERANCE_STEPS and bests[-1 - TOLERANCE_STEPS] - bests[-1] < tolerance * bests[-1]:
        return "tolerance"
    return "steps" if step >= steps else None


def _has_diverged(total: float, best: float, first: float) -> bool:
    if not math.isfinite(total):
        return True
    return math.isfinite(best) and total > DIVERGENCE * best and total > first / DIVERGENCE

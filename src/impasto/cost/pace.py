"""The pace of a run: the share of its work that is done and the seconds left, from its estimate and its own steps."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # so that it can be imported without torch
    from impasto.cost.estimate import Estimate
    from impasto.optimize.events import StepEvent

RECENT = 0.9
"""How much a step counts in the pace for the one after it."""

SMOOTHING = 0.2
"""Share of a new forecast in the time left that is shown."""

PRIOR = 0.01
"""Share of a run's work until which its estimate counts beside its steps: small scales say little of large ones."""

MEASURED, MEASURED_S = 5, 5.0
"""Steps and seconds of a run after which its estimate may be corrected."""

WORTH_S = 20.0
"""Seconds of difference that are worth a correction."""


class Pace:
    """The share of a run's work that is done, and the seconds left, from the seconds that its last steps took.

    A step's work is its estimated seconds at that scale, or in proportion to the pixels where there is no estimate.
    share: of the work, 0 to 1. left_s: None before the second step. total_s: seconds of the whole run, as far as known.
    """

    def __init__(self, estimate: "Estimate | None" = None) -> None:
        self.share, self.total_s = 0.0, 0.0
        self.left_s: float | None = None
        self._planned_s = None if estimate is None else estimate.seconds - estimate.fine_s
        self._work = {} if estimate is None else _step_work(estimate)
        self._scale, self._step, self._elapsed_s = 0, 0, 0.0
        self._recent_s, self._recent_work, self._measured, self._measured_work = 0.0, 0.0, 0, 0.0

    def on_step(self, event: "StepEvent") -> None:
        """Update all."""
        plan = event.plan or ((event.scale, event.steps),)
        work, done = list[tuple[int, float]](), 0  # steps left, and work of each, in every part
        for scale, steps in plan:
            done += steps
            work.append((min(steps, max(0, done - event.step)), self._work_at(scale)))
        left = sum(steps * each for steps, each in work)
        whole = sum(steps * self._work_at(scale) for scale, steps in plan)
        self.share = (whole - left) / whole
        taken_s, steps = event.elapsed_s - self._elapsed_s, event.step - self._step
        if event.scale == self._scale and steps > 0:
            # The first step of a scale does not count: it includes the preparation.
            self._recent_s = RECENT**steps * self._recent_s + taken_s
            self._recent_work = RECENT**steps * self._recent_work + steps * self._work_at(event.scale)
            self._measured += steps
            self._measured_work += steps * self._work_at(event.scale)
        if self._recent_work:
            # An estimate's work is seconds, so that it is added to both.
            prior = max(0.0, PRIOR * whole - self._measured_work) if self._work else 0.0
            left_s = (self._recent_s + prior) / (self._recent_work + prior) * left
            smooth_s = left_s if self.left_s is None else max(0.0, self.left_s - taken_s)
            self.left_s = smooth_s + SMOOTHING * (left_s - smooth_s) if left else 0.0
            self.total_s = event.elapsed_s + self.left_s
        self._scale, self._step, self._elapsed_s = event.scale, event.step, event.elapsed_s

    def take_correction(self) -> str:
        """Return, once, a line where the run will take a third more or less than planned; else nothing."""
        planned_s = self._planned_s
        if planned_s is None or self._measured < MEASURED or self._elapsed_s < MEASURED_S:
            return ""
        difference_s = self.total_s - planned_s
        if abs(difference_s) < max(planned_s / 3, WORTH_S):
            return ""
        self._planned_s = None
        total = describe_seconds(self.total_s)
        if difference_s < 0:
            return f"quicker than planned: about {total} in all"
        return f"slower than planned: other work on this machine? about {total} in all"

    def describe(self) -> str:
        """Return it in words, `38 %, 25 s left`."""
        left = "" if not self.left_s else f", {describe_seconds(self.left_s)} left"
        return f"{int(100 * self.share)} %{left}"

    def _work_at(self, scale: int) -> float:
        return self._work.get(scale, float(scale) ** 2)


def _step_work(estimate: "Estimate") -> Mapping[int, float]:
    """Return the estimated seconds of a step at each long edge, over all parts of that size."""
    steps, seconds = dict[int, int](), dict[int, float]()
    for part, evaluation_s in zip(estimate.plan.parts, estimate.evaluation_s, strict=True):
        scale = max(part.size)
        steps[scale] = steps.get(scale, 0) + part.steps
        seconds[scale] = seconds.get(scale, 0.0) + part.steps * evaluation_s
    return {scale: seconds[scale] / steps[scale] for scale in steps}


def describe_seconds(seconds: float) -> str:
    """Return a duration in words: `25 s`, `3 min 20 s`, `21 min 30 s`, `2 h 05 min`."""
    whole = round(seconds) if seconds < 600 else 10 * round(seconds / 10)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"

"""The runner of a job: it paints the parts of the plan in turn and plans the rest anew if memory runs out."""

import logging
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from impasto.control.color import see_grey
from impasto.cost.calibration import learn_speed, speed_key
from impasto.cost.estimate import evaluation_passes
from impasto.errors import OutOfMemoryError
from impasto.images.resize import resize_image
from impasto.losses.objective import Objective
from impasto.optimize.descent import Adam, Descent, Lbfgs
from impasto.optimize.events import OnStep, StepEvent
from impasto.optimize.loop import Evaluate, Keep, Losses, Minimum, State, build_evaluate, minimize
from impasto.optimize.schedule import Part
from impasto.painting.job import memory_hint
from impasto.painting.recorder import Recorder
from impasto.painting.targets import Targets
from impasto.recipe.recipe import Recipe
from impasto.runs.checkpoint import map_tensors
from impasto.system.device import is_out_of_memory, name_devices
from impasto.system.memory import format_memory

logger = logging.getLogger(__name__)

LEARNT_EVALUATIONS = 3
"""Evaluations of a part, without the first, from which the machine's speed is corrected."""


class Runner:
    """One run through a job's plan. painted: the finished parts, with the steps that they took."""

    def __init__(self, targets: Targets, recorder: Recorder) -> None:
        self.job = targets.job
        self.painted: list[Part] = []
        self._targets = targets
        self._recorder = recorder
        self._planner = targets.job.planner  # replaced by one of a smaller budget if memory runs out
        self._started_s = time.perf_counter()

    def run(self, on_step: OnStep | None, finish: Callable[[Tensor], Tensor]) -> Minimum:
        """Return the best picture, at the plan's size, with the steps of all parts.

        finish: from the picture as it is painted to the one that step events show.
        """
        job, plan = self.job, self.job.plan
        # Emptied part by part: its tensors would be held for the whole run.
        state = self._recorder.state
        self.painted = list(plan.parts[: state.pop("painted", 0)])
        self._started_s -= state.pop("seconds", 0.0)
        remaining, done = list(plan.parts[len(self.painted) :]), bool(state.pop("done", False))
        last_minimum = state.pop("minimum", None)
        minimum = _to_minimum(last_minimum) if last_minimum else None
        if minimum is not None:
            image = minimum.image
        else:
            image = job.start if job.start is not None else self._targets.build_start(plan.parts[0].size)
        try:
            while not done:
                part = remaining.pop(0)
                reached = self._paint_part(part, remaining, image, self._to_run_steps(part, remaining, on_step, finish))
                if reached is None or reached.end == "memory":
                    remaining = self._lower_memory(part, 0 if reached is None else reached.steps, remaining)
                if reached is not None and reached.steps:
                    self.painted.append(replace(part, steps=reached.steps))
                    minimum, image = reached, reached.image
                if minimum is not None and minimum.end == "stopped":
                    break
                if minimum is not None:
                    done = not remaining or minimum.end == "diverged"
                    best = {"image": minimum.image, "losses": dict(minimum.losses), "end": minimum.end}
                    state = self._state(remaining, self._steps_done)
                    self._recorder.checkpoint({**state, "minimum": best, "done": done})
        except KeyboardInterrupt:
            if minimum is None:
                raise
            minimum = replace(minimum, end="stopped")
        assert minimum is not None
        return replace(minimum, image=resize_image(minimum.image, plan.size), steps=self._steps_done)

    def elapsed_s(self) -> float:
        """Return the seconds that the run has taken so far, those before a stop included."""
        return time.perf_counter() - self._started_s

    @property
    def _steps_done(self) -> int:
        return sum(part.steps for part in self.painted)

    def _paint_part(
        self, part: Part, remaining: Sequence[Part], image: Tensor, on_step: OnStep | None
    ) -> Minimum | None:
        """Return the best picture of one part, on the CPU; None if memory ran out before the first evaluation.

        If the recorder's state has a loop, that is continued.
        """
        targets, recipe, durations = self._targets, self.job.recipe, list[float]()
        device, state = self.job.device, self._recorder.state
        loop: State | None = state.pop("loop", None)
        try:
            objective = targets.build_objective(part)
            if loop is not None:
                loop = map_tensors(loop, lambda tensor: tensor.to(device))
                matches = state.pop("objective")
                objective.load_state_dict(map_tensors(matches, lambda tensor: tensor.to(device)))
            state.clear()
            visible = see_grey(objective) if targets.is_grey else objective
            evaluate = _timed(build_evaluate(visible, gamut=recipe.gamut, precision=part.precision), durations)
            reached = minimize(
                evaluate,
                targets.enlarge(image, part.size).to(device),
                _descents(recipe, part.memory.history),
                steps=part.steps,
                tolerance=recipe.tolerance,
                on_step=on_step,
                keep=self._checkpoint_callback(part, remaining, objective),
                state=loop,
                silent_loss=objective.silent_loss,
            )
            # The delivered picture is in the gamut, so its losses are those after clamping.
            best = reached.image.detach().clamp(0, 1)
            is_last = reached.end == "diverged" or (not remaining and reached.end in ("steps", "tolerance"))
            if recipe.gamut == "free" and is_last:
                reached = replace(reached, losses=evaluate(best)[0])
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            return replace(_to_minimum(loop, "best_"), steps=loop["step"], end="memory") if loop else None
        self._learn(part, durations)
        return replace(reached, image=best.to("cpu"))

    def _lower_memory(self, failed: Part, done: int, remaining: Sequence[Part]) -> list[Part]:
        """Return the remaining parts in less memory, after a part ran out of it in the step after `done`."""
        devices = name_devices(self.job.devices)
        problem = f"out of memory on {devices} at {max(failed.size)} px, {_describe_memory(failed)}"
        lowered = self._planner.lower(failed, done, remaining)
        if lowered is None:
            raise OutOfMemoryError(f"{problem}, and there is no smaller plan.", memory_hint(self.job.plan))
        self._planner, parts = lowered
        if self.job.device.type == "cuda":
            torch.cuda.empty_cache()
        if parts:
            logger.warning("%s; going on from the best picture so far, %s", problem, _describe_memory(parts[0]))
        return parts

    def _checkpoint_callback(self, part: Part, remaining: Sequence[Part], objective: Objective) -> Keep | None:
        def to_run_state(loop: State) -> State:
            state = self._state([part, *remaining], self._steps_done + loop["step"])
            return {**state, "loop": loop, "objective": objective.state_dict()}

        return self._recorder.checkpoint_callback(to_run_state)

    def _state(self, remaining: Sequence[Part], step: int) -> State:
        """Return the values that all checkpoints of the run have in common."""
        plan = self.job.plan.with_parts([*self.painted, *remaining]).to_dict()
        return {"plan": plan, "painted": len(self.painted), "step": step, "seconds": self.elapsed_s()}

    def _learn(self, part: Part, durations: Sequence[float]) -> None:
        """Correct the stored speed of this machine, if there is one, after enough evaluations."""
        if len(durations) <= LEARNT_EVALUATIONS:
            return
        job, workload = self.job, self._planner.workload(part.size, part.precision)
        pixels, passes = evaluation_passes(part, job.recipe.padding, job.devices)
        key = speed_key(workload, job.device, job.plan.threads)
        learn_speed(key, pixels, statistics.median(durations[1:]) / passes)

    def _to_run_steps(
        self, part: Part, remaining: Sequence[Part], on_step: OnStep | None, finish: Callable[[Tensor], Tensor]
    ) -> OnStep | None:
        """Return a callback for the loop of a part: `on_step` with the size, steps and seconds of the whole run."""
        if on_step is None:
            return None
        parts, done = [*self.painted, part, *remaining], self._steps_done

        def call_with_run_steps(event: StepEvent) -> object:
            return on_step(
                replace(
                    event,
                    size=self.job.plan.size,
                    step=done + event.step,
                    steps=sum(each.steps for each in parts),
                    plan=tuple((max(each.size), each.steps) for each in parts),
                    elapsed_s=self.elapsed_s(),
                    finish=finish,
                )
            )

        return call_with_run_steps


def _timed(evaluate: Evaluate, durations: list[float]) -> Evaluate:
    """Return the same function, which also appends the seconds of each call to `durations`."""

    def timed(image: Tensor) -> tuple[Losses, Tensor]:
        start = time.perf_counter()
        evaluated = evaluate(image)
        durations.append(time.perf_counter() - start)
        return evaluated

    return timed


def _to_minimum(state: State, name: str = "") -> Minimum:
    """Return the minimum in a state, under names that begin with `name`."""
    return Minimum(image=state[f"{name}image"], losses=state[f"{name}losses"], steps=0, end=state.get("end", "steps"))


def _descents(recipe: Recipe, history: int) -> Callable[[float], Descent]:
    if recipe.optimizer == "adam":
        rate = recipe.learning_rate if recipe.learning_rate is not None else 0.02
        return lambda factor: Adam(rate * factor)
    rate = recipe.learning_rate if recipe.learning_rate is not None else 1.0
    return lambda factor: Lbfgs(rate * factor, history, recipe.fourier_exponent)


def _describe_memory(part: Part) -> str:
    tile = part.memory.tile
    manner = "seen whole" if tile is None else f"in tiles of {tile} px"
    return f"{manner} ({format_memory(part.memory.needed_bytes)})"

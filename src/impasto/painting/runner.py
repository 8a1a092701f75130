"""The parts of a plan painted in turn, scale by scale; where memory runs out, the rest goes on in less of it."""

import logging
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from impasto.control.color import see_painted
from impasto.cost.calibration import learn_speed, speed_key
from impasto.cost.estimate import evaluation_passes
from impasto.errors import OutOfMemoryError
from impasto.images.resize import resize_image
from impasto.losses.objective import Objective
from impasto.optimize.descent import Adam, Descent, Lbfgs
from impasto.optimize.events import OnStep, StepEvent
from impasto.optimize.loop import Evaluate, Keep, Losses, Minimum, State, build_evaluate, minimize
from impasto.optimize.schedule import Part, RunPlan
from impasto.painting.planner import Planner
from impasto.painting.recorder import Keeping
from impasto.painting.targets import Scene
from impasto.recipe.recipe import Recipe
from impasto.runs.checkpoint import map_tensors
from impasto.system.device import is_out_of_memory, name_devices
from impasto.system.memory import format_memory

logger = logging.getLogger(__name__)

LEARNT_EVALUATIONS = 3
"""Evaluations of a part, without the first, from which its speed is learnt."""


class Course:
    """One run through a plan. painted: the parts done, with the steps that they took."""

    def __init__(
        self,
        scene: Scene,
        planner: Planner,
        plan: RunPlan,
        keeping: Keeping,
        *,
        clock: Callable[[], float],
        started: float,
    ) -> None:
        """started: when the run began, by the clock."""
        self.scene = scene
        self.planner = planner
        self.plan = plan
        self.keeping = keeping
        self.clock = clock
        self.started = started
        self.painted: list[Part] = []

    def paint(
        self, start: Tensor | None, on_step: OnStep | None, finish: Callable[[Tensor], Tensor]
    ) -> Minimum:
        """The best picture, at the plan's size; with the steps of all parts.

        start: instead of the recipe's start image. finish: what events show a picture by.
        """
        state = self.keeping.take_state()  # used up part by part: its tensors would be held for the whole run
        self.painted = list(self.plan.parts[: state.get("painted", 0)])
        self.started -= state.get("seconds", 0.0)
        left = list(self.plan.parts[len(self.painted) :])
        minimum = _to_minimum(state["minimum"]) if state.get("minimum") else None
        if minimum is not None:
            image = minimum.image
        else:
            image = start if start is not None else self.scene.begin(self.plan.parts[0].size)
        try:
            done = bool(state.get("done"))
            while not done:
                part = left.pop(0)
                reached = self._paint_part(part, left, image, self._count_on(part, left, on_step, finish), state)
                state = {}
                if reached is None or reached.end == "memory":
                    left = self._lower(part, 0 if reached is None else reached.steps, left)
                if reached is not None and reached.steps:
                    self.painted.append(replace(part, steps=reached.steps))
                    minimum, image = reached, reached.image
                if minimum is not None and minimum.end == "stopped":
                    break
                if minimum is not None:
                    done = not left or minimum.end == "diverged"
                    self._keep(left, minimum, done=done)
        except KeyboardInterrupt:
            if minimum is None:
                raise
            minimum = replace(minimum, end="stopped")
        assert minimum is not None
        return replace(minimum, image=resize_image(minimum.image, self.plan.size), steps=self._done)

    def elapsed_s(self) -> float:
        """Seconds that the run has taken so far, those before a stop included."""
        return self.clock() - self.started

    @property
    def _done(self) -> int:
        """Steps of the parts done."""
        return sum(part.steps for part in self.painted)

    def _paint_part(
        self, part: Part, left: Sequence[Part], image: Tensor, on_step: OnStep | None, state: State
    ) -> Minimum | None:
        """The best picture of one part, on the CPU; None where there was not the memory for a single evaluation.

        state: of the whole run; where it was within the part, the part is gone on with, and what it holds of it taken.
        """
        scene, recipe, durations = self.scene, self.scene.recipe, list[float]()
        loop: State | None = state.pop("loop", None)
        try:
            objective = scene.build_objective(part, self.planner.style_sizes(part.size))
            if loop is not None:
                loop = map_tensors(loop, lambda tensor: tensor.to(scene.device))
                matches = state.pop("objective")
                objective.load_state_dict(map_tensors(matches, lambda tensor: tensor.to(scene.device)))
            seen = see_painted(recipe, objective)
            evaluate = self._timed(build_evaluate(seen, gamut=recipe.gamut, precision=part.precision), durations)
            reached = minimize(
                evaluate,
                scene.hand_over(image, part.size).to(scene.device),
                _descents(recipe, part.memory.history),
                steps=part.steps,
                tolerance=recipe.tolerance,
                on_step=on_step,
                keep=self._keep_loop(part, left, objective),
                state=loop,
            )
            # The delivered picture is in the gamut, so its losses are those after clamping.
            best = reached.image.detach().clamp(0, 1)
            is_last = reached.end == "diverged" or (not left and reached.end in ("steps", "tolerance"))
            if recipe.gamut == "free" and is_last:
                reached = replace(reached, losses=evaluate(best)[0])
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            return replace(_to_minimum(loop, "best_"), steps=loop["step"], end="memory") if loop else None
        self._learn(part, durations)
        return replace(reached, image=best.to("cpu"))

    def _lower(self, failed: Part, done: int, left: Sequence[Part]) -> list[Part]:
        """The parts left to paint, in less memory, after one ran out of it."""
        devices = name_devices(self.scene.devices)
        place = f"out of memory on {devices} at {max(failed.size)} px, {_describe_memory(failed)}"
        lowered = self.planner.lower(failed, done, left)
        if lowered is None:
            raise OutOfMemoryError(f"{place}, and there is no smaller plan.", advise_memory(self.plan))
        self.planner, lower = lowered
        if self.scene.device.type == "cuda":
            torch.cuda.empty_cache()
        if lower:
            logger.warning("%s; going on from the best picture so far, %s", place, _describe_memory(lower[0]))
        return lower

    def _keep_loop(self, part: Part, left: Sequence[Part], objective: Objective) -> Keep | None:
        def whole(loop: State) -> State:
            state = self._state([part, *left], self._done + loop["step"])
            return {**state, "loop": loop, "objective": objective.state_dict()}

        return self.keeping.within(whole)

    def _keep(self, left: Sequence[Part], minimum: Minimum, *, done: bool) -> None:
        kept = {"image": minimum.image, "losses": dict(minimum.losses), "end": minimum.end}
        self.keeping.between({**self._state(left, self._done), "minimum": kept, "done": done})

    def _state(self, left: Sequence[Part], step: int) -> State:
        """What every state of the run says."""
        plan = self.plan.with_parts([*self.painted, *left]).to_dict()
        return {"plan": plan, "painted": len(self.painted), "step": step, "seconds": self.elapsed_s()}

    def _timed(self, evaluate: Evaluate, durations: list[float]) -> Evaluate:
        """The same function, which also adds the seconds it takes to `durations`."""

        def timed(image: Tensor) -> tuple[Losses, Tensor]:
            start = self.clock()
            evaluated = evaluate(image)
            durations.append(self.clock() - start)
            return evaluated

        return timed

    def _learn(self, part: Part, durations: Sequence[float]) -> None:
        """Correct the machine's speed, if it was estimated, where there are enough evaluations."""
        if len(durations) <= LEARNT_EVALUATIONS:
            return
        scene, workload = self.scene, self.planner.workload(part.size, part.precision)
        has_content = scene.content is not None
        key = speed_key(workload, has_content=has_content, device=scene.device, threads=self.plan.threads)
        pixels, passes = evaluation_passes(part, scene.recipe.padding, scene.devices)
        learn_speed(key, pixels, statistics.median(durations[1:]) / passes)

    def _count_on(
        self, part: Part, left: Sequence[Part], on_step: OnStep | None, finish: Callable[[Tensor], Tensor]
    ) -> OnStep | None:
        """The callback as one part's loop sees it: size, steps and seconds are those of the whole run."""
        if on_step is None:
            return None
        parts, done = [*self.painted, part, *left], self._done

        def count(event: StepEvent) -> object:
            whole = replace(
                event,
                size=self.plan.size,
                step=done + event.step,
                steps=sum(each.steps for each in parts),
                plan=tuple((max(each.size), each.steps) for each in parts),
                elapsed_s=self.elapsed_s(),
                finish=finish,
            )
            return on_step(whole)

        return count


def advise_memory(plan: RunPlan) -> str:
    """What to do where a plan runs out of memory."""
    return f"Lower --size (now {max(plan.size)}), --style-scale or --max-memory, or close other programs."


def _to_minimum(state: State, name: str = "") -> Minimum:
    """The minimum in a state, under names that begin with `name`."""
    return Minimum(image=state[f"{name}image"], losses=state[f"{name}losses"], steps=0, end=state.get("end", "steps"))


def _descents(recipe: Recipe, history: int) -> Callable[[float], Descent]:
    if recipe.optimizer == "adam":
        rate = recipe.learning_rate if recipe.learning_rate is not None else 0.02
        return lambda factor: Adam(rate * factor)
    rate = recipe.learning_rate if recipe.learning_rate is not None else 1.0
    return lambda factor: Lbfgs(rate * factor, history, recipe.fourier_exponent)


def _describe_memory(part: Part) -> str:
    tile = part.memory.tile
    how = "seen whole" if tile is None else f"in tiles of {tile} px"
    return f"{how} ({format_memory(part.memory.needed_bytes)})"

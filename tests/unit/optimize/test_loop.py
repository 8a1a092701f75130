"""The loop lowers the loss, returns the best image, rolls back, stops, and stays in the gamut."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.optimize.descent import Adam, Descent, Lbfgs
from impasto.optimize.events import StepEvent
from impasto.optimize.loop import MAX_ROLLBACKS, Losses, build_evaluate, minimize

TARGET = torch.linspace(-0.2, 1.2, 3 * 4 * 5).reshape(1, 3, 4, 5)
CURVATURES = torch.logspace(0, 2, 60).reshape(1, 3, 4, 5)


class FakeClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.5
        return self.now


def bowl(image: Tensor) -> dict[str, Tensor]:
    """A quadratic of condition 100 whose lowest point lies partly outside the gamut."""
    loss = (CURVATURES * (image - TARGET) ** 2).sum()
    return {"content": loss, "total": loss}


def start() -> Tensor:
    return torch.full((1, 3, 4, 5), 0.5)


def lbfgs(factor: float) -> Descent:
    return Lbfgs(factor)


@pytest.mark.parametrize("descent", [lbfgs, lambda factor: Adam(0.02 * factor)])
def test_twenty_steps_lower_the_objective(descent: Any) -> None:
    minimum = minimize(build_evaluate(bowl, gamut="free"), start(), descent, steps=20)
    assert minimum.losses["total"] < 0.5 * float(bowl(start())["total"])
    assert minimum.losses["total"] == pytest.approx(float(bowl(minimum.image)["total"]))
    assert (minimum.steps, minimum.end) == (20, "steps")


def test_lbfgs_finds_the_lowest_point() -> None:
    minimum = minimize(build_evaluate(bowl, gamut="free"), start(), lbfgs, steps=120)
    torch.testing.assert_close(minimum.image, TARGET, atol=1e-3, rtol=0)


def test_lbfgs_moves_whatever_the_scale_of_the_objective() -> None:
    def faint(image: Tensor) -> dict[str, Tensor]:
        return {name: 1e-9 * loss for name, loss in bowl(image).items()}

    loud = minimize(build_evaluate(bowl, gamut="free"), start(), lbfgs, steps=30)
    quiet = minimize(build_evaluate(faint, gamut="free"), start(), lbfgs, steps=30)
    assert quiet.losses["total"] * 1e9 == pytest.approx(loud.losses["total"], rel=0.1)


def test_keeping_the_gamut_finds_the_lowest_point_inside() -> None:
    evaluate = build_evaluate(bowl, gamut="keep")
    inside = minimize(evaluate, start(), lbfgs, steps=120).image.clamp(0, 1)
    torch.testing.assert_close(inside, TARGET.clamp(0, 1), atol=1e-3, rtol=0)


def test_losses_in_the_gamut_are_those_of_the_clamped_image() -> None:
    losses, gradient = build_evaluate(bowl, gamut="keep")(torch.full((1, 3, 4, 5), 7.0))
    assert losses["total"] == pytest.approx(float(bowl(torch.ones(1, 3, 4, 5))["total"]), rel=1e-6)
    pushes_out = TARGET > 1
    assert bool((gradient[pushes_out] == 0).all())
    assert bool((gradient[~pushes_out] != 0).all())


def test_there_is_an_event_for_every_step() -> None:
    events: list[StepEvent] = []
    minimize(build_evaluate(bowl, gamut="free"), start(), lbfgs, steps=3, on_step=events.append, clock=FakeClock())
    assert [(event.step, event.steps, event.scale) for event in events] == [(1, 3, 5), (2, 3, 5), (3, 3, 5)]
    assert [event.elapsed_s for event in events] == [0.5, 1.0, 1.5]
    assert float(bowl(events[-1].image)["total"]) == pytest.approx(events[-1].losses["total"], rel=1e-5)
    assert events[-1].pastiche.data_ptr() != events[-1].image.data_ptr()


def test_callback_stops_with_the_best_so_far() -> None:
    minimum = minimize(
        build_evaluate(bowl, gamut="free"), start(), lbfgs, steps=50,
        on_step=lambda event: "stop" if event.step == 4 else None,
    )  # fmt: skip
    assert (minimum.steps, minimum.end) == (4, "stopped")
    assert minimum.losses["total"] < float(bowl(start())["total"])


def interrupt_at(evaluation: int) -> Any:
    calls = iter(range(1000))
    evaluate = build_evaluate(bowl, gamut="free")

    def interrupted(image: Tensor) -> tuple[Losses, Tensor]:
        if next(calls) == evaluation:
            raise KeyboardInterrupt
        return evaluate(image)

    return interrupted


def test_ctrl_c_after_the_first_step_keeps_the_best() -> None:
    minimum = minimize(interrupt_at(3), start(), lbfgs, steps=50)
    assert (minimum.steps, minimum.end) == (2, "stopped")
    assert minimum.losses["total"] < float(bowl(start())["total"])


@pytest.mark.parametrize("evaluation", [0, 1])
def test_ctrl_c_before_the_first_step_passes(evaluation: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        minimize(interrupt_at(evaluation), start(), lbfgs, steps=50)


class Script:
    """An evaluation whose losses are a script, with the image's first value as its gradient."""

    def __init__(self, losses: list[float]) -> None:
        self.losses: Iterator[float] = iter(losses)
        self.seen: list[float] = []

    def __call__(self, image: Tensor) -> tuple[Losses, Tensor]:
        self.seen.append(float(image.flatten()[0]))
        return {"total": next(self.losses)}, torch.ones_like(image)


class Subtract:
    def __init__(self, factor: float) -> None:
        self.factor = factor

    def update(self, image: Tensor, gradient: Tensor) -> Tensor:
        return image - self.factor * gradient


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e9])
def test_divergence_goes_back_to_the_best_with_half_the_step(bad: float, caplog: pytest.LogCaptureFixture) -> None:
    script = Script([10.0, 5.0, 6.0, bad, 5.0, 4.0])
    events: list[StepEvent] = []
    minimum = minimize(script, torch.zeros(1, 1, 1, 1), Subtract, steps=4, on_step=events.append)
    # -1 was the best; -3 diverged; back at -1; half a step further.
    assert script.seen == [0.0, -1.0, -2.0, -3.0, -1.0, -1.5]
    assert float(minimum.image) == -1.5
    assert minimum.losses["total"] == 4.0
    assert [event.rolled_back for event in events] == [False, False, True, False]
    assert events[2].losses["total"] == 5.0
    assert "step 3 diverged" in caplog.text


def test_the_best_is_returned_when_later_steps_are_worse() -> None:
    minimum = minimize(Script([10.0, 3.0, 4.0, 5.0]), torch.zeros(1, 1, 1, 1), Subtract, steps=3)
    assert float(minimum.image) == -1.0
    assert minimum.losses["total"] == 3.0


def test_divergence_without_end_ends() -> None:
    script = Script([10.0] + [float("nan"), 10.0] * 100)
    minimum = minimize(script, torch.zeros(1, 1, 1, 1), Subtract, steps=90)
    assert (minimum.steps, minimum.end) == (MAX_ROLLBACKS + 1, "diverged")
    assert float(minimum.image) == 0.0


def test_tolerance_ends_when_little_is_gained_in_ten_steps() -> None:
    losses = [100.0 / (step + 1) for step in range(100)]
    minimum = minimize(Script(losses), torch.zeros(1, 1, 1, 1), Subtract, steps=90, tolerance=0.25)
    expected = next(k for k in range(10, 100) if losses[k - 10] - losses[k] < 0.25 * losses[k])
    assert (minimum.steps, minimum.end) == (expected, "tolerance")


@pytest.mark.parametrize("descent", [lbfgs, lambda factor: Adam(0.02 * factor), lambda factor: Lbfgs(factor, 3, 0.4)])
@pytest.mark.parametrize("stop", [1, 2, 9, 20])
def test_a_loop_goes_on_from_its_state_to_the_same_bits(descent: Any, stop: int) -> None:
    whole = minimize(build_evaluate(bowl, gamut="keep"), start(), descent, steps=20)
    states: list[Any] = []

    def keep(state: Any, stops: bool) -> None:
        assert stops == (len(states) + 1 == stop)
        states.append(state())

    stopped = minimize(
        build_evaluate(bowl, gamut="keep"), start(), descent, steps=20, keep=keep,
        on_step=lambda event: "stop" if event.step == stop else None,
    )  # fmt: skip
    assert (stopped.steps, stopped.end, len(states)) == (stop, "stopped", stop)
    events: list[StepEvent] = []
    again = minimize(
        build_evaluate(bowl, gamut="keep"), start(), descent, steps=20, state=states[-1], on_step=events.append
    )
    assert states[-1] == {}
    assert [event.step for event in events] == list(range(stop + 1, 21))
    assert torch.equal(again.image, whole.image)
    assert (again.losses, again.steps, again.end) == (whole.losses, whole.steps, whole.end)


def test_a_loop_stopped_where_it_would_have_ended_ends_there() -> None:
    losses = [100.0 / (step + 1) for step in range(100)]
    whole = minimize(Script(losses), torch.zeros(1, 1, 1, 1), Counted, steps=90, tolerance=0.25)
    assert whole.end == "tolerance"
    states: list[Any] = []
    minimize(
        Script(losses), torch.zeros(1, 1, 1, 1), Counted, steps=90, tolerance=0.25,
        on_step=lambda event: "stop" if event.step == whole.steps else None,
        keep=lambda state, stops: states.append(state()),
    )  # fmt: skip
    again = minimize(Script([]), torch.zeros(1, 1, 1, 1), Counted, steps=90, tolerance=0.25, state=states[-1])
    assert (again.steps, again.end) == (whole.steps, "tolerance")


class Counted(Subtract):
    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


def test_a_loop_goes_on_with_the_smaller_step_of_a_roll_back() -> None:
    evaluate = build_evaluate(bowl, gamut="free")

    def adam(factor: float) -> Descent:
        return Adam(12 * factor)

    whole = minimize(evaluate, start(), adam, steps=40)
    assert whole.losses["total"] < 0.9 * float(bowl(start())["total"])
    states: list[Any] = []
    minimize(evaluate, start(), adam, steps=30, keep=lambda state, stops: states.append(state()))
    assert states[-1]["factor"] < 1 and states[-1]["rollbacks"] > 0
    again = minimize(evaluate, start(), adam, steps=40, state=states[-1])
    assert torch.equal(again.image, whole.image)


@pytest.mark.parametrize(("silent_loss", "end"), [(0.0, "diverged"), (1e-4, "diverged"), (1.0, "tolerance")])
def test_a_start_as_good_as_painted_is_no_divergence(
    silent_loss: float, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script([1e-6, *[0.5, 1e-6] * 9])
    minimum = minimize(script, torch.zeros(1, 1, 1, 1), Subtract, steps=90, silent_loss=silent_loss)
    assert float(minimum.image) == 0 and minimum.end == end
    assert ("diverged" in caplog.text) == (end == "diverged")

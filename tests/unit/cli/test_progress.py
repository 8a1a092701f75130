"""Bars, lines now and then, and the time left over scales of growing cost."""

import logging
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
import torch
from rich.console import Console
from rich.progress import Progress as RichProgress
from torch import Tensor

from impasto.cli.progress import (
    MOST_BARS,
    Bars,
    Lines,
    Progress,
    StepProgress,
    show_stages,
    show_steps,
)
from impasto.cost.estimate import Estimate
from impasto.cost.pace import Pace, describe_seconds
from impasto.optimize.events import StepEvent
from impasto.optimize.schedule import MemoryPlan, Part, RunPlan
from impasto.painting.paint import paint
from impasto.recipe.recipe import Recipe
from impasto.transfer.pastiche import prepare_pastiche


def event(
    step: int, elapsed_s: float, scale: int = 64, size: int = 64, plan: tuple[tuple[int, int], ...] = ()
) -> StepEvent:
    return StepEvent(
        scale=scale, size=(size // 2, size), step=step, steps=40, plan=plan,
        losses={"content": 1.0, "style": 2.0, "total": 3.0}, elapsed_s=elapsed_s, image=torch.zeros(1, 3, 2, 2),
    )  # fmt: skip


def estimated(*parts: tuple[int, int, float], fine_s: float = 0.0) -> Estimate:
    """The estimate of parts of (long edge, steps, seconds of an evaluation)."""
    memory = MemoryPlan(tile=None, margin=0, history=5, needed_bytes=10)
    planned = tuple(
        Part(size=(scale // 2, scale), steps=steps, precision="float32", memory=memory) for scale, steps, _ in parts
    )
    seconds = tuple(steps * each for _, steps, each in parts)
    return Estimate(
        plan=RunPlan(parts=planned, threads=1), seconds=sum(seconds) + fine_s, part_s=seconds,
        evaluation_s=tuple(each for _, _, each in parts), part_bytes=(10,) * len(parts), peak_bytes=10,
        recipe=Recipe(), fine_s=fine_s,
    )  # fmt: skip


def test_pace_at_one_scale() -> None:
    pace = Pace()
    pace.on_step(event(1, 5.0))
    assert pace.describe() == "2 %"
    pace.on_step(event(11, 10.0))
    assert (pace.left_s, pace.total_s) == (14.5, 24.5)
    assert pace.describe() == "27 %, 14 s left"


def test_pace_counts_finer_scales_four_times_each() -> None:
    pace = Pace()
    plan = ((64, 13), (128, 13), (256, 14))
    pace.on_step(event(1, 0.0, size=256, plan=plan))
    pace.on_step(event(3, 2.0, size=256, plan=plan))
    assert pace.left_s == pytest.approx(10 + 13 * 4 + 14 * 16)
    assert pace.share == pytest.approx(3 / (13 + 13 * 4 + 14 * 16))


def test_pace_knows_the_estimated_cost_of_each_scale() -> None:
    """Steps at the finer scale take twice, not four times, those before; both are half as fast as estimated."""
    pace = Pace(estimated((64, 20, 1.0), (128, 20, 2.0)))
    plan = ((64, 20), (128, 20))
    left = []
    for step in range(1, 41):
        seconds = 2.0 * step if step <= 20 else 40 + 4.0 * (step - 20)
        pace.on_step(event(step, seconds, 64 if step <= 20 else 128, plan=plan))
        left.append(pace.left_s)
    assert left[1:] == pytest.approx([120 - (2.0 * s if s <= 20 else 40 + 4.0 * (s - 20)) for s in range(2, 41)])


def test_small_scales_do_not_correct_the_estimate_of_a_large_print() -> None:
    """Quick steps at the first of two scales, which are 0.1 % of the work."""
    pace, plan = Pace(estimated((64, 20, 1.0), (8192, 5, 4000.0))), ((64, 20), (8192, 5))
    for step in range(1, 21):
        pace.on_step(event(step, 0.3 * step, size=8192, plan=plan))
        assert pace.take_correction() == ""
    assert pace.left_s == pytest.approx(20000, rel=0.1)


def test_the_time_left_does_not_jump_with_one_slow_step() -> None:
    pace, plan = Pace(), ((64, 40),)
    for step in range(1, 11):
        pace.on_step(event(step, float(step), plan=plan))
    assert pace.left_s == pytest.approx(30)
    pace.on_step(event(11, 21.0, plan=plan))  # ten times as long: 75 s by the last steps' mean, 29 s without it
    assert pace.left_s is not None and 20 < pace.left_s < 35


@pytest.mark.parametrize(
    ("step_s", "line"),
    [
        (1.0, ""),
        (1.3, ""),
        (2.5, "slower than planned: other work on this machine? about 1 min 40 s in all"),
        (0.4, "quicker than planned: about 16 s in all"),
    ],
)
def test_an_estimate_far_off_is_corrected_once(step_s: float, line: str) -> None:
    pace = Pace(estimated((64, 40, 1.0), fine_s=1000.0))  # the fine strokes are painted before the first step
    lines = []
    for step in range(1, 41):
        pace.on_step(event(step, step * step_s, plan=((64, 40),)))
        lines.append(pace.take_correction())
    assert "".join(lines) == line
    assert not any(lines[:5])


def test_a_short_run_is_not_corrected() -> None:
    pace = Pace(estimated((64, 40, 0.1)))
    for step in range(1, 41):
        pace.on_step(event(step, step * 0.3, plan=((64, 40),)))
        assert pace.take_correction() == ""


def test_lines_at_the_start_the_change_of_scale_and_every_ten_seconds() -> None:
    stream, now = StringIO(), 0.0
    steps = StepProgress(Lines(stream, lambda: now))
    for step, now, scale in [(1, 1, 64), (9, 3, 64), (30, 11.5, 64), (31, 12, 128), (33, 13, 128), (39, 22.5, 128)]:
        steps.on_step(event(step, now, scale, size=128))
    shown = stream.getvalue().splitlines()
    assert [line.split(",")[1] for line in shown] == [
        " step 1 of 40", " step 30 of 40", " step 31 of 40", " step 39 of 40",
    ]  # fmt: skip
    assert shown[0] == "painting at 64 px, step 1 of 40, 2 %"


def test_a_long_run_has_about_ten_lines_without_numbers_of_the_method() -> None:
    stream, now = StringIO(), 0.0
    steps = StepProgress(Lines(stream, lambda: now))
    plan = ((64, 13), (128, 13), (256, 14))
    for step in range(1, 41):
        scale = 64 if step <= 13 else 128 if step <= 26 else 256
        now += 60.0 * (scale / 64) ** 2
        steps.on_step(event(step, now, scale, 256, plan))
    shown = stream.getvalue().splitlines()
    assert 6 <= len(shown) <= 12
    pattern = r"painting at \d+ px \(\d of 3\), step \d+ of 40, \d+ %(, (\d+ h )?(\d+ min)?( ?\d+ s)? left)?"
    assert all(re.fullmatch(pattern, line) for line in shown), shown


def test_lines_name_the_picture_and_leave_out_details() -> None:
    stream = StringIO()
    lines = Lines(stream, lambda: 0.0)
    steps = StepProgress(lines)
    for number in (1, 2):
        steps.on_part(f"frame {number}/2")
        steps.on_step(event(1, 0.0))
        steps.on_step(event(2, 0.0))
    lines.update("one of many", 1, 2, detail=True)
    lines.print("failed")
    lines.update("all", 9, 9)
    lines.update("all", 9, 9, "again")
    assert stream.getvalue().splitlines() == [
        "frame 1/2, painting at 64 px, step 1 of 40, 2 %",
        "frame 2/2, painting at 64 px, step 1 of 40, 2 %",
        "failed",
        "all, 9 of 9",
        "all, 9 of 9, again",
    ]


def test_a_part_says_which_scale_of_how_many_it_is() -> None:
    stream = StringIO()
    steps = StepProgress(Lines(stream, lambda: 0.0))
    plan = ((64, 10), (128, 10), (128, 5))  # the last steps in another precision
    steps.on_step(event(1, 0.0, 64, 128, plan))
    steps.on_step(event(11, 0.0, 128, 128, plan))
    assert [line.split(",")[0] for line in stream.getvalue().splitlines()] == [
        "painting at 64 px (1 of 2)",
        "painting at 128 px (2 of 2)",
    ]


def test_stages_are_what_the_package_logs() -> None:
    logger, stream, now = logging.getLogger("impasto.painting"), StringIO(), [0.0]
    before = logging.getLogger("impasto").level
    with show_stages(StepProgress(Lines(stream, lambda: now[0]))):
        logger.info("reading the pictures")  # quick: not worth a line
        now[0] = 12.0
        logger.info("describing the %s", "painting")
        logger.warning("a warning, shown elsewhere")
        logger.info("another within ten seconds")
        now[0] = 30.0
        logger.info("finishing the colors")
    logger.info("after the block")
    assert stream.getvalue().splitlines() == ["describing the painting", "finishing the colors"]
    assert logging.getLogger("impasto").level == before


def test_every_stage_of_a_picture_is_shown(
    picture: Callable[..., Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))  # where no speed is stored
    shown: list[str] = []
    progress = Progress()
    monkeypatch.setattr(progress, "begin", shown.append)
    recipe = Recipe(weights="tiny", size=32, steps=2, first_scale=0)
    with show_stages(StepProgress(progress)):
        job = prepare_pastiche(picture(32, 32), picture(32, 32, 1), recipe)
        job.estimate()
        paint(job)
    assert shown == [
        "reading the pictures", "loading the network", "measuring the speed of this machine", "describing the painting",
        "finishing the colors",
    ]  # fmt: skip


def test_bars_come_and_go() -> None:
    stream = StringIO()
    with RichProgress(console=Console(file=stream), auto_refresh=False) as display:
        bars = Bars(display)
        steps = StepProgress(bars)
        for stage in ("loading the network", "describing the painting"):
            steps.begin(stage)
            assert [(task.description, task.total) for task in display.tasks] == [(stage, None)]
        steps.on_step(event(1, 0.0, 64))
        steps.on_step(event(2, 1.0, 128))
        (task,) = display.tasks
        assert (task.description, task.completed, task.total) == ("painting at 128 px", pytest.approx(2), 40)
        assert task.fields["count"] == "step 2 of 40"
        for number in range(2 * MOST_BARS):
            bars.update(str(number), 1, None, detail=True)
        assert len(display.tasks) == MOST_BARS
        bars.remove("0")
        bars.update("last", 1, 2)
        assert (len(display.tasks), display.tasks[-1].description) == (MOST_BARS, "last")
        bars.print("[failed]")
    assert "[failed]" in stream.getvalue()


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with show_steps(quiet=True) as steps:
        steps.on_part("frame 1/2")
        steps.on_step(event(1, 0.0))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (61, "1 min 01 s"), (1107, "18 min 30 s"), (3599, "1 h 00 min"), (7500, "2 h 05 min")],
)
def test_seconds_in_words(seconds: float, text: str) -> None:
    assert describe_seconds(seconds) == text

"""Bars, lines now and then, and the time left over scales of growing cost."""

import logging
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
    Pace,
    Progress,
    StepProgress,
    describe_seconds,
    show_stages,
    show_steps,
)
from impasto.optimize.events import StepEvent
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


def test_pace_at_one_scale() -> None:
    pace = Pace()
    pace.on_step(event(1, 5.0))
    assert pace.describe() == ""
    pace.on_step(event(11, 10.0))
    assert (pace.step_s, pace.left_s) == (0.5, 14.5)
    assert pace.describe() == "2.0 steps/s, 14 s left"


def test_pace_counts_finer_scales_four_times_each() -> None:
    pace = Pace()
    plan = ((64, 13), (128, 13), (256, 14))
    pace.on_step(event(1, 0.0, size=256, plan=plan))
    pace.on_step(event(3, 2.0, size=256, plan=plan))
    assert pace.left_s == pytest.approx(10 + 13 * 4 + 14 * 16)
    pace.on_step(event(14, 20.0, scale=128, size=256, plan=plan))
    assert pace.left_s == pytest.approx(12 * 4 + 14 * 16)
    pace.on_step(event(15, 25.0, scale=128, size=256, plan=plan))
    assert pace.left_s == pytest.approx(11 * 5 + 14 * 20)


def test_lines_at_the_start_the_change_of_scale_and_every_ten_seconds() -> None:
    stream, now = StringIO(), 0.0
    steps = StepProgress(Lines(stream, lambda: now))
    for step, now, scale in [(1, 1, 64), (2, 3, 64), (3, 11.5, 64), (4, 12, 128), (5, 13, 128), (6, 22.5, 128)]:
        steps.on_step(event(step, now, scale, size=128))
    shown = stream.getvalue().splitlines()
    assert [line.split(",")[1] for line in shown] == [" step 1/40", " step 3/40", " step 4/40", " step 6/40"]
    assert shown[0] == "painting at 64 px, step 1/40, loss 3 (content 1, style 2)"


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
    assert [line.split(", loss")[0] for line in stream.getvalue().splitlines()] == [
        "frame 1/2, painting at 64 px, step 1/40",
        "frame 2/2, painting at 64 px, step 1/40",
        "failed",
        "all, 9/9",
        "all, 9/9, again",
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
        assert (task.description, task.completed, task.total) == ("painting at 128 px", 2, 40)
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
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (61, "1 min 01 s"), (1300, "22 min"), (7500, "2 h 05 min")]
)
def test_seconds_in_words(seconds: float, text: str) -> None:
    assert describe_seconds(seconds) == text

"""Bars, lines now and then, and the time left over scales of growing cost."""

from io import StringIO

import pytest
import torch
from rich.console import Console
from rich.progress import Progress as RichProgress

from impasto.cli.progress import MOST_BARS, Bars, Lines, Pace, StepProgress, describe_seconds, show_steps
from impasto.optimize.events import StepEvent


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
    assert shown[0] == "64 px, step 1/40, loss 3 (content 1, style 2)"


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
        "frame 1/2, 64 px, step 1/40",
        "frame 2/2, 64 px, step 1/40",
        "failed",
        "all, 9/9",
        "all, 9/9, again",
    ]


def test_bars_come_and_go() -> None:
    stream = StringIO()
    with RichProgress(console=Console(file=stream), auto_refresh=False) as display:
        bars = Bars(display)
        assert [task.description for task in display.tasks] == ["preparing"]
        steps = StepProgress(bars)
        steps.on_step(event(1, 0.0, 64))
        steps.on_step(event(2, 1.0, 128))
        assert [(task.description, task.completed, task.total) for task in display.tasks] == [("128 px", 2, 40)]
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

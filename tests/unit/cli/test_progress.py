"""Lines now and then, and the time left over scales of growing cost."""

from io import StringIO

import pytest
import torch

from impasto.cli.progress import Lines, Pace, describe_seconds, showing_progress
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
    stream = StringIO()
    lines = Lines(Pace(), stream)
    for step, elapsed_s, scale in [(1, 1, 64), (2, 3, 64), (3, 11.5, 64), (4, 12, 128), (5, 13, 128), (6, 22.5, 128)]:
        lines.on_step(event(step, elapsed_s, scale, size=128))
    shown = stream.getvalue().splitlines()
    assert [line.split(",")[1] for line in shown] == [" step 1/40", " step 3/40", " step 4/40", " step 6/40"]
    assert shown[0] == "64 px, step 1/40, loss 3 (content 1, style 2)"


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with showing_progress(quiet=True) as progress:
        progress.on_step(event(1, 0.0))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (61, "1 min 01 s"), (1300, "22 min"), (7500, "2 h 05 min")]
)
def test_seconds_in_words(seconds: float, text: str) -> None:
    assert describe_seconds(seconds) == text

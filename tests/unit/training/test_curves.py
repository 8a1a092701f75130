"""Curves of a training: by epoch, averaged where there are many."""

from pathlib import Path

import pytest

from impasto.training.curves import POINTS, average, by_epoch, draw_curves


def test_values_are_by_epoch() -> None:
    trace = [{"step": 5, "loss": 2.0}, {"step": 10, "loss": 1.0}, {"step": 10, "share": 0.5}]
    assert by_epoch(trace, "loss", 10) == [(0.5, 2.0), (1.0, 1.0)]
    assert by_epoch(trace, "share", 10) == [(1.0, 0.5)]


def test_many_points_are_averaged() -> None:
    points = [(float(step), float(step % 2)) for step in range(1, 10 * POINTS + 1)]
    found = average(points)
    assert len(found) == POINTS
    assert found[0] == (10.0, 0.5) and found[-1] == (10.0 * POINTS, 0.5)
    assert average(points[:50]) == points[:50]


@pytest.mark.parametrize("lines", [0, 1, 500])
def test_traces_of_any_length_are_drawn(lines: int, tmp_path: Path) -> None:
    trace: list[dict[str, float]] = [{"step": step, "loss": 3 / (step + 1)} for step in range(1, lines + 1)]
    trace += [{"step": step, "share": 0.5} for step in range(10, lines, 10)]
    draw_curves(trace, 10, {"loss": {"loss": "training"}, "share": {"share": "held out"}}, tmp_path / "curves.svg")
    svg = (tmp_path / "curves.svg").read_text("utf-8")
    assert "Loss by epoch" in svg and "Share by epoch" in svg
    assert svg.count("No values yet.") == {0: 2, 1: 1, 500: 0}[lines]
    assert svg.count("<polyline") == {0: 0, 1: 1, 500: 2}[lines]

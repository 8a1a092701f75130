"""A training's curves: values by epoch, from the run's trace to an SVG file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from impasto.runs.curves import Plot, draw_plots
from impasto.system.disk import replace_file

POINTS = 200
"""Points of a curve: more are averaged, since single batches are noise."""


def draw_curves(
    trace: Sequence[Mapping[str, Any]], per_epoch: int, plots: Mapping[str, Mapping[str, str]], path: Path
) -> None:
    """Draw values of a trace by epoch, a plot below another, into an SVG file. Raises DiskError.

    trace: lines with `step` and values. per_epoch: steps in an epoch. plots: by the label of its y axis, each plot's
    curves: {key in the trace: name in the legend}.
    """
    drawn = [
        Plot(
            title=f"{label.capitalize()} by epoch",
            curves={name: average(by_epoch(trace, key, per_epoch)) for key, name in curves.items()},
            x_label="epoch",
            y_label=label,
            logarithmic=False,
        )
        for label, curves in plots.items()
    ]
    replace_file(path, draw_plots(*drawn).encode())


def by_epoch(trace: Sequence[Mapping[str, Any]], key: str, per_epoch: int) -> list[tuple[float, float]]:
    """Return (epoch, value) of the lines that have a value of this key."""
    return [(line["step"] / per_epoch, line[key]) for line in trace if key in line]


def average(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return means of as many neighboring points as leave about `POINTS`, each at the last of them."""
    width = max(1, len(points) // POINTS)
    chunks = [points[start : start + width] for start in range(0, len(points), width)]
    return [(chunk[-1][0], sum(value for _, value in chunk) / len(chunk)) for chunk in chunks]

"""Curves as SVG text: losses by step or epoch, with axes and a legend."""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Points = Sequence[tuple[float, float | None]]
"""(x, y) from left to right; y is None where it is not known."""

COLORS = ("#1b6ca8", "#c8553d", "#2d7d46", "#8b5fbf", "#b8860b", "#37474f", "#d81b60", "#00838f", "#6d4c41", "#7cb342")

WIDTH, LEFT, RIGHT = 960, 80, 740
TOP, HEIGHT, BOTTOM = 40, 260, 60
"""Pixels: the plot's area lies from LEFT to RIGHT, TOP below the upper edge; the legend is at its right."""

LEGEND_ROW = 20

Axis = tuple[float, float, list[tuple[float, str]]]
"""Both ends of an axis, and its ticks: place and label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Curves by name with the texts of one plot. logarithmic: the scale of y."""

    title: str
    curves: Mapping[str, Points]
    x_label: str = "step"
    y_label: str = "loss"
    logarithmic: bool = True


def draw_plots(*plots: Plot) -> str:
    """Return the plots, one below another, as the text of an SVG file.

    Left out are values that are unknown or not finite, and on a logarithmic scale those of 0 and less.
    """
    parts, height = [], 0
    for plot in plots:
        parts += [f'<g transform="translate(0 {height})">', *_draw(plot), "</g>"]
        height += TOP + max(HEIGHT, LEGEND_ROW * len(plot.curves)) + BOTTOM
    title = html.escape("; ".join(plot.title for plot in plots))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{title}" font-family="sans-serif" font-size="13" fill="#333">'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _draw(plot: Plot) -> list[str]:
    drawable = {name: _drawable(points, plot.logarithmic) for name, points in plot.curves.items()}
    bottom = TOP + HEIGHT
    parts = [_text(LEFT, TOP - 18, plot.title, "start", 'font-size="16" font-weight="bold"')]
    every = [point for points in drawable.values() for point in points]
    if not every:
        return [*parts, _text(LEFT, TOP + 20, "No values yet.", "start")]
    left, right, x_ticks = _linear_axis(min(x for x, _ in every), max(x for x, _ in every), 8)
    low, high = min(y for _, y in every), max(y for _, y in every)
    down, up, y_ticks = _logarithmic_axis(low, high) if plot.logarithmic else _zero_based_axis(low, high)

    def place(x: float, y: float) -> tuple[float, float]:
        across, above = (x - left) / (right - left), (y - down) / (up - down)
        return round(LEFT + (RIGHT - LEFT) * across, 1), round(bottom - HEIGHT * above, 1)

    for value, label in y_ticks:
        y = place(left, value)[1]
        parts += [_line(LEFT, y, RIGHT, y, "#ddd"), _text(LEFT - 8, y + 4, label, "end")]
    for value, label in x_ticks:
        x = place(value, down)[0]
        parts += [_line(x, bottom, x, bottom + 5, "#333"), _text(x, bottom + 20, label, "middle")]
    parts += [_line(LEFT, bottom, RIGHT, bottom, "#333"), _line(LEFT, TOP, LEFT, bottom, "#333")]
    parts.append(_text((LEFT + RIGHT) / 2, bottom + 42, plot.x_label, "middle"))
    middle = TOP + HEIGHT / 2
    parts.append(_text(20, middle, plot.y_label, "middle", f'transform="rotate(-90 20 {middle:g})"'))
    for index, (name, points) in enumerate(drawable.items()):
        color = COLORS[index % len(COLORS)]
        stroke = f'stroke="{color}" stroke-width="2"' + ' stroke-dasharray="6 3"' * (index >= len(COLORS))
        placed = [place(x, math.log10(y) if plot.logarithmic else y) for x, y in points]
        line = " ".join(f"{x},{y}" for x, y in placed)
        parts.append(f'<polyline points="{line}" fill="none" {stroke}/>')
        if len(placed) < 40:
            parts += [f'<circle cx="{x}" cy="{y}" r="2.5" fill="{color}"/>' for x, y in placed]
        y = TOP + LEGEND_ROW * (index + 0.5)
        parts.append(f'<line x1="{RIGHT + 20}" y1="{y}" x2="{RIGHT + 44}" y2="{y}" {stroke}/>')
        parts.append(_text(RIGHT + 52, y + 4, name, "start"))
    return parts


def _drawable(points: Points, logarithmic: bool) -> list[tuple[float, float]]:
    found = [(x, y) for x, y in points if y is not None and math.isfinite(y)]
    return [(x, y) for x, y in found if y > 0] if logarithmic else found


def _linear_axis(low: float, high: float, count: int) -> Axis:
    """Return an axis from `low` to `high` with about `count` ticks, at whole numbers if there are two of them."""
    high = high if high > low else low + 1
    unit = _round_up((high - low) / count)
    unit = max(1.0, unit) if high - low >= 1 else unit
    ticks = range(math.ceil(low / unit - 1e-9), math.floor(high / unit + 1e-9) + 1)
    return low, high, [(unit * tick, f"{unit * tick:g}") for tick in ticks]


def _zero_based_axis(low: float, high: float) -> Axis:
    """Return an axis with round ends that includes 0."""
    low, high = min(0.0, low), max(0.0, high)
    unit = _round_up((high - low) / 5 or 0.2)
    first, last = math.floor(low / unit + 1e-9), max(1, math.ceil(high / unit - 1e-9))
    return unit * first, unit * last, [(unit * tick, f"{unit * tick:g}") for tick in range(first, last + 1)]


def _logarithmic_axis(low: float, high: float) -> Axis:
    """Return an axis between whole powers of ten, all as logarithms."""
    first = math.floor(math.log10(low))
    last = max(math.ceil(math.log10(high)), first + 1)
    factors = (1, 2, 5) if last - first <= 2 else (1,)
    every = max(1, (last - first) // 6)
    values = [factor * 10.0**power for power in range(first, last + 1, every) for factor in factors]
    return first, last, [(math.log10(value), f"{value:g}") for value in values if value <= 10.0**last]


def _round_up(value: float) -> float:
    """Return the value rounded up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9))


def _line(x1: float, y1: float, x2: float, y2: float, color: str) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{color}"/>'


def _text(x: float, y: float, text: str, anchor: str, attributes: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" {attributes}>{html.escape(text)}</text>'

"""A page of figures with captions and loss curves: one HTML file that needs nothing but its pictures."""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_COLORS = ("#1b6ca8", "#c8553d", "#2d7d46", "#8b5fbf", "#b8860b", "#37474f", "#d81b60", "#00838f", "#6d4c41", "#7cb342")
_WIDTH, _HEIGHT, _MARGIN = 720, 260, 56

_STYLE = """
body { font: 17px/1.55 Georgia, serif; color: #222; max-width: 60rem; margin: 2.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 3rem; }
img { max-width: 100%; height: auto; } figure { margin: 0; } figcaption { color: #444; max-width: 44rem; }
svg { max-width: 100%; height: auto; } details { margin-top: 1rem; } text { font: 12px sans-serif; fill: #444; }
.key { font: 13px sans-serif; columns: 15rem; list-style: none; padding: 0; }
.key span { display: inline-block; width: 1.6em; height: .7em; margin-right: .5em; }
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """A heading, a picture beside the page, a caption, and named curves of a loss by step."""

    heading: str
    picture: str
    caption: str
    curves: Mapping[str, Sequence[float]]


def write_page(path: Path, title: str, figures: Sequence[Figure]) -> Path:
    """Writes the page and returns its path."""
    body = "".join(_figure(figure) for figure in figures)
    path.write_text(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{html.escape(title)}</h1>{body}</body></html>\n",
        "utf-8",
    )
    return path


def _figure(figure: Figure) -> str:
    return (
        f"<h2>{html.escape(figure.heading)}</h2><figure>"
        f'<a href="{html.escape(figure.picture)}"><img src="{html.escape(figure.picture)}" '
        f'alt="{html.escape(figure.heading)}"></a>'
        f"<figcaption><p>{html.escape(figure.caption)}</p></figcaption></figure>"
        f"<details open><summary>Losses by step</summary>{draw_curves(figure.curves)}</details>"
    )


def draw_curves(curves: Mapping[str, Sequence[float]]) -> str:
    """The curves as SVG on a logarithmic scale, with a key; values of 0 and less, and infinite ones, are left out."""
    points = {
        name: [(step, value) for step, value in enumerate(values, 1) if 0 < value < math.inf]
        for name, values in curves.items()
    }
    values = [value for line in points.values() for _, value in line]
    if not values:
        return "<p>No losses.</p>"
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    steps = max(max((step for step, _ in line), default=1) for line in points.values())

    def place(step: float, value: float) -> str:
        x = _MARGIN + (_WIDTH - _MARGIN - 10) * (step - 1) / max(steps - 1, 1)
        y = 10 + (_HEIGHT - 40) * (high - math.log10(value)) / (high - low)
        return f"{x:.1f},{y:.1f}"

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" aria-label="losses by step">']
    for exponent in range(low, high + 1, max(1, (high - low) // 6)):
        left, right = place(1, 10.0**exponent), place(steps, 10.0**exponent)
        (x1, y), x2 = left.split(","), right.split(",")[0]
        parts.append(f'<line x1="{x1}" y1="{y}" x2="{x2}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{_MARGIN - 8}" y="{float(y) + 4:.1f}" text-anchor="end">1e{exponent}</text>')
    parts.append(f'<text x="{_MARGIN}" y="{_HEIGHT - 8}">step 1</text>')
    parts.append(f'<text x="{_WIDTH - 10}" y="{_HEIGHT - 8}" text-anchor="end">step {steps}</text>')
    key = []
    for index, (name, line) in enumerate(points.items()):
        color = _COLORS[index % len(_COLORS)]
        path = " ".join(place(step, value) for step, value in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        key.append(f'<li><span style="background:{color}"></span>{html.escape(name)}</li>')
    return "".join(parts) + f'</svg><ul class="key">{"".join(key)}</ul>'

"""Curves in a terminal, of plain letters."""

import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 72, 18


def plot_curves(steps: Sequence[int], curves: Mapping[str, Sequence[float | None]]) -> list[str]:
    """The curves by step on a logarithmic scale, a line of text each row, with a key.

    steps: ascending. curves: a value a step, by name; values of 0 and less, infinite and missing ones are left out.
    Each curve is drawn with the first letter of its name, or another one of it, and "total" with *; later curves are
    behind earlier ones.
    """
    points = {
        name: [(step, value) for step, value in zip(steps, values, strict=True) if value and 0 < value < math.inf]
        for name, values in curves.items()
    }
    known = [value for line in points.values() for _, value in line]
    if not known:
        return ["No losses yet."]
    low, high = math.log10(min(known)), math.log10(max(known))
    high = max(high, low + 0.1)
    first, last = steps[0], max(steps[-1], steps[0] + 1)
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    marks = _marks(list(points))
    for name, line in reversed(list(points.items())):
        for step, value in line:
            across = round((WIDTH - 1) * (step - first) / (last - first))
            down = round((HEIGHT - 1) * (high - math.log10(value)) / (high - low))
            rows[down][across] = marks[name]
    lines = []
    for index, row in enumerate(rows):
        value = 10 ** (high - (high - low) * index / (HEIGHT - 1))
        label = f"{value:.1e}" if index % 4 == 0 or index == HEIGHT - 1 else ""
        lines.append(f"{label:>8} |{''.join(row)}".rstrip())
    lines.append(" " * 9 + "+" + "-" * WIDTH)
    lines.append(f"{'':10}{f'step {first}':<{WIDTH - 12}}{f'step {steps[-1]}':>12}")
    lines.append(f"{'':10}{'   '.join(f'{mark} {name}' for name, mark in marks.items())}")
    return lines


def _marks(names: Sequence[str]) -> dict[str, str]:
    marks = {"total": "*"} if "total" in names else {}
    for name in names:
        if name not in marks:
            letters = [letter for letter in f"{name}ABCDEFGHIJKLMNOP" if letter.isalnum()]
            marks[name] = next(letter for letter in letters if letter not in marks.values())
    return {name: marks[name] for name in names}

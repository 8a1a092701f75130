"""Loss curves in letters."""

import math

from impasto.cli.plot import HEIGHT, WIDTH, plot_curves


def test_curves_fall_from_left_to_right() -> None:
    steps = list(range(1, 11))
    falling = [10.0 ** (1 - step / 2) for step in steps]
    lines = plot_curves(steps, {"style": falling, "sum": [100.0] * 10, "total": [1000.0] * 10})
    assert len(lines) == HEIGHT + 3
    assert all(len(line) <= WIDTH + 10 for line in lines)
    at = [(line.index("s", 10), row) for row, line in enumerate(lines[:HEIGHT]) if "s" in line[10:]]
    assert at == sorted(at) and len(at) > 5
    assert lines[0].startswith(" 1.0e+03 |*") and lines[0].endswith("*")
    assert any("u" in line for line in lines[:HEIGHT])
    assert "step 1" in lines[-2] and "step 10" in lines[-2]
    assert lines[-1].split() == ["s", "style", "u", "sum", "*", "total"]


def test_what_has_no_logarithm_is_left_out() -> None:
    assert plot_curves([], {}) == ["No losses yet."]
    assert plot_curves([1, 2], {"tv": [0.0, None]}) == ["No losses yet."]
    lines = plot_curves([1, 2, 3, 4], {"total": [math.inf, 2.0, math.nan, -1.0]})
    assert sum(line.count("*") for line in lines[:-1]) == 1

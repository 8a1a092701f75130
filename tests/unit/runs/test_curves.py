"""Curves: points where the values say, ticks at round numbers, all on the paper."""

import itertools
import math
from xml.etree import ElementTree

import pytest

from impasto.runs.curves import HEIGHT, LEFT, RIGHT, TOP, Plot, Points, draw_plots

SVG = "{http://www.w3.org/2000/svg}"


def draw(curves: dict[str, Points], **options: object) -> ElementTree.Element:
    return ElementTree.fromstring(draw_plots(Plot(title="a title", curves=curves, **options)))  # type: ignore[arg-type]


def by_step(*values: float | None) -> Points:
    return list(enumerate(values, 1))


def lines(svg: ElementTree.Element) -> list[list[tuple[float, float]]]:
    found = [line.attrib["points"].split() for line in svg.iter(f"{SVG}polyline")]
    return [[(float(x), float(y)) for x, y in (point.split(",") for point in points)] for points in found]


def texts(svg: ElementTree.Element) -> dict[str, ElementTree.Element]:
    return {str(text.text): text for text in svg.iter(f"{SVG}text")}


def test_a_curve_has_a_point_for_each_step_at_its_place() -> None:
    (points,) = lines(draw({"loss": by_step(1000, 100, 10, 1)}))
    steps = [right[0] - left[0] for left, right in itertools.pairwise(points)]
    falls = [right[1] - left[1] for left, right in itertools.pairwise(points)]
    assert steps == pytest.approx([steps[0]] * 3, abs=0.2)
    assert falls == pytest.approx([falls[0]] * 3, abs=0.2)  # a logarithmic scale: equal ratios are equal distances
    assert (points[0], points[-1]) == ((LEFT, TOP), (RIGHT, TOP + HEIGHT))


def test_a_linear_scale_begins_at_0() -> None:
    svg = draw({"share": by_step(0.5, 1.0)}, logarithmic=False)
    assert lines(svg) == [[(LEFT, TOP + HEIGHT / 2), (RIGHT, TOP)]]
    assert {"0", "0.2", "0.4", "0.6", "0.8", "1"} <= set(texts(svg))


def test_ticks_are_powers_of_ten_at_their_place() -> None:
    svg = draw({"loss": by_step(2e5, 3e-2)}, x_label="epoch", y_label="style loss")
    found = texts(svg)
    ticks = [float(found[label].attrib["y"]) for label in ("1e+06", "100000", "1000", "10", "0.1", "0.01")]
    assert ticks == sorted(ticks)
    ((_, high), (_, low)) = lines(svg)[0]
    assert ticks[0] - 4 < high < ticks[1] - 4 and ticks[-2] - 4 < low < ticks[-1] - 4  # a label's baseline is 4 below
    assert {"a title", "epoch", "style loss", "loss", "1", "2"} <= set(found)


def test_a_narrow_range_has_ticks_between_powers() -> None:
    assert {"1", "2", "5", "10"} <= set(texts(draw({"loss": [(10, 4), (20, 3)]})))


def test_steps_have_ticks_at_whole_numbers() -> None:
    labels = set(texts(draw({"loss": by_step(*[10.0**-step for step in range(4)])})))
    assert {"1", "2", "3", "4"} <= labels and "1.5" not in labels
    assert {"100", "200", "400"} <= set(texts(draw({"loss": by_step(*[1.0] * 500)})))


def test_every_curve_and_its_name_are_on_the_paper() -> None:
    svg = draw({f"curve {i}": by_step(*[10.0 ** (i - j) for j in range(1, 8)]) for i in range(25)})
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    assert len(lines(svg)) == 25
    assert all(0 <= x <= width and 0 <= y <= height for points in lines(svg) for x, y in points)
    places = [texts(svg)[f"curve {i}"].attrib for i in range(25)]
    assert all(RIGHT < float(place["x"]) < width and float(place["y"]) < height for place in places)
    looks = {(line.attrib["stroke"], line.get("stroke-dasharray")) for line in svg.iter(f"{SVG}polyline")}
    assert len(looks) == 20  # of ten colors, whole and dashed


def test_plots_are_one_below_another() -> None:
    plot = Plot(title="one", curves={"loss": by_step(1, 2)})
    svg = ElementTree.fromstring(draw_plots(plot, plot))
    places = [group.attrib["transform"] for group in svg.iter(f"{SVG}g")]
    assert places == ["translate(0 0)", f"translate(0 {int(svg.attrib['height']) // 2})"]


def test_what_has_no_logarithm_is_left_out() -> None:
    (points,) = lines(draw({"loss": by_step(10, 0, -1, math.nan, math.inf, None, 1)}))
    assert [x for x, _ in points] == [LEFT, RIGHT]
    assert len(lines(draw({"loss": by_step(1, 0, -1, math.nan)}, logarithmic=False))[0]) == 3


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [math.nan, math.inf], [None]])
def test_without_values_there_is_a_note(values: list[float | None]) -> None:
    assert "No values yet." in texts(draw({"loss": by_step(*values)}))
    assert "No values yet." in texts(draw({}))


def test_one_step_one_value_and_odd_names_are_drawn() -> None:
    assert len(lines(draw({"one": by_step(1.0)}))[0]) == 1
    assert len(lines(draw({"flat": by_step(5.0, 5.0)}))[0]) == 2
    assert len(lines(draw({"zero": by_step(0.0, 0.0)}, logarithmic=False))[0]) == 2
    assert "<b> & \"q\"" in texts(draw({"<b> & \"q\"": by_step(1.0)}))

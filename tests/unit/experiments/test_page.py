"""The page: HTML that browsers and parsers take, and curves whose points are where the losses say."""

import itertools
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from impasto.experiments.page import Figure, draw_curves, write_page

VOID = {"meta", "img", "br", "link", "hr", "!doctype"}


class Reader(HTMLParser):
    """Collects tags and text, and fails where a tag is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: Path) -> Reader:
    reader = Reader()
    reader.feed(page.read_text("utf-8"))
    reader.close()
    assert reader.open == []
    return reader


def svg_of(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])


def points_of(line: ElementTree.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in line.attrib["points"].split())]


def test_page_is_html_with_each_figure(tmp_path: Path) -> None:
    figures = [
        Figure("Figure 1", "one.png", "First.", {"content": [3.0, 2.0], "style": [5.0, 1.0]}),
        Figure("Figure 2", "two.png", "Second.", {}),
    ]
    path = write_page(tmp_path / "index.html", "The title", figures)
    assert path == tmp_path / "index.html"
    assert path.read_text("utf-8").startswith("<!doctype html>")
    reader = read(path)
    assert [tag for tag, _ in reader.tags].count("h2") == 2
    assert [values["src"] for tag, values in reader.tags if tag == "img"] == ["one.png", "two.png"]
    assert all(values["alt"] for tag, values in reader.tags if tag == "img")
    for text in ("The title", "Figure 1", "First.", "Second.", "content", "style", "No losses."):
        assert text in reader.text


def test_everything_is_escaped(tmp_path: Path) -> None:
    odd = "<b> & \"q\" 'a' é"
    page = write_page(tmp_path / "i.html", odd, [Figure(odd, 'a&"b.png', odd, {odd: [1.0, 2.0]})])
    reader = read(page)
    assert not [tag for tag, _ in reader.tags if tag == "b"]
    assert reader.text.count(odd) == 5  # title twice, heading, caption, key
    assert [values["src"] for tag, values in reader.tags if tag == "img"] == ['a&"b.png']
    assert [values["alt"] for tag, values in reader.tags if tag == "img"] == [odd]


def test_a_curve_has_a_point_for_each_step_at_its_place() -> None:
    (line,) = svg_of(draw_curves({"loss": [1000.0, 100.0, 10.0, 1.0]})).iter("polyline")
    points = points_of(line)
    steps = [right[0] - left[0] for left, right in itertools.pairwise(points)]
    falls = [right[1] - left[1] for left, right in itertools.pairwise(points)]
    assert len(points) == 4
    assert steps == pytest.approx([steps[0]] * 3, abs=0.2)
    assert falls == pytest.approx([falls[0]] * 3, abs=0.2)  # a logarithmic scale: equal ratios are equal distances
    assert steps[0] > 100
    assert falls[0] > 50  # a smaller loss is lower on the page


def test_the_scale_is_marked_in_powers_of_ten() -> None:
    svg = svg_of(draw_curves({"loss": [2e5, 3e-2]}))
    marks = {text.text: float(text.attrib["y"]) for text in svg.iter("text") if str(text.text).startswith("1e")}
    assert list(marks) == [f"1e{exponent}" for exponent in range(-2, 7)]
    (line,) = svg.iter("polyline")
    (_, high), (_, low) = points_of(line)
    lines = sorted(float(mark.attrib["y1"]) for mark in svg.iter("line"))
    assert lines[0] < high < lines[1]
    assert lines[-2] < low < lines[-1]
    assert "step 2" in [text.text for text in svg.iter("text")]


def test_every_point_is_on_the_paper() -> None:
    curves = {f"curve {i}": [10.0 ** (i - j) for j in range(1, 8)] for i in range(15)}
    html = draw_curves(curves)
    svg = svg_of(html)
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    assert len(list(svg.iter("polyline"))) == len(re.findall("<li>", html)) == 15
    for line in svg.iter("polyline"):
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points_of(line))


def test_what_has_no_logarithm_is_left_out() -> None:
    (line,) = svg_of(draw_curves({"loss": [10.0, 0.0, -1.0, math.nan, math.inf, 1.0]})).iter("polyline")
    points = points_of(line)
    assert len(points) == 2
    assert points[1][0] > points[0][0] + 600  # the sixth step is still the sixth


@pytest.mark.parametrize("curves", [{}, {"nothing": []}, {"settled": [0.0, 0.0]}, {"broken": [math.nan, math.inf]}])
def test_no_losses_are_told(curves: dict[str, list[float]]) -> None:
    assert draw_curves(curves) == "<p>No losses.</p>"


def test_one_step_and_one_value_are_drawn() -> None:
    assert len(points_of(*svg_of(draw_curves({"one": [1.0]})).iter("polyline"))) == 1
    assert len(points_of(*svg_of(draw_curves({"flat": [5.0, 5.0]})).iter("polyline"))) == 2

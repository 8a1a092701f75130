"""The page: HTML that browsers and parsers take."""

from html.parser import HTMLParser
from pathlib import Path

from impasto.experiments.page import Figure, write_page

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
    for text in ("The title", "Figure 1", "First.", "Second.", "content", "style", "No values yet."):
        assert text in reader.text


def test_everything_is_escaped(tmp_path: Path) -> None:
    odd = "<b> & \"q\" 'a' é"
    page = write_page(tmp_path / "i.html", odd, [Figure(odd, 'a&"b.png', odd, {odd: [1.0, 2.0]})])
    reader = read(page)
    assert not [tag for tag, _ in reader.tags if tag == "b"]
    assert reader.text.count(odd) == 6  # title twice, heading, caption, title and legend of the curves
    assert [values["src"] for tag, values in reader.tags if tag == "img"] == ['a&"b.png']
    assert [values["alt"] for tag, values in reader.tags if tag == "img"] == [odd]

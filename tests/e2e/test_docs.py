"""The site's pages: commands and Python run at 64 px, Chinese pages have the same, the reference has every option."""

import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from torch import Tensor

import impasto
from impasto.cli.app import main
from impasto.images.io import write_image

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "site"))

import build_site  # noqa: E402 - docs/site is no package
import house  # noqa: E402
import reference  # noqa: E402

PAGES = [
    path.relative_to(DOCS).as_posix()
    for path in (
        *(DOCS / f"{name}.md" for name in ("index", "how", "gallery", "extend")),
        *sorted(DOCS.glob("start/*.md")),
        *sorted(DOCS.glob("guides/*.md")),
    )
    if not path.name.endswith(".zh.md")
]
BLOCK = re.compile(r"(?P<mark><!-- not run: [^>]+ -->\n *)?```(?P<kind>\w*)\n(?P<text>.*?)\n *```", re.DOTALL)
SLOW = {"start/teacher.md", "gallery.md", "guides/looks.md"}
ELSEWHERE = {"demo", "doctor", "studio"}  # tried by tests of their own
SMALL = {  # added to a command: a later option wins
    "--weights": "tiny",
    "--size": "64",
    "--steps": "1",
    "--first-scale": "0",
}


def blocks(page: str) -> Iterator[re.Match[str]]:
    """Yield the fenced blocks of a page."""
    return BLOCK.finditer((DOCS / page).read_text("utf-8"))


def shrink(words: list[str], options: set[str]) -> list[str]:
    """Return a command that paints 64 px in a step; one that paints nothing is left as it is."""
    if "--dry-run" in words:
        return [*words, *(["--weights", "tiny"] if "--weights" in options else [])]
    added = {name: value for name, value in SMALL.items() if name in options and words[0] != "apply"}
    if words[0] == "train":
        added |= {"--crop": "64", "--batch-size": "1", "--width": "4", "--blocks": "1"}
    return [*words, *(word for pair in added.items() for word in pair), *(["--quiet"] if "--quiet" in options else [])]


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Callable[..., Tensor]) -> Path:
    """The working folder, with the pictures that the pages name."""
    (tmp_path / "photos").mkdir()
    for seed, name in enumerate(("photo.jpg", "painting.jpg", "second.jpg", "photos/a.jpg", "photos/b.jpg")):
        write_image(picture(64, 64, seed), tmp_path / name)
    mask = picture(64, 64).new_zeros(1, 3, 64, 64)
    mask[:, :, :32] = 1
    write_image(mask, tmp_path / "sky.png")
    write_image(mask, tmp_path / "painting_sky.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


OPTIONS = {
    words.removeprefix("impasto "): {text for param in command.params for text in (*param.opts, *param.secondary_opts)}
    for words, command in reference.list_commands()
}


@pytest.mark.usefixtures("pictures", "instant_package")
@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[pytest.mark.slow] if page in SLOW else []) for page in PAGES]
)
def test_commands_run(page: str) -> None:
    for block in blocks(page):
        if block["kind"] != "sh" or block["mark"]:
            continue
        for line in block["text"].splitlines():
            program, *words = shlex.split(line)
            assert program == "impasto", f"{page}: mark this block as not run, with the reason: {line}"
            name = " ".join(words[:2]) if " ".join(words[:2]) in OPTIONS else words[0]
            if name not in ELSEWHERE:
                assert main(shrink(words, OPTIONS[name])) == 0, f"{page}: {line}"


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("page", [page for page in PAGES if "```python" in (DOCS / page).read_text("utf-8")])
def test_python_runs(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    small = impasto.Recipe(weights="tiny", size=64, steps=2, first_scale=0)
    monkeypatch.setattr(impasto.Recipe, "preset", lambda name, **changes: small.replace(**changes))
    names: dict[str, object] = {}
    for block in blocks(page):
        if block["kind"] == "python":
            exec(block["text"], names)


def test_few_blocks_are_not_run() -> None:
    """At most one in ten, but for the page that installs programs."""
    found = [block for page in PAGES if page != "start/artist.md" for block in blocks(page)]
    marked = [block for block in found if block["mark"] or block["kind"] == "bibtex"]
    assert len(marked) <= len(found) / 10


@pytest.mark.parametrize("page", [page for page in PAGES if page not in build_site.NOT_YET_CHINESE])
def test_the_chinese_page_has_the_same_blocks(page: str) -> None:
    assert [block[0] for block in blocks(page)] == [block[0] for block in blocks(page.replace(".md", ".zh.md"))]


@pytest.mark.parametrize("chinese", sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.zh.md")))
def test_the_chinese_page_has_the_same_structure(chinese: str) -> None:
    texts = [(DOCS / name).read_text("utf-8") for name in (chinese.replace(".zh.md", ".md"), chinese)]
    texts = [re.sub(r"^- `[\w/]+\.py`: .*", "", text, flags=re.MULTILINE) for text in texts]  # architecture.md's files
    pictures, links, options = (
        [re.findall(pattern, text) for text in texts]
        for pattern in (r"!\[[^\]]*\]\(([^)]+)\)", r"\]\(([^)\s]+)\)", r"(?<![\w-])--[a-z][a-z-]+")
    )
    assert pictures[0] == pictures[1]
    assert set(links[0]) == set(links[1])
    assert set(options[0]) == set(options[1])
    headings, rows = ([len(re.findall(mark, text, flags=re.MULTILINE)) for text in texts] for mark in (r"^#+ ", r"^\|"))
    assert headings[0] == headings[1]
    assert rows[0] == rows[1]


def test_the_site_is_complete(tmp_path: Path) -> None:
    assert build_site.collect(tmp_path / "docs") == []
    named = set(re.findall(r"(?:^|\s)([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), flags=re.MULTILINE))
    there = {path.relative_to(tmp_path / "docs").as_posix() for path in (tmp_path / "docs").rglob("*.md")}
    assert named == {path for path in there if not path.endswith(".zh.md")}


def test_the_chinese_architecture_has_every_file_and_stands_in_english_elsewhere(tmp_path: Path) -> None:
    page = tmp_path / "architecture.zh.md"
    page.write_text("# 架构\n\n## 根目录 {#at-the-root}\n\n包。\n\n## system/\n\n机器。\n", "utf-8")
    english = "# A\n\n## At the root\n\nRoot.\n\n- `a.py`: A\n\n## system/\n\nMachine.\n\n- `b.py`: B\n\n"
    build_site.add_files(page, f"{english}## new/\n\nNew.\n")
    found = page.read_text("utf-8")
    assert "包。\n\n- `a.py`: A\n" in found and "机器。\n\n- `b.py`: B\n" in found
    assert found.endswith("## new/\n\nNew.\n") and "Root." not in found and "Machine." not in found


def test_the_house_shows_imports_to_the_left_only() -> None:
    folders = re.findall(r"^## (\w+)/$", (DOCS / "architecture.md").read_text("utf-8"), flags=re.MULTILINE)
    counts = house.count_imports()
    assert all(folders.index(folder) > folders.index(other) for folder, other in counts)
    assert house.draw_house(folders).count("<circle") == len(counts) > 50


def test_a_page_in_one_language_is_named(tmp_path: Path) -> None:
    (tmp_path / "new.md").write_text("# New\n", "utf-8")
    (tmp_path / "old.zh.md").write_text("# Old\n", "utf-8")
    complaints = build_site.add_missing_chinese(tmp_path)
    assert "new.md has no Chinese page (new.zh.md)" in complaints
    assert "old.zh.md has no English page" in complaints


def test_a_page_that_loads_from_outside_is_named(tmp_path: Path) -> None:
    page = '<a href="https://a.org"></a><script src="https://b.org/x.js"></script>'
    (tmp_path / "page.html").write_text(page, "utf-8")
    assert build_site.find_outside(tmp_path) == ['page.html: <script src="https://b.org/x.js">']


def test_the_search_without_a_server_has_all_pages(tmp_path: Path) -> None:
    (tmp_path / "search_index.json").write_text('{"docs": ["all"]}', "utf-8")
    build_site.write_search_index(tmp_path)
    assert (tmp_path / "search_index.js").read_text("utf-8").startswith('var __index = {"docs": ["all"]};')


def test_the_reference_has_every_option_with_a_text() -> None:
    page = reference.commands_page()
    for words, command in reference.list_commands():
        section = page.split(f"## `{words}`\n")[1].split("\n## ")[0]
        for param in command.params:
            if param.param_type_name == "option":
                assert all(f"`{text}`" in section for text in param.opts), (words, param.opts)
            assert getattr(param, "help", ""), f"{words} {param.name} has no help"


def test_the_reference_has_every_name_and_error() -> None:
    pages = reference.pages()
    for name in impasto.__all__:
        assert name.startswith("__") or f"heading: impasto.{name}\n" in pages["reference/python.md"]
    for name in impasto.Recipe.__dataclass_fields__:
        assert f"| `{name}` |" in pages["reference/presets.md"]
    errors = {name for name, thing in vars(impasto.errors).items() if isinstance(thing, type)} - {"ImpastoError", "Any"}
    assert errors == set(reference.DO)


def test_the_chinese_reference_has_every_command_preset_and_error() -> None:
    words = reference.CHINESE
    assert set(words["commands"]) == {words for words, _ in reference.list_commands()}
    assert set(words["presets"]) == set(reference.preset_names())
    assert set(words["errors"]) == set(reference.DO)
    pages = reference.pages()
    assert f"\n{words['commands']['impasto stylize']}\n" in pages["reference/commands.zh.md"]
    strength = reference.read_chinese_options()["--strength"]
    assert all(strength in pages[f"reference/{name}.zh.md"] for name in ("commands", "presets"))
    params = (param for _, command in reference.list_commands() for param in command.params)
    helps = {str(param.help).split(r" [dim]")[0] for param in params}
    assert set(words["shared"]) <= helps


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.relative_to(DOCS).as_posix())
def test_links_and_pictures_are_there(path: Path) -> None:
    made = {DOCS / name for name in (*reference.pages(), "contributing.md", "examples/first_picture.ipynb")}
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text("utf-8")):
        found = (path.parent / target).resolve()
        assert target.startswith("http") or found.exists() or found in made, target

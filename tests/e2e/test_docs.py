"""The site's pages: the Chinese ones have what the English have, links lead somewhere, the reference is complete."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

import impasto

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "site"))

import build_site  # noqa: E402 - docs/site is no package
import house  # noqa: E402
import reference  # noqa: E402


@pytest.mark.parametrize("chinese", sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.zh.md")))
def test_the_chinese_page_has_the_same_structure(chinese: str) -> None:
    texts = [(DOCS / name).read_text("utf-8") for name in (chinese.replace(".zh.md", ".md"), chinese)]
    texts = [re.sub(r"^- `[\w/]+\.py`: .*", "", text, flags=re.MULTILINE) for text in texts]  # architecture.md's files
    if chinese == "experiments.zh.md":
        texts[0] = build_site.split_log(texts[0])[0]
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
    complaints = build_site.find_missing_languages(tmp_path)
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
    assert "| `--warm-up` | N | 0 | " in page


def test_the_reference_has_every_name_and_error() -> None:
    pages = reference.pages()
    for name in impasto.__all__:
        assert name.startswith("__") or f"heading: impasto.{name}\n" in pages["reference/python.md"]
    for name in impasto.Recipe.__dataclass_fields__:
        assert f"| `{name}` |" in pages["reference/presets.md"]
    for block in re.findall("```toml\n(.*?)```", pages["reference/presets.md"], re.DOTALL):
        assert tomllib.loads(block)
    errors = {name for name, thing in vars(impasto.errors).items() if isinstance(thing, type)} - {"ImpastoError", "Any"}
    assert errors == set(reference.DO)


def test_the_reference_has_the_parts_of_the_loops() -> None:
    pages = "".join((build_site.DOCS / name).read_text("utf-8") for name in ("python.md", "start/developer.md"))
    found = re.findall(r"^from impasto\.([\w.]+) import (.+)$", pages, flags=re.MULTILINE)
    parts = {f"{module}.{name}" for module, names in found for name in names.split(", ")}
    assert parts and parts <= set(reference.PARTS)


def test_the_chinese_reference_has_every_command_preset_and_error() -> None:
    words = reference.CHINESE
    assert set(words["commands"]) == {words for words, _ in reference.list_commands()}
    assert set(words["presets"]) == set(reference.preset_names())
    assert set(words["errors"]) == set(reference.DO)
    pages = reference.pages()
    assert f"\n{words['commands']['impasto stylize']}\n" in pages["reference/commands.zh.md"]
    help = str(impasto.Recipe.__dataclass_fields__["strength"].metadata["help"])
    strength = reference.read_chinese_options()[help]
    assert all(strength in pages[f"reference/{name}.zh.md"] for name in ("commands", "presets"))


def test_the_chinese_reference_has_every_option() -> None:
    params = [param for _, command in reference.list_commands() for param in command.params]
    helps = {str(param.help).split(r" [dim]")[0] for param in params if not getattr(param, "hidden", False)}
    assert set(reference.CHINESE["options"]) <= helps
    rows = [line for line in reference.pages()["reference/commands.zh.md"].splitlines() if line.startswith("| `")]
    assert [row for row in rows if not re.search("[\u4e00-\u9fff]", row.split(" | ")[3])] == []


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.relative_to(DOCS).as_posix())
def test_links_and_pictures_are_there(path: Path) -> None:
    notebooks = [f"examples/{notebook.name}" for notebook in (ROOT / "examples").glob("*.ipynb")]
    made = {DOCS / name for name in (*reference.pages(), "contributing.md", *notebooks)}
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text("utf-8")):
        found = (path.parent / target).resolve()
        assert target.startswith("http") or found.exists() or found in made, target
    assert re.findall(r"\[[\w-]+\.md\]\(", path.read_text("utf-8")) == [], "a reader of the site knows no file names"

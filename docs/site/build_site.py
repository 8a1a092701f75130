"""Build the site: `make docs`. Pages of docs/ and pages made from the code, English and Chinese, warnings as errors.

    python docs/site/build_site.py    into build/site; open build/site/index.html, no server needed
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from house import draw_house
from reference import pages

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SOURCES, SITE = ROOT / "build" / "docs", ROOT / "build" / "site"

OWN_LANGUAGE = """;
if (!document.documentElement.lang.startsWith("zh")) {
  __index.docs = __index.docs.filter((page) => !page.location.startsWith("zh/"));
  __index.config.lang = ["en"];
}
"""
"""English pages find English ones; Chinese pages find both, since the reference is in English."""

LARGEST_SITE = 25e6
"""Bytes of the whole site, so that it can be passed on as one file and read offline."""


def collect(target: Path) -> list[str]:
    """Write the sources of the whole site into a folder. Returns the complaints about pages in one language only."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(DOCS, target, ignore=shutil.ignore_patterns("site", "__pycache__"))
    for path in target.glob("*.md"):  # links out of docs/ lead to copies inside
        path.write_text(path.read_text("utf-8").replace("](../examples/", "](examples/"), "utf-8")
    ignored = shutil.ignore_patterns("__pycache__", "*.py", "node_modules", "onnxruntime")  # the last two by `make web`
    shutil.copytree(ROOT / "examples", target / "examples", ignore=ignored)
    contributing = {
        name.lower(): (ROOT / name).read_text("utf-8").replace("](docs/", "](")
        for name in ("CONTRIBUTING.md", "CONTRIBUTING.zh.md")
    }
    for name, text in {**pages(), **contributing}.items():
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text(text, "utf-8")
    shutil.copy(ROOT / "src" / "impasto" / "cli" / "outputs.json", target / "reference")
    with (target / "experiments.zh.md").open("a", encoding="utf-8") as page:
        page.write("\n" + split_log((DOCS / "experiments.md").read_text("utf-8"))[1])
    add_files(target / "architecture.zh.md", (DOCS / "architecture.md").read_text("utf-8"))
    caption = "*Drawn from the code. A row's dots are the folders that it imports from, all left of its square.*"
    add_house(target / "architecture.md", caption)
    add_house(target / "architecture.zh.md", "*由代码画出。一行里的圆点是它导入的文件夹，全在自己那个方块的左边。*")
    return find_missing_languages(target)


def split_log(text: str) -> tuple[str, str]:
    """Return the findings at the top of experiments.md, and the log, which the Chinese page has in English too."""
    start = [match.start() for match in re.finditer(r"^## ", text, flags=re.MULTILINE)][1]
    return text[:start], text[start:]


def add_files(page: Path, english: str) -> None:
    """Put the lines of files below each section of the Chinese page; a section that it lacks is the English one."""
    texts = re.split(r"^(?=## )", page.read_text("utf-8"), flags=re.MULTILINE)
    chinese = {text.splitlines()[0].partition("{#")[2].rstrip("}") or text.splitlines()[0]: text for text in texts[1:]}
    parts = [texts[0]]
    for section in re.split(r"^(?=## )", english, flags=re.MULTILINE)[1:]:
        heading = section.splitlines()[0]
        files = re.findall(r"^- `.*(?:\n  .*)*\n", section, flags=re.MULTILINE)
        text = chinese.get(heading, chinese.get(heading.removeprefix("## ").lower().replace(" ", "-"), ""))
        parts.append(f"{text.rstrip()}\n\n{''.join(files)}\n" if text else section)
    page.write_text("".join(parts), "utf-8")


def add_house(page: Path, caption: str) -> None:
    """Put the picture of all folders before the first section of a page whose sections are folders, in their order."""
    text = page.read_text("utf-8")
    house = draw_house(re.findall(r"^## (\w+)/$", text, flags=re.MULTILINE))
    start = text.index("## ")
    page.write_text(f"{text[:start]}{house}\n\n{caption}\n\n{text[start:]}", "utf-8")


def find_missing_languages(target: Path) -> list[str]:
    """Return a complaint about each page in one language only."""
    names = {path.relative_to(target).as_posix() for path in target.rglob("*.md")}
    chinese = {name for name in names if name.endswith(".zh.md")}
    lacking = {name for name in names - chinese if name.replace(".md", ".zh.md") not in chinese}
    alone = {name for name in chinese if name.replace(".zh.md", ".md") not in names}
    return [
        *(f"{name} has no Chinese page ({name.replace('.md', '.zh.md')})" for name in sorted(lacking)),
        *(f"{name} has no English page" for name in sorted(alone)),
    ]


def find_outside(site: Path) -> list[str]:
    """Return the pages, scripts and styles of a built site that would load something from another server."""
    loads = re.compile(r"<(?:script|link|img|iframe)[^>]*\s(?:src|href)=[\"']?(https?:)?//[^\"'> ]+[^>]*>")
    found = []
    for path in site.rglob("*.html"):
        tags = (match[0] for match in loads.finditer(path.read_text("utf-8")))
        found += [f"{path.relative_to(site)}: {tag}" for tag in tags if "rel=\"canonical\"" not in tag]
    styles = (path for path in site.rglob("*.css") if re.search(r"url\([\"']?https?:", path.read_text("utf-8")))
    return found + [f"{path.relative_to(site)} loads from outside" for path in styles]


def write_search_index(folder: Path) -> None:
    """Write the index that is read without a server again: the plug-in wrote it before the last language was added."""
    index = (folder / "search_index.json").read_text("utf-8")
    (folder / "search_index.js").write_text(f"var __index = {index}{OWN_LANGUAGE}", "utf-8")


def main() -> int:
    """Collect the sources, build the site, check it. Returns the exit code."""
    complaints = collect(SOURCES)
    if not complaints:
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--clean"]
        if subprocess.run(command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}).returncode:
            return 1
        write_search_index(SITE / "search")
        size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
        complaints = find_outside(SITE)
        if size > LARGEST_SITE:
            complaints.append(f"the site has {size / 1e6:.1f} MB, more than {LARGEST_SITE / 1e6:.0f}")
        print(f"{SITE / 'index.html'}: {size / 1e6:.1f} MB")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

"""What the documents say is true: commands, links, folders and files exist."""

import re
from pathlib import Path

import pytest

from impasto.cli.app import app

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "impasto"
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "NOTICE.md"]


def test_every_command_is_in_the_readme_and_the_other_way_round() -> None:
    commands = {str(command.callback.__name__) for command in app.registered_commands if command.callback is not None}
    named = set(re.findall(r"^\| `impasto (\w+)", README, flags=re.MULTILINE)) | {"doctor", "weights"}
    assert named == commands | {str(group.typer_instance.info.name) for group in app.registered_groups}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_pictures_are_there(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
        assert target.startswith("http") or (document.parent / target).exists(), target


def test_the_tree_in_the_readme_has_every_folder_and_no_other() -> None:
    tree = README.split("## The folders")[1].split("## Tests")[0]
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").splitlines()}
    outer = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."} - ignored - {"src"}
    stages = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    check_names("README.md, The folders", set(re.findall(r"^ {6}(\w+)/ +\S", tree, flags=re.MULTILINE)), stages)
    check_names("README.md, The folders", set(re.findall(r"^ {4}(\w+)/ +\S", tree, flags=re.MULTILINE)), outer)


def test_the_architecture_has_a_line_for_every_file_and_no_other() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    lines = re.findall(r"^- `([\w/]+\.py)`: \S", page, flags=re.MULTILINE)
    paths = [path for path in SOURCE.rglob("*.py") if path.name != "__init__.py" or "\ndef " in path.read_text("utf-8")]
    assert len(lines) == len(set(lines))
    check_names("docs/architecture.md", set(lines), {path.relative_to(SOURCE).as_posix() for path in paths})


@pytest.mark.parametrize("page", ["architecture.md", "architecture.zh.md", "extend.md", "extend.zh.md"])
def test_files_that_developers_are_sent_to_are_there(page: str) -> None:
    named = re.findall(r"`([\w/.]+\.(?:py|js|toml|md))`", (ROOT / "docs" / page).read_text("utf-8"))
    new = {"losses/activity.py", "cli/palette.py", "features/containers/npz.py"}
    places = (SOURCE, ROOT, ROOT / "tests" / "unit" / "losses")
    missing = {name for name in named if not any((place / name).exists() for place in places)}
    assert missing <= new, f"docs/{page}"


def check_names(page: str, named: set[str], there: set[str]) -> None:
    """Fail with both lists where a page names other things than there are."""
    missing, surplus = sorted(there - named), sorted(named - there)
    assert not missing and not surplus, f"{page} lacks {missing} and names {surplus}, which is not there"

"""What the documents say is true: the Python runs, and commands, options, links, folders and files exist."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

import impasto
from impasto.cli.app import app, main
from impasto.images.io import write_image

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "impasto"
OPTION = re.compile(r"--[a-z][a-z0-9-]*[a-z0-9]")
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "NOTICE.md"]


def test_the_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Callable[..., Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "painting.jpg"):
        write_image(picture(40, 48), tmp_path / name)
    small = impasto.Recipe(weights="tiny", size=48, steps=2, first_scale=0)
    monkeypatch.setattr(impasto.Recipe, "preset", lambda name, **changes: small.replace(**changes))
    exec(code, {})
    assert impasto.read_image("pastiche.png").shape == (1, 3, 40, 48)
    assert capsys.readouterr().out.startswith("1 ")


@pytest.mark.slow
def test_the_examples_of_the_python_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Callable[..., Tensor]
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text("utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("photo.jpg", "painting.jpg", "painting2.jpg")):
        write_image(picture(40, 48, seed), tmp_path / name)
    small = {"weights": "tiny", "size": 48, "steps": 2, "first_scale": 0}
    preset = impasto.Recipe.preset
    monkeypatch.setattr(impasto.Recipe, "preset", lambda name, **changes: preset(name, **{**small, **changes}))
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    assert len(blocks) == 10 and {"pastiche.png", "pastiche.tif", "frame2.png", "grid.png"} <= {
        path.name for path in tmp_path.iterdir()
    }


def test_every_command_is_in_the_readme_and_the_other_way_round() -> None:
    commands = {str(command.callback.__name__) for command in app.registered_commands if command.callback is not None}
    named = set(re.findall(r"^\| `impasto (\w+)", README, flags=re.MULTILINE)) | {"doctor", "weights"}
    assert named == commands | {str(group.typer_instance.info.name) for group in app.registered_groups}


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`impasto (\w+)[^`]*--", README)) | {"stylize"}))
def test_options_in_the_readme_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    used = {o for line in re.findall(rf"impasto {command}\b([^`|\n]*)", README) for o in OPTION.findall(line)}
    assert 0 in (main([command, "--help-all"]), main([command, "--help"]))
    assert used <= set(OPTION.findall(capsys.readouterr().out))


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


def check_names(page: str, named: set[str], there: set[str]) -> None:
    """Fail with both lists where a page names other things than there are."""
    missing, surplus = sorted(there - named), sorted(named - there)
    assert not missing and not surplus, f"{page} lacks {missing} and names {surplus}, which is not there"

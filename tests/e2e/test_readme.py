"""What the documents say is true: the Python runs, the commands and options exist, the folders are there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

import impasto
from impasto.cli.app import app, main
from impasto.images.io import write_image

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "NOTICE.md", *sorted((ROOT / "docs").glob("*.md"))]


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


def test_every_command_is_in_the_readme_and_the_other_way_round() -> None:
    commands = {str(command.callback.__name__) for command in app.registered_commands if command.callback is not None}
    told = set(re.findall(r"^\| `impasto (\w+)", README, flags=re.MULTILINE)) | {"doctor", "weights"}
    assert told == commands | {str(group.typer_instance.info.name) for group in app.registered_groups}


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`impasto (\w+)[^`]*--", README)) | {"stylize"}))
def test_options_in_the_readme_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    used = {o for line in re.findall(rf"impasto {command}\b([^`|\n]*)", README) for o in re.findall(r"--[a-z-]+", line)}
    assert main([command, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert all(option in help_text for option in used), used


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_pictures_are_there(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
        assert target.startswith("http") or (document.parent / target).exists(), target


def test_files_in_the_tree_of_the_readme_exist() -> None:
    tree = README.split("## The folders")[1].split("## Tests")[0]
    for name in re.findall(r"\b[a-z_]+\.py\b", tree):
        assert any(list((ROOT / folder).rglob(name)) for folder in ("src", "examples")), name

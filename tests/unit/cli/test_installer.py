"""Install commands name the program that installed impasto."""

import json
import logging
from pathlib import Path

import pytest

from impasto.cli.doctor import find_extras
from impasto.cli.installer import name_installer
from impasto.cli.report import report_error, warnings_as_lines
from impasto.errors import MissingExtraError

PIP = 'Run: pip install "impasto[faces]"'


@pytest.mark.parametrize(
    ("file", "command"),
    [
        (None, "pip install"),
        ("pipx_metadata.json", "pipx runpip impasto install"),
        ("uv-receipt.toml", 'uv pip install --python "{folder}"'),
    ],
)
def test_a_missing_extra_names_the_command_of_its_installation(
    file: str | None, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "impasto"
    folder.mkdir()
    if file is not None:
        (folder / file).touch()
    monkeypatch.setattr("sys.prefix", str(folder))
    expected = f'Run: {command.format(folder=folder)} "impasto[faces]"'
    assert name_installer(PIP) == expected
    report_error(MissingExtraError("no faces.", PIP), as_json=True, debug=False)
    with warnings_as_lines():
        logging.getLogger("impasto.somewhere").warning(PIP)
    out, err = capsys.readouterr()
    assert json.loads(out)["hint"] == expected
    assert err == f"impasto: no faces. {expected}\nimpasto: warning: {expected}\n"
    assert {row["name"]: f"Run: {row['install']}" for row in find_extras()}["faces"] == expected

"""Shell completion: the script of each shell, and what it completes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from impasto.cli.app import main
from impasto.cli.options import complete


def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **variables: str) -> str:
    """What the command line prints for a shell that sets these variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as done:
        main([])
    assert done.value.code in (0, None)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("impasto sty", ["stylize", "styles"]),
        ("impasto stylize --preset dr", ["draft"]),
        ("impasto stylize --color h", ["histogram"]),
        ("impasto stylize --style-layers conv1_1,conv5_4", ["conv1_1,conv5_4"]),
        ("impasto stylize --init n", ["noise"]),
        ("impasto stylize --size c", ["content"]),
        ("impasto stylize --depth 1", ["16"]),
        ("impasto stylize --tv-w", ["--tv-weight"]),  # one that the short help leaves out
        ("impasto stylize --device cp", ["cpu"]),
        ("impasto batch --pairs z", ["zip"]),
        ("impasto recipe show neu", ["neural-style"]),
        ("impasto recipe sh", ["show"]),
        ("impasto demo --picture as", ["astronaut"]),
        ("impasto resume 2026", ["20261128-photo"]),
        ("impasto stylize pho", []),  # left to the shell, which completes files
        ("impasto stylize --only pho", []),
    ],
)
def test_words_are_completed(
    line: str,
    completions: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "runs" / "20261128-photo").mkdir(parents=True)
    (tmp_path / "runs" / "20261128-photo" / "run.json").touch()
    monkeypatch.setenv("IMPASTO_DATA", str(tmp_path))
    place = str(len(line.split()) - 1)
    found = ask(monkeypatch, capsys, COMP_WORDS=line, COMP_CWORD=place, _IMPASTO_COMPLETE="complete_bash")
    assert found.split() == completions


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete -o default -F"), ("zsh", "compdef"), ("fish", "complete --command")]
)
def test_each_shell_has_its_script(
    shell: str, word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = ask(monkeypatch, capsys, _IMPASTO_COMPLETE=f"source_{shell}")
    assert word in script and "_IMPASTO_COMPLETE=complete_" + shell in script and re.search(r"\bimpasto\b", script)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_with_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = ask(monkeypatch, capsys, _IMPASTO_COMPLETE="source_bash")
    program = tmp_path / "impasto"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m impasto "$@"\n')
    program.chmod(0o755)
    lines = [
        script,
        f"PATH='{tmp_path}':$PATH; COMP_WORDS=(impasto stylize --preset dr); COMP_CWORD=3",
        "_impasto_completion impasto; echo \"${COMPREPLY[@]}\"",
    ]
    monkeypatch.delenv("_IMPASTO_COMPLETE")
    done = subprocess.run(["bash", "--norc", "-c", "\n".join(lines)], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("draft\n", 0), done.stderr


def test_words_of_a_list_are_completed_one_by_one() -> None:
    assert complete(("gram", "nearest"), is_list=True)("gram,n") == ["gram,nearest"]
    assert complete(("gram", "nearest"))("gram,n") == []

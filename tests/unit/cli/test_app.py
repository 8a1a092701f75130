"""What every command has in common before it begins."""

import errno
import io
import os
import sys

import pytest

from impasto.cli.app import main


@pytest.mark.parametrize(("before", "after"), [(None, "passive"), ("active", "active")])
def test_threads_do_not_spin_unless_told(before: str | None, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", before or "to be deleted, and then restored")
    if before is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    assert main(["--version"]) == 0
    assert os.environ["OMP_WAIT_POLICY"] == after


def test_closed_streams_are_written_to_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)  # as `impasto ... >&- 2>&-` leaves them
    monkeypatch.setattr("sys.stderr", None)
    assert main(["--version"]) == 0
    assert main(["--no-such-option"]) == 2
    sys.stdout.close()
    sys.stderr.close()


def test_help_is_printed_in_any_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(printed, encoding="ascii"))
    assert main(["stylize", "--help-all"]) == 0
    sys.stdout.flush()
    assert b"--style-weight" in printed.getvalue()


@pytest.mark.parametrize("words", [["weights"], ["recipe", "show", "standard", "--json"], ["stylize", "--help"]])
def test_a_full_disk_under_stdout_is_one_line(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class FullDisk(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("sys.stdout", FullDisk())
    assert main(words) == 1
    assert capsys.readouterr().err == (
        "impasto: the disk is full (No space left on device); expected room for the output. Free some space.\n"
    )

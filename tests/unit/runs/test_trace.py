"""The trace: whole lines, cut to what is painted again."""

import errno
import os
from pathlib import Path

import pytest

from impasto.runs.trace import TRACE_NAME, append_trace, cut_trace, read_trace


def test_lines_are_added_and_cut(tmp_path: Path) -> None:
    assert read_trace(tmp_path) == []
    cut_trace(tmp_path, 3)
    assert not (tmp_path / TRACE_NAME).exists()
    append_trace(tmp_path, [{"step": 1, "losses": {"total": 0.1}}])
    append_trace(tmp_path, [{"step": 2}, {"step": 3}])
    assert [line["step"] for line in read_trace(tmp_path)] == [1, 2, 3]
    cut_trace(tmp_path, 1)
    assert read_trace(tmp_path) == [{"step": 1, "losses": {"total": 0.1}}]


def test_a_last_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    append_trace(tmp_path, [{"step": 1}, {"step": 2}])
    path = tmp_path / TRACE_NAME
    path.write_bytes(path.read_bytes()[:-3])
    assert read_trace(tmp_path) == [{"step": 1}]
    cut_trace(tmp_path, 1)
    append_trace(tmp_path, [{"step": 2}])
    assert [line["step"] for line in read_trace(tmp_path)] == [1, 2]


def test_lines_that_do_not_fit_on_the_disk_leave_no_part_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_trace(tmp_path, [{"step": 1}])

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            append_trace(tmp_path, [{"step": 2}])
    append_trace(tmp_path, [{"step": 2}])
    assert read_trace(tmp_path) == [{"step": 1}, {"step": 2}]

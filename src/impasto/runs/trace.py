"""The trace: the losses after every step, a JSON object a line."""

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

TRACE_NAME = "trace.jsonl"


def append_trace(folder: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Append lines, all of them or, where the disk fails, none. Raises OSError."""
    data = b"".join(json.dumps(dict(line)).encode() + b"\n" for line in lines)
    with open(folder / TRACE_NAME, "ab", buffering=0) as file:
        end = file.tell()
        try:
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise


def cut_trace(folder: Path, step: int) -> None:
    """Cut the trace after this step; the later steps are painted again. Raises OSError."""
    size = sum(bytes_of_line for line, bytes_of_line in _read_lines(folder) if line["step"] <= step)
    path = folder / TRACE_NAME
    if path.exists() and path.stat().st_size != size:
        os.truncate(path, size)  # which needs no space on a full disk


def read_trace(folder: Path) -> list[dict[str, Any]]:
    """Return all lines but a last one that was cut short; none if there is no trace."""
    return [line for line, _ in _read_lines(folder)]


def _read_lines(folder: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each line and its number of bytes."""
    try:
        with open(folder / TRACE_NAME, "rb") as file:
            for text in file:
                line = json.loads(text)
                if not text.endswith(b"\n") or not isinstance(line, dict) or not isinstance(line.get("step"), int):
                    return
                yield line, len(text)
    except (OSError, ValueError, RecursionError):
        return

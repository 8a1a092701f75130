"""The manifest of a batch: a file of events that is only appended to, so that no crash loses what is done."""

import datetime
import errno
import json
import os
import socket
from array import array
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from impasto.batch.plan import name_hash
from impasto.errors import BatchError, DiskError, RunLockedError
from impasto.runs.lock import Lock, describe_owner

NAME = "manifest.jsonl"

LOCK_NAME = ".manifest.lock"

FORMAT_VERSION = 1

HEAD = json.dumps({"format": "impasto batch", "format_version": FORMAT_VERSION}).encode() + b"\n"


class Manifest:
    """`manifest.jsonl` in the batch's folder, open in one process at a time; a context manager.

    Its first line names the format. Each other line is a JSON object: "begun" (a call: process, host, time, jobs),
    "done" and "failed" (a picture: output, job, and its facts). A last line that was cut short is ignored, so that the
    process may be killed at any moment.
    done: the pictures that were done when it was opened.
    Raises BatchError where another process has it open, or where it is another program's or a newer impasto's.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            # Without O_BINARY, Windows would write a line's end as two letters.
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._descriptor = os.open(self.path, flags, 0o644)
        except OSError as error:
            raise BatchError(
                f"manifest {str(self.path)!r} cannot be opened ({error.strerror or error}); expected a file to add to.",
                "Choose a folder you may write to.",
            ) from error
        with ExitStack() as stack:
            stack.callback(os.close, self._descriptor)
            try:
                stack.callback(Lock(folder, LOCK_NAME).release)
            except RunLockedError as error:
                owner = describe_owner(folder, LOCK_NAME)
                raise BatchError(
                    f"folder {str(folder)!r} is being painted into by {owner}; expected one batch at a time.",
                    "Wait for it, stop it, or choose another -o.",
                ) from error
            self.done = Done(self.path)
            self._complete_last_line()
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def begin(self, jobs: int) -> None:
        """Append the line of a call."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.add({"event": "begun", "process": os.getpid(), "host": socket.gethostname(), "time": now, "jobs": jobs})

    def add(self, event: Mapping[str, Any]) -> None:
        """Append one line, which is on the disk when this returns. Raises DiskError."""
        self._write(json.dumps(dict(event)).encode("utf-8") + b"\n")

    def _write(self, line: bytes) -> None:
        try:
            if os.write(self._descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._descriptor)
        except OSError as error:
            raise DiskError(
                f"manifest {str(self.path)!r} could not be added to ({error.strerror or error}).",
                "Free some space and run the batch again: it continues where it stopped.",
            ) from error

    def _complete_last_line(self) -> None:
        """Write the head, or end a last line that was cut short."""
        with self.path.open("rb") as file:
            if not file.readline().endswith(b"\n"):
                os.ftruncate(self._descriptor, 0)
                self._write(HEAD)
            elif file.seek(-1, os.SEEK_END) and file.read(1) != b"\n":
                self._write(b"\n")


class Done:
    """The pictures of a manifest whose last event is that they are done; 16 bytes a line are held."""

    def __init__(self, path: Path) -> None:
        """path: of the manifest; where it is missing, nothing is done. Raises what `read_events` raises."""
        names, keys = array("Q"), array("Q")
        for event in read_events(path) if path.exists() else ():
            if event.get("event") not in ("done", "failed"):
                continue
            try:
                name, key = name_hash(event["output"]), int(event["job"], 16)
                keys.append(key if event["event"] == "done" else 0)
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
                continue
            names.append(name)
        all_names, all_keys = np.frombuffer(names, np.uint64), np.frombuffer(keys, np.uint64)
        # In the reversed array the first of equal names is the last event.
        self._names, places = np.unique(all_names[::-1], return_index=True)
        self._keys: npt.NDArray[np.uint64] = all_keys[::-1][places]

    def find_key(self, output: str) -> str | None:
        """Return the key of the job by which the picture was done; None if it was never done, or failed since."""
        name = np.uint64(name_hash(output))
        place = int(np.searchsorted(self._names, name))
        if place == len(self._names) or self._names[place] != name or not self._keys[place]:
            return None
        return f"{int(self._keys[place]):016x}"


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the events of a manifest in order, without lines that were cut short.

    Raises BatchError where the file is another program's or a newer impasto's.
    """
    with path.open("rb") as file:
        head = file.readline()
        if HEAD.startswith(head) and head != HEAD:  # empty, or cut short
            return
        _check_head(path, _parse(head))
        for line in file:
            event = _parse(line)
            if isinstance(event, dict) and line.endswith(b"\n"):
                yield event


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _check_head(path: Path, head: Any) -> None:
    if not isinstance(head, dict) or head.get("format") != "impasto batch":
        raise BatchError(
            f"manifest {str(path)!r} does not begin as one of impasto's; expected our own, or none.",
            "Choose another -o, or move that file away.",
        )
    version = head.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise BatchError(
            f"manifest {str(path)!r} has format_version {version!r}; this impasto reads up to {FORMAT_VERSION}.",
            "Install a newer impasto, or choose another -o.",
        )

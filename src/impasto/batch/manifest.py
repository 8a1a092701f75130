"""The manifest of a batch: one line an event, only ever added to, so that no crash takes what is done."""

import datetime
import errno
import json
import os
import socket
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from impasto.batch.plan import name_hash
from impasto.errors import BatchError, DiskError, RunLockedError
from impasto.runs.lock import Lock, describe_owner

FORMAT_VERSION = 1

NAME = "manifest.jsonl"

LOCK_NAME = ".manifest.lock"


class Manifest:
    """`manifest.jsonl` in the batch's folder, held by one process at a time; a context.

    Its first line names the format. Then one JSON object a line: "begun" (a call: process, host, time, jobs), "done"
    and "failed" (a picture: output, job, and what came of it). A last line that was cut short counts for nothing, so
    that the process may be killed at any moment.
    done: what it told of the pictures when it was opened.
    Raises BatchError where another process holds it, or it is not of our making or of a newer impasto; DiskError.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise BatchError(
                f"manifest {str(self.path)!r} cannot be opened ({error.strerror or error}); expected a file to add to.",
                "Choose a folder you may write to.",
            ) from error
        try:
            self._lock = self._take_lock()
        except BaseException:
            os.close(self._descriptor)
            raise
        try:
            self.done = Done(self.path)
            self._complete_last_line()
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        os.close(self._descriptor)
        self._lock.release()

    def begin(self, jobs: int) -> None:
        """Adds the line of a call."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.add({"event": "begun", "process": os.getpid(), "host": socket.gethostname(), "time": now, "jobs": jobs})

    def add(self, event: Mapping[str, Any]) -> None:
        """Adds one line, on the disk when this returns. Raises DiskError."""
        line = json.dumps(dict(event)).encode("utf-8") + b"\n"
        try:
            if os.write(self._descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._descriptor)
        except OSError as error:
            raise DiskError(
                f"manifest {str(self.path)!r} could not be added to ({error.strerror or error}).",
                "Free some space and run the batch again: it goes on where it stopped.",
            ) from error

    def _take_lock(self) -> Lock:
        try:
            return Lock(self.path.parent, LOCK_NAME)
        except RunLockedError as error:
            raise BatchError(
                f"folder {str(self.path.parent)!r} is being painted into by "
                f"{describe_owner(self.path.parent, LOCK_NAME)}; expected one batch at a time.",
                "Wait for it, stop it, or choose another -o.",
            ) from error

    def _complete_last_line(self) -> None:
        """Begins the file, or a new line after one that was cut short."""
        with self.path.open("rb") as file:
            if not file.readline().endswith(b"\n"):
                os.ftruncate(self._descriptor, 0)
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")
        if not size:
            self.add({"format": "impasto batch", "format_version": FORMAT_VERSION})


class Done:
    """What a manifest tells of every picture, as far as it can be asked by its name; 16 bytes a line are held."""

    def __init__(self, path: Path) -> None:
        """path: of the manifest; where there is none, nothing is done. Raises what `read_events` raises."""
        names, keys = array("Q"), array("Q")
        for event in read_events(path) if path.exists() else ():
            if event.get("event") not in ("done", "failed"):
                continue
            try:
                name, key = name_hash(event["output"]), int(event["job"], 16)
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
            names.append(name)
            keys.append(key if event["event"] == "done" else 0)
        every, last = np.frombuffer(names, np.uint64), np.frombuffer(keys, np.uint64)
        # In the reversed array the first of equal names is the last event.
        self._names, places = np.unique(every[::-1], return_index=True)
        self._keys: npt.NDArray[np.uint64] = last[::-1][places]

    def find_key(self, output: str) -> str | None:
        """The key of the job that the picture was last finished of; None where it never was, or failed since."""
        wanted = np.uint64(name_hash(output))
        place = int(np.searchsorted(self._names, wanted))
        if place == len(self._names) or self._names[place] != wanted or not self._keys[place]:
            return None
        return f"{int(self._keys[place]):016x}"


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a manifest, in order; lines that were cut short are left out.

    Raises BatchError where the file is not of our making, or of a newer impasto.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file):
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if number == 0 and line.endswith(b"\n"):
                _check_head(path, event)
            elif isinstance(event, dict) and line.endswith(b"\n"):
                yield event


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

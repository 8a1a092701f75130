"""A lock on a folder, so that one process at a time writes in it. It ends with its process, however that ends."""

import contextlib
import datetime
import errno
import json
import logging
import os
import socket
import time
from pathlib import Path
from typing import BinaryIO

from impasto.errors import OutputError, RunLockedError

logger = logging.getLogger(__name__)

LOCK_NAME = "lock"

TRIES = 5
"""`is_locked` holds the lock for an instant, so one failed try does not mean that another process writes."""

NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
"""Answers of a disk that has no locks."""


class Lock:
    """The right to write in a folder, from now until `release` or the end of the process.

    The file `name` in the folder is locked and holds the owner. On a disk without locks there is only a warning.
    Raises RunLockedError, which names the owner, and OutputError where the file cannot be written.
    """

    def __init__(self, folder: Path, name: str = LOCK_NAME) -> None:
        with contextlib.ExitStack() as stack:
            try:
                # Unbuffered: on a full disk the write fails, not the closing after it.
                self._file = stack.enter_context(open(folder / name, "a+b", buffering=0))
                if not _is_acquired(self._file, folder):
                    raise RunLockedError(
                        f"run {str(folder)!r} is being painted by {describe_owner(folder, name)}; expected one writer.",
                        "Wait for it to end, or stop it.",
                    )
                since = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
                owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
                self._file.truncate(0)
                # On Windows the first byte is locked, and others cannot read it.
                self._file.write(b" " + json.dumps(owner).encode())
            except OSError as error:
                raise OutputError(
                    f"{str(folder / name)!r} cannot be written ({error.strerror or error}); expected a folder to "
                    "continue in.",
                    "Free some space, or copy the folder to a place that you may write to.",
                ) from error
            stack.pop_all()

    def release(self) -> None:
        """Let other processes write."""
        self._file.close()


def is_locked(folder: Path) -> bool:
    """Return whether a process is writing in the folder now."""
    try:
        with open(folder / LOCK_NAME, "rb") as file:
            return not _try_lock(file)
    except OSError:
        return False


def describe_owner(folder: Path, name: str = LOCK_NAME) -> str:
    """Return the lock's owner in words: `process 4711 on studio since 2026-11-21T10:15:05+00:00`."""
    try:
        with open(folder / name, "rb", buffering=0) as file:
            file.seek(1)
            owner = json.loads(file.read())
        return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # it is being written at this moment
        return "another process"


def _is_acquired(file: BinaryIO, folder: Path) -> bool:
    try:
        return _try_lock(file)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        logger.warning(
            "the disk of %r has no locks (%s); do not paint in it from a second process.", str(folder), error.strerror
        )
        return True


def _try_lock(file: BinaryIO) -> bool:
    """Lock the file until it is closed; return whether that succeeded."""
    from filelock import lock_descriptor  # so that painting without a run folder does not need it

    for number in range(TRIES):
        time.sleep(0.02 * (number > 0))
        if lock_descriptor(file.fileno(), blocking=False):
            return True
    return False

"""One writer a run: a lock of the operating system, which ends with the process that holds it, however that ends."""

import contextlib
import datetime
import errno
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import BinaryIO

from impasto.errors import OutputError, RunLockedError

LOCK_NAME = "lock"

_FAR = 1 << 30
"""Windows locks bytes, and locked ones cannot be read: this one lies behind what is written."""

_TRIES = 5
"""A look at a lock, `is_locked`, holds it for an instant."""


class Lock:
    """The right to write in a folder, from now until `release` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Raises RunLockedError, which says who holds it, and OutputError where the folder cannot be written."""
        try:
            self._file = open(folder / LOCK_NAME, "a+b")  # noqa: SIM115
        except OSError as error:
            raise OutputError(
                f"run {str(folder)!r} cannot be written ({error.strerror or error}); expected a folder to go on in.",
                "Copy it to a place that you may write to, and go on with the copy.",
            ) from error
        try:
            for _ in range(_TRIES):
                if _try_lock(self._file):
                    break
                time.sleep(0.05)
            else:
                raise RunLockedError(
                    f"run {str(folder)!r} is being painted by {describe_owner(folder)}; expected one writer.",
                    "Wait for it to end, or stop it.",
                )
            since = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
            owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
            self._file.truncate(0)
            self._file.write(json.dumps(owner).encode())
            self._file.flush()
        except OSError as error:
            self._file.close()
            if isinstance(error, OutputError):
                raise
            raise OutputError(
                f"run {str(folder)!r} cannot be locked ({error.strerror or error}); expected a disk with locks and "
                "some space.",
                "Free some space, or choose a folder on a local disk.",
            ) from error
        except BaseException:
            self._file.close()
            raise

    def release(self) -> None:
        """Lets others write."""
        with contextlib.suppress(OSError):  # what its buffer holds does not matter any more
            self._file.close()


def is_locked(folder: Path) -> bool:
    """Whether a process is writing in the folder now."""
    try:
        with open(folder / LOCK_NAME, "rb") as file:
            return not _try_lock(file, shared=True)
    except OSError:
        return False


def describe_owner(folder: Path) -> str:
    """Who holds the lock: `process 4711 on studio since 2026-11-21T10:15:05+00:00`."""
    try:
        owner = json.loads((folder / LOCK_NAME).read_bytes())
        return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it is just being written
        return "another process"


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: BinaryIO, *, shared: bool = False) -> bool:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EDEADLOCK):
                return False
            raise
        finally:
            file.seek(0)
        return True

else:
    import fcntl

    def _try_lock(file: BinaryIO, *, shared: bool = False) -> bool:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

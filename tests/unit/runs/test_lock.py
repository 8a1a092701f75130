"""One writer a folder, named to the next one; a killed process holds no lock; a disk without locks is warned of."""

import errno
import io
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from impasto.errors import OutputError, RunLockedError
from impasto.runs.lock import Lock, is_locked

HOLD = "import sys, time, pathlib; from impasto.runs.lock import Lock; lock = Lock(pathlib.Path(sys.argv[1])); "


def test_a_second_writer_learns_who_holds_the_lock(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    lock = Lock(tmp_path)
    assert is_locked(tmp_path)
    with pytest.raises(RunLockedError) as caught:
        Lock(tmp_path)
    assert f"process {os.getpid()} on {socket.gethostname()} since 20" in caught.value.error
    assert caught.value.exit_code == 2
    lock.release()
    assert not is_locked(tmp_path)
    Lock(tmp_path).release()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = HOLD + "print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with pytest.raises(RunLockedError, match=re.escape(f"process {process.pid} on")):
            Lock(tmp_path)
        process.send_signal(signal.SIGKILL)
    assert not is_locked(tmp_path)
    Lock(tmp_path).release()


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK])
def test_a_disk_without_locks_is_warned_of(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def flock(*arguments: object, **options: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("filelock.lock_descriptor", flock)
    first, second = Lock(tmp_path), Lock(tmp_path)
    assert not is_locked(tmp_path)
    assert [record.getMessage() for record in caplog.records] == [
        f"the disk of {str(tmp_path)!r} has no locks ({os.strerror(code)}); do not paint in it from a second process."
    ] * 2
    first.release()
    second.release()


def test_on_a_full_disk_the_lock_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullDisk(io.FileIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def open_full(path: Path, mode: str, buffering: int = -1) -> io.FileIO | io.BufferedRandom:
        file = FullDisk(path, mode.replace("b", ""))
        return file if buffering == 0 else io.BufferedRandom(file)

    monkeypatch.setattr("impasto.runs.lock.open", open_full, raising=False)
    with pytest.raises(OutputError, match="No space left on device"):
        Lock(tmp_path)


def test_a_folder_that_is_not_there_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        Lock(tmp_path / "missing")

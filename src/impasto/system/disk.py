"""Places on the disk: checked before slow work, and filled in one atomic move."""

import errno
import hashlib
import os
import re
import secrets
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from impasto.errors import DiskError, OutputError


def cache_folder() -> Path:
    """The folder for what can be fetched or measured again: IMPASTO_CACHE, or `impasto` in the user's cache folder.

    Raises RuntimeError where there is no home.
    """
    if chosen := os.environ.get("IMPASTO_CACHE"):
        return Path(chosen)
    caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The specification has relative paths ignored.
    return (caches if caches.is_absolute() else Path.home() / ".cache") / "impasto"


def is_folder(path: Path, label: str) -> bool:
    """Whether a folder is there; label: what is to be written. Raises OutputError where no file can have that name."""
    try:
        return path.is_dir()
    except OSError as error:
        raise OutputError(
            f"{label} cannot be written ({error.strerror or error}); expected a name that the disk can hold.",
            "Choose another name.",
        ) from error


def is_address(path: str | os.PathLike[str]) -> bool:
    """Whether a path is an internet address or a file:// one, also after `Path` has made "https:/" of its "https://".

    One letter before the colon is a drive of Windows.
    """
    return re.match(r"([a-z][a-z0-9+.-]+:[/\\]|data:)", os.fspath(path), re.IGNORECASE) is not None


def path_hint(path: str | os.PathLike[str], otherwise: str) -> str:
    """What to do about a path that does not exist: an address, one that begins with ~, or any other."""
    text = os.fspath(path)
    if text.lower().startswith("file:"):
        return f"Addresses are not read; give the path: {'/' + unquote(text[5:]).lstrip('/')!r}."
    if is_address(text):
        return "Addresses are not read; download it first."
    home = os.path.expanduser(text)
    return f"Only a shell replaces ~ by the home folder; give {home!r}." if home != text else otherwise


def data_folder() -> Path:
    """The folder for what cannot be made again: IMPASTO_DATA, or `impasto` where the system has users' data.

    Raises RuntimeError where there is no home.
    """
    if chosen := os.environ.get("IMPASTO_DATA"):
        return Path(chosen)
    variable, below = {
        "darwin": ("", "Library/Application Support"),
        "win32": ("LOCALAPPDATA", "AppData/Local"),
    }.get(sys.platform, ("XDG_DATA_HOME", ".local/share"))
    chosen_home = Path(os.environ.get(variable, ""))
    return (chosen_home if chosen_home.is_absolute() else Path.home() / below) / "impasto"


def check_folder(folder: Path, label: str) -> None:
    """Accept a folder in which files can be made; label: what is to be written there. Raises OutputError."""
    if not is_folder(folder, label):
        fact = "is not a folder" if folder.exists() else "does not exist"
        raise OutputError(
            f"{label} cannot be written: {str(folder)!r} {fact}; expected a folder.",
            "Choose another place."
            if folder.exists()
            else path_hint(folder, f"Make it first: mkdir -p {shlex.quote(str(folder))}"),
        )
    try:
        with tempfile.TemporaryFile(dir=folder):  # asking os.access is not enough: root may, a read-only disk may not
            pass
    except OSError as error:
        raise OutputError(
            f"{label} cannot be written: no file can be made in {str(folder)!r} ({error.strerror or error}).",
            "Choose a folder you may write to.",
        ) from error


def is_same_file(path: Path, source: str | os.PathLike[str]) -> bool:
    """Whether both name one file that is there."""
    try:
        return os.path.samefile(path, source)
    except (OSError, ValueError):  # one of them is not there
        return False


def check_not_input(path: Path, label: str, inputs: Sequence[object], hint: str = "Choose another name.") -> None:
    """Accept a path to write to that is no input's file; inputs that are no paths pass. Raises OutputError."""
    for source in inputs:
        if isinstance(source, (str, os.PathLike)) and is_same_file(path, source):
            raise OutputError(f"{label} is the input {str(source)!r}; expected another file.", hint)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def replace_file(path: Path, data: bytes | memoryview) -> None:
    """Write a file, or the target of a symbolic link, in one atomic move. Raises DiskError; the old file then stays."""
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".impasto-{secrets.token_hex(8)}.tmp")  # same folder, so that the move is atomic
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise DiskError(
            f"{str(path)!r} was not written ({error.strerror or error}); expected room for {len(data):,} bytes.",
            "Free some space and write it again." if full else "Check the disk, or write it elsewhere.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)

"""Places on the disk: checked before slow work, and filled in one atomic move."""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shlex
import sys
import tempfile
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from impasto.errors import DiskError, ImpastoError, OutputError

PLACES = {
    "IMPASTO_CACHE": {
        "darwin": ("", "Library/Caches", "impasto"),
        "win32": ("LOCALAPPDATA", "AppData/Local", "impasto/cache"),
        "": ("XDG_CACHE_HOME", ".cache", "impasto"),
    },
    "IMPASTO_DATA": {
        "darwin": ("", "Library/Application Support", "impasto"),
        "win32": ("LOCALAPPDATA", "AppData/Local", "impasto"),
        "": ("XDG_DATA_HOME", ".local/share", "impasto"),
    },
}
"""By the variable that chooses a folder and by system: the system's own variable, its usual value in the home folder,
and the name inside. "" is any other system."""

REPLACE_WAITS_S = (0.02, 0.1, 0.5)
"""Seconds between tries to replace a file that another program, such as a virus scanner, has open on Windows."""


def cache_folder() -> Path:
    """Return the folder for what can be fetched or measured again. Raises RuntimeError where there is no home."""
    return _user_folder("IMPASTO_CACHE")


def data_folder() -> Path:
    """Return the folder for what cannot be made again. Raises RuntimeError where there is no home."""
    return _user_folder("IMPASTO_DATA")


def _user_folder(choice: str) -> Path:
    if chosen := os.environ.get(choice):
        return Path(chosen)
    variable, usual, name = PLACES[choice].get(sys.platform, PLACES[choice][""])
    parent = Path(os.environ.get(variable, ""))
    # The specification has relative paths ignored.
    return (parent if parent.is_absolute() else Path.home() / usual) / name


def find_name_fault(name: str) -> str:
    """Return what no file may be named on this system, such as "the device's name 'con'"; "" where the name is good."""
    if sys.platform != "win32":
        return ""
    if found := re.search(r'[<>:"/\\|?*\x00-\x1f]', name):
        return f"the letter {found[0]!r}"
    if found := re.match(r"(con|prn|aux|nul|com\d|lpt\d)\s*(\.|$)", name, re.IGNORECASE):
        return f"the device's name {found[1]!r}"
    return f"the last letter {name[-1]!r}" if name.rstrip(". ") != name and name.strip(".") else ""


def fold_name(name: str) -> str:
    """Return a text that is equal for all names of one file: Windows and macOS ignore case and forms of accents."""
    if sys.platform not in ("win32", "darwin"):
        return name
    return unicodedata.normalize("NFC", name).casefold()


def quote(text: str) -> str:
    """Return a path or name as a word for this system's command line."""
    if sys.platform != "win32":
        return shlex.quote(text)
    return f'"{text}"' if re.search(r"[\s&()^;,=]", text) else text


def to_path(value: object, label: str, error: type[ImpastoError] = OutputError) -> Path:
    """Return a path that a program gave, a text or an `os.PathLike`; raises `error` for anything else."""
    if isinstance(value, (str, os.PathLike)):
        with contextlib.suppress(Exception):  # whatever the caller's own object raises; a lone half of a letter
            text = os.fspath(value)
            if isinstance(text, str) and b"\0" not in os.fsencode(text):
                return Path(text)
    raise error(
        f"{label} is {' '.join(repr(value).split())[:100]}; expected a path.", "Give a text or a pathlib.Path."
    )


def is_folder(path: Path, label: str) -> bool:
    """Return whether a folder is there. label: what is to be written.

    Raises OutputError where no file can have that name.
    """
    if fault := find_name_fault(path.name):
        raise OutputError(
            f"{label} cannot be written: Windows has no files with {fault}; expected a name that it can hold.",
            "Choose another name.",
        )
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


def check_folder(folder: Path, label: str) -> None:
    """Accept a folder in which files can be made. label: what is to be written there. Raises OutputError."""
    if not is_folder(folder, label):
        fact, hint = "is not a folder", "Choose another place."
        if not folder.exists():
            mkdir = "mkdir" if sys.platform == "win32" else "mkdir -p"  # which makes all folders of a path on Windows
            fact, hint = "does not exist", path_hint(folder, f"Make it first: {mkdir} {quote(str(folder))}")
            hint = "Write a file, then upload it." if is_address(folder) else hint
        raise OutputError(f"{label} cannot be written: {str(folder)!r} {fact}; expected a folder.", hint)
    try:
        with tempfile.TemporaryFile(dir=folder):  # asking os.access is not enough: root may, a read-only disk may not
            pass
    except OSError as error:
        raise OutputError(
            f"{label} cannot be written: no file can be made in {str(folder)!r} ({error.strerror or error}).",
            "Choose a folder you may write to.",
        ) from error


def check_file_place(path: Path, label: str) -> None:
    """Accept a file, or the target of a symbolic link, that can be made in its folder. Raises OutputError."""
    check_folder((Path(os.path.realpath(path)) if path.is_symlink() else path).parent, label)


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
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def replace_file(path: Path, data: bytes | memoryview) -> None:
    """Write a file, or the target of a symbolic link, in one atomic move. Raises DiskError; the old file then stays."""
    with replacing(path, f"{len(data):,} bytes") as temporary, open(temporary, "xb") as file:
        file.write(data)


@contextmanager
def replacing(path: Path, size: str) -> Iterator[Path]:
    """Yield a new path in the same folder; the file that the block writes there becomes `path` in one atomic move.

    path: a file, or a symbolic link to it. size: of the file, for the message. Raises DiskError for any OSError of the
    block; the old file then stays.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".impasto-{secrets.token_hex(8)}.tmp")  # same folder, so that the move is atomic
    try:
        yield temporary
        with open(temporary, "r+b") as file:
            os.fsync(file.fileno())
        _move(temporary, path)
    except ImpastoError:
        raise
    except OSError as error:
        hint = "Check the disk, or write it elsewhere."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "Free some space and write it again."
        elif sys.platform == "win32" and isinstance(error, PermissionError):
            hint = "Close the program that has it open, or write it elsewhere."
        raise DiskError(
            f"{str(path)!r} was not written ({error.strerror or error}); expected room for {size}.", hint
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _move(source: Path, target: Path) -> None:
    for wait_s in REPLACE_WAITS_S if sys.platform == "win32" else ():
        try:
            return os.replace(source, target)
        except PermissionError:
            time.sleep(wait_s)
    os.replace(source, target)

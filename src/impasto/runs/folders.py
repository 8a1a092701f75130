"""Find the folders of runs: by name in the user's own folder of runs, or by path."""

import difflib
import os
import re
from pathlib import Path

from impasto.errors import OutputError, RunError
from impasto.runs.record import RECORD_NAME, Record
from impasto.system.disk import check_folder, data_folder, is_folder, path_hint, quote, to_path

AUTO = "auto"
"""The value of `run_dir` for a new folder among the user's runs."""


def runs_folder() -> Path:
    """Return the user's folder of runs, which may not exist. Raises RunError where there is no home."""
    try:
        return data_folder() / "runs"
    except RuntimeError as error:
        raise RunError(f"there is no home folder for runs ({error}).", "Set IMPASTO_DATA to a folder.") from error


def is_users(folder: Path) -> bool:
    """Return whether a run is among the user's own."""
    try:
        return folder.parent == runs_folder()
    except RunError:
        return False


def list_runs(folder: Path) -> list[Path]:
    """Return the runs in a folder, by name, which for names that impasto gave is by age."""
    try:
        return sorted(path for path in folder.iterdir() if (path / RECORD_NAME).is_file())
    except OSError:
        return []


def find_run(name: str | os.PathLike[str], parent: Path | None = None) -> Path:
    """Return the folder of a run: a path, or a name among the user's own runs; a name in `parent` if that is given.

    Without `parent` the path of a picture is that of the last of the user's runs that was to write it, stopped ones
    before finished ones. Raises RunError with the nearest name.
    """
    if not isinstance(name, str):
        name = to_path(name, "run", RunError)
    names = []
    try:
        if parent is None and (Path(name) / RECORD_NAME).is_file():
            return Path(name).resolve()  # first, as there may be no home
        parent = parent if parent is not None else runs_folder()
        if (parent / name / RECORD_NAME).is_file():
            return (parent / name).resolve()
        names = [path.name for path in list_runs(parent)]
        if parent == runs_folder() and (writers := find_writers(Path(name))):
            return writers[-1].resolve()
    except (OSError, ValueError):  # too long, with a zero byte, or no home
        pass
    close = difflib.get_close_matches(os.fspath(name), names, n=1)
    raise RunError(
        f"run {os.fspath(name)!r} is not there; expected the folder of a run, a name among your runs, or the picture "
        "that one was to write.",
        path_hint(name, f"Did you mean {close[0]!r}?" if close else "`impasto runs list` lists them."),
    )


def find_writers(picture: Path) -> list[Path]:
    """Return the user's runs that were to write this picture: the finished ones, then the others, each by age."""
    found: list[tuple[bool, Path]] = []
    for folder in list_runs(runs_folder()):
        try:
            record = Record.read(folder)
        except RunError:  # damaged
            continue
        if record.output and os.path.abspath(record.output) == os.path.abspath(picture):
            found.append((record.finished is None, folder))
    return [folder for _, folder in sorted(found)]


def new_folder(created: str, name: str) -> Path:
    """Make a new folder among the user's runs. created: its time in ISO format. name: the photograph's.

    Raises OSError, RunError.
    """
    parent = runs_folder()
    parent.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(name).stem).strip("-")[:40] or "picture"
    moment = re.sub(r"[^0-9T]", "", created[:19]).replace("T", "-")
    for number in range(1, 1000):
        folder = parent / (f"{moment}-{stem}" if number == 1 else f"{moment}-{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{parent} has no free name for {stem}")


def check_run_dir(folder: str | os.PathLike[str]) -> Path:
    """Return the path if a run can begin there: a new or empty folder. Called before slow work.

    Raises OutputError, RunError.
    """
    folder = to_path(folder, "run_dir")
    label = f"run_dir {str(folder)!r}"
    is_there = is_folder(folder, label)
    if (folder / RECORD_NAME).exists():
        raise RunError(
            f"{label} holds a run already; expected a new or empty folder.",
            f"Resume it: impasto resume {quote(str(folder))}; or choose another folder.",
        )
    if folder.exists() and not is_there:
        raise OutputError(f"{label} is a file; expected a new or empty folder.", "Choose another folder.")
    if is_there and any(folder.iterdir()):
        raise OutputError(f"{label} is not empty; expected a new or empty folder.", f"Give {str(folder / 'run')!r}.")
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    check_folder(there, label)
    return folder

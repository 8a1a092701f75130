"""The studio's folder: made for its owner alone, held by one server."""

import os
from dataclasses import dataclass
from pathlib import Path

from impasto.errors import OutputError, RunLockedError
from impasto.runs.lock import Lock, describe_owner
from impasto.studio.refusal import Refusal
from impasto.system.disk import data_folder


def default_folder() -> Path:
    """Return the user's own studio folder, which may not exist. Raises OutputError where there is no home."""
    try:
        return data_folder() / "studio"
    except RuntimeError as error:
        raise OutputError(f"there is no home folder for the studio ({error}).", "Give --folder.") from error


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """A folder that this server holds."""

    path: Path
    lock: Lock

    def release(self) -> None:
        """Let another server use the folder."""
        self.lock.release()


def claim_folder(path: Path) -> Claim:
    """Make the folder and hold it. Raises OutputError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(path, 0o700)
    try:
        return Claim(path.resolve(), Lock(path))
    except RunLockedError as error:
        raise OutputError(
            f"the studio's folder {str(path)!r} is in use by {describe_owner(path)}; expected one server a folder.",
            "Open that one's page, stop it, or give another folder: --folder DIR.",
        ) from error


def child(root: Path, *names: str) -> Path:
    """Return a path below a folder with no link on the way. Raises Refusal."""
    path = root
    for name in names:
        path = path / name
        if path.is_symlink() or name in ("", ".", "..") or "/" in name:
            raise Refusal(f"there is no {name!r}.", "Reload the page.", status=404, key="unknown")
    return path

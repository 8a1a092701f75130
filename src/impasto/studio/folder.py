"""The studio's folder: made for its owner alone, held by one server, and left by no link."""

import os
from dataclasses import dataclass
from pathlib import Path

from impasto.errors import OutputError, RunLockedError
from impasto.runs.lock import LOCK_NAME, Lock, describe_owner
from impasto.studio.refusal import Refusal
from impasto.system.disk import data_folder

UPLOAD, PAINTING, SHOWN_JPEG, SHOWN_PNG, THUMBNAIL = "upload", "picture.png", "shown.jpg", "shown.png", "thumbnail.jpg"
"""Files in a picture's folder: as it was sent, which is deleted; painted from; shown by the page."""

FILM = "film"
"""A film, as it was sent, in the folder of its first picture; never served."""

PICTURES = "pictures"
"""The folder of the pictures inside, by which a studio's folder is known."""


def default_folder() -> Path:
    """Return the user's own studio folder, which may not exist. Raises OutputError where there is no home."""
    try:
        return data_folder() / "studio"
    except RuntimeError as error:
        raise OutputError(f"there is no home folder for the studio ({error}).", "Give --folder.") from error


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """A folder that this server holds. path: without links."""

    path: Path
    lock: Lock

    def release(self) -> None:
        """Let another server use the folder."""
        self.lock.release()


def claim_folder(path: Path) -> Claim:
    """Make the folder, closed to other users, and hold it until `release` or the end of the process.

    Raises OutputError: it cannot be made, has files that are no studio's, or another server holds it.
    """
    label = f"the studio's folder {str(path)!r}"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        real = Path(os.path.realpath(path))
        if any(real.iterdir()) and not (real / PICTURES).is_dir():
            raise OutputError(
                f"{label} has files that are no studio's; expected an empty folder, or one made by the studio.",
                "Give another one: --folder DIR.",
            )
        for inside in (LOCK_NAME, PICTURES):
            if (real / inside).is_symlink():
                raise OutputError(f"{label} has a link as {inside!r}; expected none.", "Remove the link.")
        real.chmod(0o700)
        lock = Lock(real)
        (real / PICTURES).mkdir(mode=0o700, exist_ok=True)
    except RunLockedError as error:
        raise OutputError(
            f"{label} is in use by {describe_owner(path)}; expected one server a folder.",
            "Open that one's page, stop it, or give another folder: --folder DIR.",
        ) from error
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"{label} cannot be used ({error.strerror or error}); expected a folder to write in.",
            "Give another one: --folder DIR.",
        ) from error
    return Claim(real, lock)


def child(root: Path, *names: str) -> Path:
    """Return a path below a folder, none of whose parts is a link or leads elsewhere. Raises Refusal 404."""
    path = root
    for name in names:
        path = path / name
        if name in ("", ".", "..") or any(sign in name for sign in "/\\:\0") or path.is_symlink():
            raise Refusal(f"there is no {name!r:.100}.", "Reload the page.", status=404, key="unknown")
    return path

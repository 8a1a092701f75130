"""Pictures that were sent: decoded, encoded anew, and stored by number below the studio's folder."""

import contextlib
import json
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import anyio
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from impasto.errors import OutputError
from impasto.recipe.recipe import Recipe
from impasto.studio.access import MAIN
from impasto.studio.decode import Box, check_film_kind, check_kind, decode
from impasto.studio.folder import FILM, PAINTING, SHOWN_JPEG, SHOWN_PNG, THUMBNAIL, UPLOAD
from impasto.studio.job_body import strip_files
from impasto.studio.limits import Limits
from impasto.studio.refusal import Refusal

ABOUT = "about.json"

EVERYBODY = "*"
"""The gallery of pictures that come with the package: all may see them, none may delete them."""

FORM_FIELD = "file"

LONGEST_NAME = 120

_ID = re.compile(r"[0-9a-f]{32}")
_BLOCK_BYTES = 1 << 20
_UNFINISHED = ".incoming-"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """A picture of the studio.

    id: 32 hex digits. gallery: "*" is everybody's, to look at. name: of the file that was sent, for people. width,
    height: upright. shown: name of the file that the page shows. recipe: of a finished picture of ours, without the
    files that it names; else None. crop: of a part of another picture: `of`, its id, `box`, and its size, `whole`.
    film: of a still, its film: `of`, the id of the picture that the film was stored with, `time_s`, and what is known.
    """

    id: str
    gallery: str
    name: str
    width: int
    height: int
    shown: str
    recipe: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    crop: Mapping[str, Any] | None = None
    film: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the picture as the API answers it."""
        values = asdict(self)
        address = f"/api/pictures/{self.id}"
        hidden = ("gallery", "shown")
        shown = {name: value for name, value in values.items() if name not in hidden}
        return {**shown, "picture": address, "thumbnail": f"{address}/thumbnail"}


class Pictures:
    """The pictures in the studio's folder, each in a folder of its own, `pictures/ID`; of all galleries.

    Nothing is stored as it was sent, and no name of a file that was sent is ever a path. An id that is malformed, of a
    deleted picture or of another gallery raises Refusal 404.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._root, self._limits = folder / "pictures", limits
        self._root.mkdir(mode=0o700, exist_ok=True)
        if self._root.is_symlink():
            raise OutputError(f"{str(self._root)!r} is a link; expected a folder of the studio.", "Remove the link.")
        self._turns = threading.BoundedSemaphore(limits.decoders)
        self._uploads = anyio.CapacityLimiter(limits.decoders)
        for left in self._root.glob(f"{_UNFINISHED}*"):  # of a server that was killed
            shutil.rmtree(left, ignore_errors=True)

    async def receive(self, request: Request, gallery: str = MAIN, *, is_film: bool = False) -> StoredPicture:
        """Store the picture or film that a request sends: a form with one file, in the field `file`. Raises Refusal."""
        try:
            form = await request.form(max_files=1, max_fields=self._limits.form_parts - 1, max_part_size=4096)
        except HTTPException as error:
            raise _form_error(str(error.detail)) from error
        try:
            file = form.get(FORM_FIELD)
            if not isinstance(file, UploadFile):
                raise _form_error(f"it has no file in the field {FORM_FIELD!r}")
            # Not on the threads that answer other requests: decoding takes seconds, and more uploads may wait.
            name, opened = file.filename or "", file.file
            store = self.store_film if is_film else self.store
            return await anyio.to_thread.run_sync(store, opened, name, gallery, limiter=self._uploads)
        finally:
            await form.close()

    def store(self, file: BinaryIO, name: str, gallery: str = MAIN, *, id: str | None = None) -> StoredPicture:
        """Decode an open file in a process of its own, and store the picture.

        name: for people. id: of a picture that comes with the package; a random one if left out. Raises Refusal.
        """
        name = clean_name(name)
        file.seek(0)
        check_kind(file.read(32), name)
        _check_bytes(file, name, self._limits.upload_bytes)
        return self._keep(file, name, gallery, id=id)

    def store_film(self, file: BinaryIO, name: str, gallery: str = MAIN) -> StoredPicture:
        """Decode the first picture of an open film, as `store` does, and store it with the film. Raises Refusal."""
        name = clean_name(name)
        file.seek(0)
        check_film_kind(file.read(32), name)
        _check_bytes(file, name, self._limits.film_bytes)
        return self._keep(file, name, gallery, film={"of": None, "time_s": 0.0})

    def take_still(self, identity: str, time_s: float, gallery: str = MAIN) -> StoredPicture:
        """Store the picture of a film at a time as a picture of its own. Raises Refusal."""
        picture = self.get(identity, gallery)
        with open(self.film_file(identity, gallery), "rb") as file:
            of = picture.film["of"] if picture.film is not None else None
            return self._keep(file, picture.name, gallery, film={"of": of, "time_s": time_s})

    def crop(self, identity: str, box: Box, gallery: str = MAIN) -> StoredPicture:
        """Store a part of a picture as a picture of its own. box: left, top, width, height. Raises Refusal."""
        picture = self.get(identity, gallery)
        left, top, width, height = box
        is_inside = left + width <= picture.width and top + height <= picture.height
        if min(left, top) < 0 or min(width, height) < 1 or not is_inside:
            raise Refusal(
                f"the part is {width}x{height} pixels at {left}, {top}; expected one inside the picture, "
                f"{picture.width}x{picture.height}.",
                "Give left, top, width and height in its pixels.",
                field="box",
                key="crop-box",
            )
        crop = {"of": identity, "box": list(box), "whole": [picture.width, picture.height]}
        with open(self.painting_file(identity, gallery), "rb") as file:
            return self._keep(file, picture.name, gallery, crop=crop)

    def with_origins(self, identities: Iterable[str]) -> set[str]:
        """Return the ids with those of the pictures that they are parts of, and of their films."""
        found = set(identities)
        for identity in tuple(found):
            with contextlib.suppress(OSError, ValueError):
                values = json.loads((self._root / identity / ABOUT).read_bytes())
                found |= {source["of"] for source in (values.get("crop"), values.get("film")) if source}
        return found

    def stills_of(self, identities: Iterable[str]) -> set[str]:
        """Return the ids of all stills of the films among some pictures."""
        films = {identity for identity in identities if (self._root / identity / FILM).is_file()}
        found: set[str] = set()
        for about in self._root.glob(f"*/{ABOUT}") if films else ():
            with contextlib.suppress(OSError, ValueError):
                film = json.loads(about.read_bytes()).get("film")
                found |= {about.parent.name} if film and film["of"] in films else set()
        return found

    def _keep(
        self,
        file: BinaryIO,
        name: str,
        gallery: str,
        *,
        id: str | None = None,
        crop: Mapping[str, Any] | None = None,
        film: Mapping[str, Any] | None = None,
    ) -> StoredPicture:
        """Decode an open file, cropped if a part is wanted, or the still of a film, and store it. Raises Refusal."""
        limits, id = self._limits, id or secrets.token_hex(16)
        is_still = film is not None and film["of"] is not None
        size = 0 if is_still else file.seek(0, os.SEEK_END)
        file.seek(0)
        free = shutil.disk_usage(self._root).free
        if free < limits.free_bytes + size:
            raise Refusal(
                f"the disk has {free:,} free bytes; expected {limits.free_bytes:,} beside the picture.",
                "Delete pictures, here or elsewhere.",
                values={"free": free},
                status=413,
                key="disk-full",
            )
        with self._turns, tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=self._root) as work:
            place = Path(work, "picture")
            place.mkdir(mode=0o700)
            if film is not None and is_still:
                os.link(self._root / film["of"] / FILM, place / UPLOAD)
            else:
                with open(place / UPLOAD, "xb") as sent:
                    shutil.copyfileobj(file, sent, _BLOCK_BYTES)
            box = None if crop is None else tuple(crop["box"])
            decoded = decode(place, name, limits, box, None if film is None else film["time_s"])
            if film is not None:
                film = {**film, "of": film["of"] or id, **(decoded.film or {})}
            if film is None or is_still:
                (place / UPLOAD).unlink()
            else:
                (place / UPLOAD).rename(place / FILM)
            recipe, warnings = None, decoded.warnings
            if decoded.recipe is not None:
                recipe, left_out = strip_files(Recipe.from_dict(decoded.recipe))
                warnings += left_out
            picture = StoredPicture(
                id=id,
                gallery=gallery,
                name=name,
                width=int(decoded.width),
                height=int(decoded.height),
                shown=SHOWN_PNG if decoded.shown == SHOWN_PNG else SHOWN_JPEG,
                recipe=recipe,
                warnings=warnings,
                crop=crop,
                film=film,
            )
            (place / ABOUT).write_text(json.dumps(asdict(picture)), "utf-8")
            for written in (PAINTING, picture.shown, THUMBNAIL):
                _check_plain(place / written)
            place.rename(self._root / picture.id)
        return picture

    def get(self, identity: object, gallery: str = MAIN) -> StoredPicture:
        """Return a picture of the gallery."""
        if isinstance(identity, str) and _ID.fullmatch(identity):
            try:
                values = json.loads(_check_plain(self._root / identity / ABOUT).read_bytes())
                picture = StoredPicture(**{**values, "warnings": tuple(values["warnings"])})
                if picture.gallery in (gallery, EVERYBODY):
                    return picture
            except (OSError, ValueError, TypeError, KeyError, RecursionError):  # it was deleted, or is damaged
                pass
        raise _missing(identity)

    def painting_file(self, identity: str, gallery: str = MAIN) -> Path:
        """Return the PNG that is painted from: without loss, 8 or 16 bits, with alpha and EXIF. Never served."""
        return self._file(identity, gallery, PAINTING)

    def film_file(self, identity: str, gallery: str = MAIN) -> Path:
        """Return the film that a picture is a still of, as it was sent. Never served. Raises Refusal."""
        film = self.get(identity, gallery).film
        if film is None:
            raise Refusal("this picture is no still of a film.", "Send a film.", key="film-missing", field="content")
        return self._file(film["of"], gallery, FILM)

    def served_file(self, identity: str, gallery: str = MAIN) -> tuple[Path, str]:
        """Return the file that the page shows, a JPEG or a PNG with alpha, without EXIF; and its media type."""
        name = self.get(identity, gallery).shown
        return self._file(identity, gallery, name), "image/png" if name == SHOWN_PNG else "image/jpeg"

    def read_thumbnail(self, identity: str, gallery: str = MAIN) -> bytes:
        """Return the thumbnail, a JPEG of at most 256 pixels a side: whole, since the picture may be deleted soon."""
        try:
            return self._file(identity, gallery, THUMBNAIL).read_bytes()
        except OSError as error:
            raise _missing(identity) from error

    def delete(self, identity: str, gallery: str = MAIN) -> None:
        """Delete a picture with all its files."""
        picture = self.get(identity, gallery)
        if picture.gallery == EVERYBODY:
            raise Refusal("this picture comes with impasto.", "Leave it.", status=403, key="picture-shipped")
        folder = self._root / picture.id
        hidden = self._root / f"{_UNFINISHED}{folder.name}"  # at once, even where a file is open on Windows
        folder.rename(hidden)
        shutil.rmtree(hidden, ignore_errors=True)

    def remove_older(self, seconds: float, needed: Container[str]) -> None:
        """Delete the pictures of all galleries that were stored longer ago, but those that are needed and samples."""
        for about in self._root.glob(f"*/{ABOUT}"):
            name = about.parent.name
            with contextlib.suppress(OSError, ValueError, KeyError, Refusal):
                if name not in needed and time.time() - about.stat().st_mtime > seconds:
                    self.delete(name, json.loads(about.read_bytes())["gallery"])

    def ids(self, gallery: str = MAIN) -> list[str]:
        """Return the ids of all pictures that the gallery shows."""
        return [name for name in os.listdir(self._root) if self._is_there(name, gallery)]

    def _is_there(self, name: str, gallery: str) -> bool:
        try:
            return bool(self.get(name, gallery))
        except Refusal:
            return False

    def _file(self, identity: str, gallery: str, name: str) -> Path:
        try:
            return _check_plain(self._root / self.get(identity, gallery).id / name)
        except OSError as error:
            raise _missing(identity) from error


def _check_bytes(file: BinaryIO, name: str, most: int) -> None:
    """Accept an open file that is no larger. Raises Refusal."""
    size = file.seek(0, os.SEEK_END)
    if size > most:
        raise Refusal(
            f"{name!r} has {size:,} bytes; expected at most {most:,}.",
            "Shrink it first.",
            field=FORM_FIELD,
            values={"limit": most},
            status=413,
            key="upload-bytes",
        )


def clean_name(name: str) -> str:
    """Return a file's name for people to read: without folders, line breaks and other signs that do not show."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:LONGEST_NAME].strip() or "picture"


def _check_plain(path: Path) -> Path:
    """Return the path of a file that is there, neither it nor its folder a link. Raises OSError."""
    if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
        raise OSError(f"{str(path)!r} is no file")
    return path


def _missing(identity: object) -> Refusal:
    return Refusal(
        f"there is no picture {str(identity)!r:.100}; expected the id of one that was sent.",
        "Send the picture again.",
        status=404,
        key="picture-missing",
    )


def _form_error(fact: str) -> Refusal:
    return Refusal(
        f"the form cannot be used: {fact:.200}; expected one picture in the field {FORM_FIELD!r}.",
        f'Send multipart/form-data: curl -F "{FORM_FIELD}=@photo.jpg" ...',
        field=FORM_FIELD,
        key="upload-form",
    )

"""The pictures of the studio: decoded, encoded anew, and found by id."""

import dataclasses
import io
import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from impasto.errors import ImpastoError
from impasto.images.io import read_picture, write_image
from impasto.images.resize import fit_long_edge, resize_image
from impasto.runs.recipes import recipe_inside
from impasto.studio.limits import Limits
from impasto.studio.refusal import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """A picture in the studio."""

    id: str
    name: str
    width: int
    height: int
    gallery: str
    recipe: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the picture as the API shows it."""
        values = {name: getattr(self, name) for name in ("id", "name", "width", "height", "recipe")}
        place = f"/api/pictures/{self.id}"
        return {**values, "picture": place, "thumbnail": f"{place}/thumbnail", "warnings": [*self.warnings]}


async def read_upload(request: Request, limits: Limits) -> tuple[BinaryIO, str]:
    """Return the file of a form and its name."""
    form = await request.form()
    file: Any = form.get("file")
    if file is None or isinstance(file, str):
        raise Refusal("the form has no file.", "Send it as `file`.", key="upload-missing", field="file")
    return io.BytesIO(await file.read()), file.filename or "picture"


class Pictures:
    """All pictures in the folder `pictures` of the studio."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder / "pictures", limits
        self._folder.mkdir(mode=0o700, exist_ok=True)

    async def receive(self, request: Request, gallery: str = "main") -> StoredPicture:
        """Store the file of a form."""
        file, name = await read_upload(request, self._limits)
        return await run_in_threadpool(self.store, file, name, gallery)

    def store(self, file: BinaryIO, name: str, gallery: str = "main", *, id: str | None = None) -> StoredPicture:
        """Decode a file and keep it."""
        data = file.read()
        try:
            picture = read_picture(data, name="the upload", max_pixels=self._limits.pixels)
        except ImpastoError as error:
            raise Refusal(error.error, error.hint, status=415, key="upload-unreadable", field="file") from error
        height, width = picture.size
        recipe = recipe_inside(data)
        stored = StoredPicture(
            id=id or secrets.token_hex(16),
            name=Path(name).name[:100],
            width=width,
            height=height,
            gallery=gallery,
            recipe=None if recipe is None else recipe.to_dict(),
        )
        write_image(picture.image, self._folder / f"{stored.id}.png")
        size = fit_long_edge(height, width, min(256, max(height, width)))
        write_image(resize_image(picture.image, size), self._folder / f"{stored.id}.thumbnail.jpg")
        (self._folder / f"{stored.id}.json").write_text(json.dumps(dataclasses.asdict(stored)))
        return stored

    def get(self, id: str, gallery: str = "main") -> StoredPicture:
        """Return a picture. Raises Refusal 404."""
        try:
            if not re.fullmatch("[0-9a-f]{32}", id):
                raise OSError
            values = json.loads((self._folder / f"{id}.json").read_text())
        except OSError as error:
            raise Refusal("there is no such picture.", "Upload it again.", status=404, key="picture-unknown") from error
        if values["gallery"] not in (gallery, "*"):
            raise Refusal("there is no such picture.", "Upload it again.", status=404, key="picture-unknown")
        return StoredPicture(**{**values, "warnings": tuple(values["warnings"])})

    def painting_file(self, id: str, gallery: str = "main") -> Path:
        """Return the file to paint from."""
        return self._folder / f"{self.get(id, gallery).id}.png"

    def served_file(self, id: str, gallery: str = "main") -> tuple[Path, str]:
        """Return the file to show and its media type."""
        return self.painting_file(id, gallery), "image/png"

    def thumbnail_file(self, id: str, gallery: str = "main") -> Path:
        """Return the thumbnail."""
        return self._folder / f"{self.get(id, gallery).id}.thumbnail.jpg"

    def delete(self, id: str, gallery: str = "main") -> None:
        """Delete a picture."""
        if self.get(id, gallery).gallery == "*":
            raise Refusal("this picture comes with impasto.", "Leave it.", status=403, key="picture-shipped")
        for path in self._folder.glob(f"{id}.*"):
            path.unlink()

    def ids(self, gallery: str = "main") -> list[str]:
        """Return the ids of a gallery."""
        return [path.stem for path in self._folder.glob("*.json")]



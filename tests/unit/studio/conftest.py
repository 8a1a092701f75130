"""Fixtures of the studio: a folder with some pictures, bodies of jobs, and the API without painters."""

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from impasto.images.io import write_image
from impasto.studio.folder import PAINTING, SHOWN_JPEG, THUMBNAIL
from impasto.studio.job_body import JobBody, check_job
from impasto.studio.limits import Limits
from impasto.studio.studio import Studio
from impasto.studio.uploads import ABOUT, StoredPicture

PictureOf = Callable[..., str]


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """An empty studio without painters."""
    studio = Studio(tmp_path / "studio", Limits(free_bytes=1))
    yield studio
    studio.close()


@pytest.fixture
def put_picture(picture: Callable[..., Tensor]) -> Callable[..., str]:
    """put_picture(studio, number, gallery): a picture of 32 x 40 pixels, stored as an upload is, but not decoded."""

    def put(studio: Studio, number: int = 1, gallery: str = "main") -> str:
        name = f"{number:032x}"
        folder = studio.folder / "pictures" / name
        folder.mkdir()
        stored = StoredPicture(
            id=name, gallery=gallery, name=f"photo {number}.jpg", width=40, height=32, shown=SHOWN_JPEG
        )
        (folder / ABOUT).write_text(json.dumps(asdict(stored)))
        for file in (PAINTING, SHOWN_JPEG, THUMBNAIL):
            write_image(picture(32, 40, number), folder / file)
        return name

    return put


@pytest.fixture
def body_of(put_picture: Callable[..., str]) -> Callable[..., JobBody]:
    """body_of(studio, gallery, **fields): the body of a job with two pictures, which are put where they are missing."""

    def body(studio: Studio, gallery: str = "main", **fields: Any) -> JobBody:
        names = []
        for number in (1, 2):
            number += 16 * (gallery != "main")
            name = f"{number:032x}"
            if not (studio.folder / "pictures" / name).exists():
                put_picture(studio, number, gallery)
            names.append(name)
        recipe = {"weights": "tiny", "size": 48, "steps": 4, "first_scale": 0, **fields.pop("recipe", {})}
        values = {"content": names[0], "styles": names[1:], "recipe": recipe, **fields}
        return check_job(values, studio.pictures, studio.limits, gallery)

    return body


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of the API, without painters; `client.app_state` has the studio and the quick process."""
    from impasto.studio import app

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the client's own choice of a library
        from starlette.testclient import TestClient
    monkeypatch.setattr(app, "start_work", lambda *arguments: None)
    with TestClient(app.create_app(tmp_path / "studio", limits=Limits(free_bytes=1))) as client:
        yield client

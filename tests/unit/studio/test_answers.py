"""What the quick process answers."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from impasto.errors import MaskError, MissingExtraError
from impasto.images.io import write_image
from impasto.studio import quick, samples
from impasto.studio.answers import ANSWERS, scale_painting
from impasto.studio.process import Lost
from impasto.studio.quick import Quick, answer
from impasto.studio.refusal import Refusal

OPTIONS = {"device": "cpu", "threads": 1}


@pytest.fixture
def paths(tmp_path: Path, picture: Callable[..., Tensor]) -> list[str]:
    for seed, name in enumerate(("photo.png", "painting.png")):
        write_image(picture(48, 64, seed), tmp_path / name)
    return [str(tmp_path / "photo.png"), str(tmp_path / "painting.png")]


def test_an_instant_picture_is_a_jpeg(paths: list[str], instant_package: Path) -> None:
    fields = {"size": 40, "strength": 0.5, "style_blend": [1.0]}
    is_good, data = answer("instant", {"content": paths[0], "styles": paths[1:], "fields": fields, "options": OPTIONS})
    shown = Image.open(io.BytesIO(data))
    assert is_good and (shown.format, shown.size) == ("JPEG", (40, 30)) and not shown.getexif()
    scaled = {**fields, "style_scale": 2.0}
    other = answer("instant", {"content": paths[0], "styles": paths[1:], "fields": scaled, "options": OPTIONS})
    assert other[0] and other[1] != data


def test_a_painting_is_scaled_about_its_middle(paths: list[str], picture: Callable[..., Tensor]) -> None:
    whole = scale_painting(paths[1], 1.0)
    assert torch.equal(scale_painting(paths[1], 2.0), whole[:, :, 12:36, 16:48])
    smaller = scale_painting(paths[1], 0.5)
    assert smaller.shape == (1, 3, 96, 128) and torch.equal(smaller[:, :, 24:72, 32:96], whole)
    assert torch.equal(smaller[:, :, 23, 32:96], whole[:, :, 0])  # mirrored


def test_a_picture_without_faces_is_answered_in_words(paths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def found(image: Tensor) -> Any:
        raise MaskError("protect is 'faces', and no face is found.", "Give it: --protect FILE.")

    monkeypatch.setattr("impasto.images.faces.find_faces", found)
    is_good, body = answer("faces", {"content": paths[0], "options": OPTIONS})
    assert not is_good and body["key"] == "no-face" and "64x48" in body["error"] and "--" not in body["hint"]
    monkeypatch.setattr("impasto.images.faces.find_faces", lambda image: ((10, 5, 20, 30),))
    is_good, body = answer("faces", {"content": paths[0], "options": OPTIONS})
    mask = Image.open(io.BytesIO(body["mask"]))
    assert is_good and body["count"] == 1 and (mask.mode, mask.size) == ("L", (64, 48))
    assert mask.getpixel((20, 20)) == 255 and mask.getpixel((60, 44)) == 0


def test_an_error_is_answered_in_words(paths: list[str]) -> None:
    order = {"kind": "stylize", "recipe": {"frames": 3}, "content": paths[0], "styles": paths[1:]}
    is_good, body = answer("estimate", {"order": {**order, "content_masks": [], "style_masks": []}, "options": OPTIONS})
    assert not is_good and body["status"] == 422 and body["key"] == "RecipeError" and "frames is 3" in body["error"]


def test_an_estimate_has_seconds_and_bytes(paths: list[str]) -> None:
    recipe = {"weights": "tiny", "size": 48, "steps": 2}
    order = {"kind": "stylize", "recipe": recipe, "content": paths[0], "styles": paths[1:]}
    found = ANSWERS["estimate"](order={**order, "content_masks": [], "style_masks": []}, options=OPTIONS)
    assert found["seconds"] > 0 and found["peak_bytes"] > 0 and found["size"] == {"width": 48, "height": 36}


def test_the_machine_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingExtraError("it is not installed.", "Install it.")

    monkeypatch.setattr("impasto.fast.instant.find_files", missing)
    found = ANSWERS["machine"](options=OPTIONS)
    assert found["devices"] == ["cpu"] and found["instant"] is False


class FakeChild:
    """A child that answers what it is given, or is lost."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.is_killed = [*answers], False

    def send(self, message: object) -> None:
        pass

    def receive(self, timeout_s: float) -> Any:
        if self.answers and self.answers[0] is None:
            raise TimeoutError
        if not self.answers:
            raise Lost("killed by SIGKILL")
        return self.answers.pop(0)

    def kill(self) -> None:
        self.is_killed = True


def test_a_quick_process_that_is_lost_or_late_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    children = [FakeChild((True, 1)), FakeChild(None), FakeChild((False, {"error": "x.", "hint": "y.", "status": 422}))]
    spawned = iter(children)
    monkeypatch.setattr(quick, "Child", lambda *arguments: next(spawned))
    asked = Quick(OPTIONS)
    assert asked.ask("instant") == 1
    for text in ("killed by SIGKILL", "it took too long"):
        with pytest.raises(Refusal, match=text) as refused:
            asked.ask("instant")
        assert refused.value.status == 503
    with pytest.raises(Refusal, match="x. y.") as refused:
        asked.ask("instant")
    assert refused.value.status == 422 and [child.is_killed for child in children] == [True, True, False]
    asked.close()
    with pytest.raises(Refusal, match="the studio ends"):
        asked.ask("instant")


def test_samples_are_stored_once_for_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    stored: dict[str, Any] = {}

    class FakePictures:
        def get(self, name: str, gallery: str = "main") -> Any:
            if name not in stored:
                raise Refusal("there is no such picture.", "Send it.", status=404)
            return stored[name]

        def store(self, file: Any, name: str, gallery: str, *, id: str) -> None:
            assert gallery == "*" and file.read(4) == b"\x89PNG" and id not in stored
            if name == "bad.png":
                raise Refusal("it is bad.", "Leave it.")
            stored[id] = type("Stored", (), {"to_dict": lambda self: {"name": name}})()

    named: list[tuple[Any, str]] = [("contents", "a.png"), ("styles", "b.png"), ("styles", "bad.png")]
    found = [samples.Sample(name=name, use=use, path=Path(paths[0])) for use, name in named]
    monkeypatch.setattr(samples, "find_samples", lambda: found)
    pictures: Any = FakePictures()
    for _ in range(2):
        samples.store_samples(pictures)
    assert samples.describe_samples(pictures) == {"contents": [{"name": "a.png"}], "styles": [{"name": "b.png"}]}
    assert "bad.png is left out" in caplog.text and len({sample.id for sample in found}) == 3


def test_the_samples_that_come_along_are_there() -> None:
    found = samples.find_samples()
    assert "impasto.jpg" in [sample.name for sample in found] and all(sample.path.is_file() for sample in found)


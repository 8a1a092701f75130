"""Films in the studio: checked as they come, stills of them, and jobs that are paused, resumed, stopped and ended."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

pytest.importorskip("av", reason="films need the extra video")

from films import COLORS, write_film

from impasto.errors import ImageSizeError, VideoReadError
from impasto.images.io import read_image
from impasto.studio import film
from impasto.studio.decode import check_film_kind
from impasto.studio.decoding import check_packets, encode_anew
from impasto.studio.folder import PAINTING, UPLOAD
from impasto.studio.limits import Limits
from impasto.studio.painting import Control
from impasto.studio.refusal import Refusal
from impasto.video.source import open_source


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "webm", "avi"])
def test_five_kinds_of_films_are_taken(ending: str, tmp_path: Path) -> None:
    codec = "libvpx-vp9" if ending == "webm" else "libx264"
    check_film_kind(write_film(tmp_path / f"a.{ending}", count=2, codec=codec).read_bytes()[:32], "a")


@pytest.mark.parametrize(
    "head", [b"\x89PNG\r\n\x1a\n", b"#EXTM3U", b"ffconcat version 1.0", b"....ftypavif", b"RIFF....WEBP", b""]
)
def test_pictures_and_lists_of_films_are_refused(head: bytes) -> None:
    with pytest.raises(Refusal, match="is no film that is taken here") as caught:
        check_film_kind(head.ljust(32, b"\0"), "a.mp4")
    assert caught.value.status == 415


def test_a_still_is_the_picture_at_its_time(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", count=24).rename(tmp_path / UPLOAD)
    found = encode_anew(tmp_path, "film.mp4", Limits(), time_s=2.5 / 24)
    assert (found["width"], found["height"], found["recipe"]) == (64, 48, None)
    facts = found["film"]
    assert (facts["duration_s"], facts["fps"], facts["frames"], facts["sound"]) == (1.0, 24.0, 24, False)
    color = read_image(tmp_path / PAINTING).mean((0, 2, 3)) * 255
    assert all(abs(float(one) - wanted) < 12 for one, wanted in zip(color, COLORS[2], strict=True))
    assert encode_anew(tmp_path, "film.mp4", Limits(), time_s=99.0)["film"]["time_s"] < 1  # its last one


def test_a_film_is_counted_whatever_its_header_says(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", count=24)
    for limits, message in ((Limits(film_frames=20), "more than 20 frames"), (Limits(film_s=0.5), "1 s long")):
        with pytest.raises(VideoReadError, match=message):
            check_packets(film, "a.mkv", limits)
    check_packets(film, "a.mkv", Limits(film_frames=24, film_s=1))


def test_frames_far_larger_than_the_film_are_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_film(tmp_path / "film.mp4", count=2)
    monkeypatch.setattr("impasto.video.film.LEAST_LIMIT", 3000)
    assert len([*open_source(path).frames()]) == 2
    monkeypatch.setattr("impasto.video.film.GROWTH", 0)  # as if the film had begun with smaller ones
    with pytest.raises(VideoReadError, match="no frame of it can be decoded"):
        open_source(path)


def test_films_beyond_the_limits_are_refused_by_their_name(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", count=24).rename(tmp_path / UPLOAD)
    with pytest.raises(VideoReadError, match=r"film 'a\.mp4' is 1 s long; expected at most 0\.5 s"):
        encode_anew(tmp_path, "a.mp4", Limits(film_s=0.5), time_s=0.0)
    with pytest.raises(ImageSizeError, match=r"film 'a\.mp4' has 64x48 pixels"):
        encode_anew(tmp_path, "a.mp4", Limits(film_pixels=1000), time_s=0.0)
    (tmp_path / UPLOAD).write_bytes(b"\0\0\0\x18ftypisom" + bytes(200))
    with pytest.raises(VideoReadError) as caught:
        encode_anew(tmp_path, "a.mp4", Limits(), time_s=0.0)
    assert "a.mp4" in caught.value.error and str(tmp_path) not in caught.value.error


class Film:
    """A film of four frames that is painted without a network."""

    def __init__(self, output: Path) -> None:
        self.output = output

    def paint(self, on_event: Callable[[Any], object]) -> Any:
        result = SimpleNamespace(size=(48, 64), frames=0, seconds=1.0, losses=None, end="frames")
        for frame in range(1, 5):
            step = SimpleNamespace(step=1, steps=2, pastiche=torch.full((1, 3, 6, 8), frame / 8))
            for event in ({"kind": "step", "frame": frame - 1, "step": step}, {"kind": "frame", "frame": frame}):
                said = on_event(SimpleNamespace(**{"frames": 4, "step": None, "picture": b"", **event}))
            if said == "stop":
                result.end = "stopped"
                break
        result.frames = frame
        self.output.write_bytes(b"film")
        return result


def paint(folder: Path, monkeypatch: pytest.MonkeyPatch, wish: str = "", at: int = 2) -> tuple[Any, list[Any]]:
    """The end of a film's job, and its steps; `wish` comes after frame `at`."""
    monkeypatch.setattr(film, "prepare_film", lambda order, output, options: Film(output))
    folder.mkdir(exist_ok=True)
    control, steps = Control(), list[Any]()
    order = {"folder": str(folder), "wish": "", "kind": "film"}
    control.take(("paint", 1, order))
    control.next_order()

    def send(kind: str, values: Any) -> None:
        steps.append(values)
        if values["step"] == at and wish:
            control.take(("wish", 1, wish))

    return film.paint_film(order, {}, control, send), steps


def test_a_film_is_painted_paused_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end, steps = paint(tmp_path / "done", monkeypatch)
    assert end["state"] == "done" and [step["share"] for step in steps] == [part / 8 for part in range(1, 9)]
    assert [step["step"] for step in steps] == [1, 1, 2, 2, 3, 3, 4, 4]  # that which is, or was painted
    assert steps[0]["previews"] == 1 and read_image(tmp_path / "done/preview.jpg").shape == (1, 3, 6, 8)
    assert end["outcome"]["width"] == 64 and (tmp_path / "done/run/result.mp4").is_file()
    assert paint(tmp_path / "done", monkeypatch) == (end, [])  # the server was killed before it had heard of the end
    assert paint(tmp_path / "paused", monkeypatch, "pause")[0]["state"] == "paused"
    assert paint(tmp_path / "paused", monkeypatch)[0]["state"] == "done"
    stopped = paint(tmp_path / "stopped", monkeypatch, "stop")[0]
    assert (stopped["state"], stopped["outcome"]["step"]) == ("stopped", 2)

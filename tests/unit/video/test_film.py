"""Films of phones, cameras and editors are read as players show them; what is no film, or damaged, is said."""

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av", reason="films need the extra video")

import av
import numpy as np
import torch
from films import COLORS, is_near, write_film
from PIL import Image
from torch import Tensor

from impasto.errors import MissingExtraError, VideoReadError
from impasto.video.source import open_source


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ((90, False, False), lambda image: image.rot90(1, (-2, -1))),
        ((-90, False, False), lambda image: image.rot90(-1, (-2, -1))),
        ((180, False, False), lambda image: image.rot90(2, (-2, -1))),
        ((0, True, False), lambda image: image.flip(-1)),
        ((0, False, True), lambda image: image.flip(-2)),
    ],
)
def test_a_film_is_turned_as_its_camera_was_held(
    turn: tuple[float, bool, bool], expected: Callable[[Tensor], Tensor], tmp_path: Path, picture: Callable[..., Tensor]
) -> None:
    image = picture(48, 64)
    options = {"crf": "5"}
    path = write_film(tmp_path / "film.mp4", pictures=[image] * 2, turn=turn, options=options, pixels="yuv444p")
    source = open_source(path)
    upright = expected(image)
    assert source.size == upright.shape[-2:]
    for frame in source.frames():
        assert (frame.image - upright).abs().mean() * 255 < 3


@pytest.mark.parametrize(
    ("matrix", "is_full", "tags", "width", "pixels"),
    [
        (1, False, {"colorspace": "bt709", "color_range": "tv"}, 64, "yuv420p"),
        (1, True, {"colorspace": "bt709", "color_range": "pc"}, 64, "yuv420p"),
        (5, False, {"colorspace": "smpte170m"}, 64, "yuv420p"),
        (5, True, {"colorspace": "bt470bg", "color_range": "pc"}, 64, "yuv444p"),
        (5, False, {}, 64, "yuv420p"),
        (1, False, {}, 1280, "yuv420p"),
        (9, False, {"colorspace": "bt2020nc"}, 64, "yuv420p10le"),
        (1, False, {"colorspace": "bt709"}, 64, "yuv422p10le"),
    ],
)
def test_colors_are_those_that_players_show(
    matrix: int, is_full: bool, tags: dict[str, str], width: int, pixels: str, tmp_path: Path
) -> None:
    colors = {"dst_colorspace": matrix, "dst_color_range": 2 if is_full else 1}
    path = write_film(
        tmp_path / "film.mkv", count=6, size=(32, width), pixels=pixels, options={"crf": "5", **tags}, colors=colors
    )
    frames = list(open_source(path).frames())
    assert len(frames) == 6 and all(is_near(frame, COLORS[k]) for k, frame in enumerate(frames))


def test_ten_bits_are_read_as_ten_bits(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 1024).astype(np.uint16)[None, :, None].repeat(16, 0).repeat(3, 2)
    with av.open(str(tmp_path / "film.mkv"), "w") as film:
        stream = film.add_stream("ffv1", rate=24, width=1024, height=16, pix_fmt="yuv444p10le")
        frame = av.VideoFrame.from_ndarray(ramp, format="rgb48le")
        film.mux([*stream.encode(frame.reformat(format="yuv444p10le", dst_colorspace=5)), *stream.encode(None)])
    (frame,) = open_source(tmp_path / "film.mkv").frames()
    assert len(frame.image[0, 1, 8].unique()) > 700


def test_the_white_of_hdr_is_white(tmp_path: Path) -> None:
    tags = {"colorspace": "bt2020nc", "color_primaries": "bt2020", "color_trc": "smpte2084", "color_range": "tv"}
    grey = [torch.full((1, 3, 32, 48), 0.58)]  # 203 candela a square meter in PQ: the white of paper
    path = write_film(
        tmp_path / "film.mp4", pictures=grey, pixels="yuv420p10le", options=tags, colors={"dst_colorspace": 9}
    )
    source = open_source(path)
    (frame,) = source.frames()
    assert frame.image.min() > 0.97 and "is HDR; it is read as SDR" in source.warnings[0]


def test_transparent_parts_are_on_white(tmp_path: Path) -> None:
    levels = np.zeros((16, 32, 4), np.uint8)
    levels[:, :16] = (200, 0, 0, 255)
    with av.open(str(tmp_path / "film.mov"), "w") as film:
        stream = film.add_stream("png", rate=24, width=32, height=16, pix_fmt="rgba")
        film.mux([*stream.encode(av.VideoFrame.from_ndarray(levels, format="rgba")), *stream.encode(None)])
    source = open_source(tmp_path / "film.mov")
    (frame,) = source.frames()
    left, right = frame.image.chunk(2, -1)
    assert torch.allclose(left, torch.tensor([200 / 255, 0, 0]).view(1, 3, 1, 1)) and bool((right == 1).all())
    assert "transparent parts; they are shown on white" in source.warnings[0]


def test_pixels_become_square(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", size=(48, 64), count=1, sample_aspect_ratio=Fraction(3, 2))
    source = open_source(path)
    (frame,) = source.frames()
    assert source.size == (48, 96) == frame.image.shape[-2:]


def test_interlaced_rows_stay_as_they_are(tmp_path: Path) -> None:
    rows = (torch.arange(48) % 2).float().view(1, 1, 48, 1).expand(1, 3, 48, 64)
    options = {"flags": "+ildct+ilme", "crf": "1"}
    frames = list(open_source(write_film(tmp_path / "film.mp4", pictures=[rows] * 3, options=options)).frames())
    assert len(frames) == 3 and (frames[1].image - rows).abs().mean() < 0.1


def test_a_cover_is_not_the_film(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as film:
        cover = film.add_stream("png", width=32, height=32, pix_fmt="rgb24")
        cover.disposition = av.stream.Disposition.attached_pic
        sound = film.add_stream("aac", rate=48_000, layout="mono")
        for packet in cover.encode(av.VideoFrame(32, 32, "rgb24")):
            film.mux(packet)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48_000
        film.mux([*sound.encode(frame), *sound.encode(None)])
    with pytest.raises(VideoReadError, match="has no moving pictures, only: audio, video; expected a film such as"):
        open_source(path)


def test_what_is_no_film_is_refused(tmp_path: Path) -> None:
    files: list[tuple[str, str | bytes, str]] = [
        ("note.txt", "a poem\n" * 20, "is a text|cannot be opened"),
        ("note.mp4", "a poem\n" * 20, "cannot be opened"),
        ("zeros.mp4", bytes(5000), "cannot be opened"),
        ("empty.mp4", b"", "is empty, 0 bytes; expected a film"),
        ("list.mp4", "ffconcat version 1.0\nfile film.mp4\n", "is a list of files"),
        ("list.m3u8", "#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n", "cannot be opened"),
        ("speech.srt", "1\n00:00:00,000 --> 00:00:01,000\nHello\n", "has no moving pictures, only: subtitle"),
    ]
    write_film(tmp_path / "film.mp4", count=2)
    for name, content, message in files:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(VideoReadError, match=message):
            open_source(tmp_path / name)
    Image.new("RGB", (64, 48)).save(tmp_path / "photo.jpg")
    with pytest.raises(VideoReadError, match="is a still picture"):
        open_source(tmp_path / "photo.jpg")
    with pytest.raises(VideoReadError, match="does not exist; .* Did you mean '.*film.mp4'"):
        open_source(tmp_path / "films.mp4")


def test_an_unknown_codec_is_said(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", count=2)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz1"))
    with pytest.raises(VideoReadError, match="coded in a way that FFmpeg does not know"):
        open_source(path)


def test_a_film_that_breaks_off_is_read_up_to_there(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mkv", count=96, options={"crf": "1"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    source = open_source(path)
    frames = list(source.frames())
    assert 24 < len(frames) < 72 and all(is_near(frame, COLORS[k % 6]) for k, frame in enumerate(frames[:-1]))
    assert "breaks off at" in source.warnings[0] and source.warnings[0].endswith("what is there was read.")


def test_a_film_damaged_in_the_middle_is_read_beyond_it(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", count=48, options={"g": "6", "crf": "1"})
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + 4 + len(data) // 3
    data[middle : middle + 300] = bytes(300)
    path.write_bytes(data)
    source = open_source(path)
    frames = list(source.frames())
    assert sum((frame.duration for frame in frames), Fraction(0)) == 2
    assert sum(is_near(frame, COLORS[round(frame.time * 24) % 6]) for frame in frames) > 36
    assert "of its frames could not be decoded" in source.warnings[0]


def test_a_film_without_its_index_is_refused(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(VideoReadError, match="cannot be opened"):
        open_source(path)


def test_without_pyav_the_install_line_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_film(tmp_path / "film.mp4", count=1)
    modules: dict[str, Any] = sys.modules
    monkeypatch.setitem(modules, "av", None)
    with pytest.raises(MissingExtraError, match=r'Run: pip install "impasto\[video\]"'):
        open_source(path)

"""Films are read frame by frame, at any time, as they are shown."""

from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("av", reason="films need the extra video")

from films import COLORS, RATE, is_near, write_film

from impasto.errors import VideoReadError
from impasto.video.source import open_source


def test_a_film_says_what_it_is(tmp_path: Path) -> None:
    source = open_source(write_film(tmp_path / "film.mp4", sounds=["aac"]))
    assert source.size == (48, 64) and source.rate == RATE and source.frame_count == 24 and source.has_sound
    assert source.duration_s == pytest.approx(1)


def test_frames_come_in_order_with_their_times_and_colors(tmp_path: Path) -> None:
    frames = list(open_source(write_film(tmp_path / "film.mp4")).frames())
    assert [(frame.index, frame.time, frame.duration) for frame in frames] == [
        (k, Fraction(k, RATE), Fraction(1, RATE)) for k in range(24)
    ]
    assert all(is_near(frame, COLORS[k % 6]) for k, frame in enumerate(frames))


def test_a_cut_shows_what_the_whole_film_shows_then(tmp_path: Path) -> None:
    source = open_source(write_film(tmp_path / "film.mp4", count=72, options={"g": "10", "bf": "3"}))
    whole = list(source.frames())
    cut = list(source.frames(start_s=2.0, duration_s=0.5))
    assert [frame.index for frame in cut] == list(range(12))
    for frame, same in zip(cut, whole[48:60], strict=True):
        assert (frame.time, frame.duration) == (same.time, same.duration) and frame.image.equal(same.image)


def test_a_cut_between_two_frames_begins_with_the_one_that_is_shown(tmp_path: Path) -> None:
    times = [Fraction(0), Fraction(1), Fraction(3)]
    source = open_source(write_film(tmp_path / "film.mp4", times=times))
    frames = list(source.frames(start_s=2.0, duration_s=Fraction(9, 8)))
    assert [(frame.time, frame.duration) for frame in frames] == [(2, 1), (3, Fraction(1, RATE))]
    assert is_near(frames[0], COLORS[1]) and is_near(frames[1], COLORS[2])


def test_one_frame_of_every_so_many_fills_their_time(tmp_path: Path) -> None:
    frames = list(open_source(write_film(tmp_path / "film.mp4", count=11)).frames(every=4))
    assert [frame.time * RATE for frame in frames] == [0, 4, 8]
    assert [frame.duration * RATE for frame in frames] == [4, 4, 3]


def test_a_cut_after_the_end_is_refused(tmp_path: Path) -> None:
    source = open_source(write_film(tmp_path / "film.mp4"))
    with pytest.raises(VideoReadError, match="which is 1.00 s long has no frame from 5 s on"):
        list(source.frames(start_s=5))

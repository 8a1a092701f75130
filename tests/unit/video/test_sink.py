"""A film is written in segments, which become one film with its times and its sound."""

from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("av", reason="films need the extra video")

import av
from films import COLORS, RATE, is_near, sound_bytes, whole_duration, write_film

from impasto.errors import OutputError
from impasto.video.frames import Source
from impasto.video.sink import check_film_output, join_segments, write_segment
from impasto.video.source import open_source


def rewrite(source: Source, output: Path, start_s: float = 0, duration_s: float | None = None) -> list[str]:
    """Write a cut of a film by segments of 10 frames; returns the warnings."""
    frames, segments = list(source.frames(start_s, duration_s)), []
    for first in range(0, len(frames), 10):
        segments.append(output.with_name(f"segment{first}.mp4"))
        write_segment(segments[-1], frames[first : first + 10], output=output, source=source)
    return join_segments(segments, output, source=source, start_s=start_s, duration_s=duration_s)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_a_film_is_the_same_after_reading_and_writing(suffix: str, tmp_path: Path) -> None:
    source = open_source(write_film(tmp_path / "film.mp4"))
    output = tmp_path / f"output{suffix}"
    assert rewrite(source, output) == []
    written = open_source(output)
    assert written.size == source.size and written.rate == RATE and not written.has_sound
    assert abs(whole_duration(written) - whole_duration(source)) < Fraction(1, RATE)
    frames = list(written.frames())
    assert [round(frame.time * RATE, 1) for frame in frames] == list(range(24))
    assert all(is_near(frame, COLORS[k % 6], 6) for k, frame in enumerate(frames))


def test_sound_is_copied_packet_by_packet(tmp_path: Path) -> None:
    source = open_source(write_film(tmp_path / "film.mp4", sounds=["aac", "libmp3lame"]))
    output = tmp_path / "output.mp4"
    assert rewrite(source, output) == []
    for track in (0, 1):
        assert sound_bytes(output, track) == sound_bytes(source.path, track) != []


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_title_date_and_chapters_are_kept(suffix: str, tmp_path: Path) -> None:
    tags = {"title": "A walk", "date": "2008", "artist": "someone"}
    chapters = [(0, 250, "One"), (250, 700, "Two"), (700, 1000, "Three")]
    source = open_source(write_film(tmp_path / "film.mkv", tags=tags, chapters=chapters))
    assert source.tags == {"title": "A walk", "date": "2008"}
    output = tmp_path / f"output{suffix}"
    assert rewrite(source, output, start_s=0.5, duration_s=0.25) == []
    written = open_source(output)
    assert written.tags.items() >= source.tags.items()
    found = [(float(each.start), float(each.end), each.title) for each in written.chapters]
    assert found == [(0, 0.2, "Two"), (0.2, 0.25, "Three")]


def test_times_of_a_variable_rate_are_kept(tmp_path: Path) -> None:
    times = [Fraction(k * k, 480) for k in range(20)]
    source = open_source(write_film(tmp_path / "film.mp4", times=times))
    output = tmp_path / "output.mp4"
    rewrite(source, output)
    frames = list(open_source(output).frames())
    assert [frame.time for frame in frames] == times
    assert whole_duration(open_source(output)) == whole_duration(source)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(50), Fraction(15, 2)])
@pytest.mark.parametrize("sounds", [(), ("aac",)])
def test_a_short_cut_keeps_all_its_frames(rate: Fraction, sounds: tuple[str, ...], tmp_path: Path) -> None:
    times = [k / rate for k in range(12)]
    source = open_source(write_film(tmp_path / "film.mp4", times=times, sounds=sounds, tick=1 / (rate * 1000)))
    output = tmp_path / "output.mp4"
    rewrite(source, output, 2 / rate, 4 / rate)
    frames = list(open_source(output).frames())
    assert [(frame.time, frame.duration) for frame in frames] == [(k / rate, 1 / rate) for k in range(4)]


def test_players_are_told_the_colors_and_find_the_index_first(tmp_path: Path) -> None:
    source = open_source(write_film(tmp_path / "film.mp4"))
    output = tmp_path / "output.mp4"
    rewrite(source, output)
    with av.open(str(output)) as film:
        context = film.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
    data = output.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_odd_sides_get_a_copy_of_the_last_row_and_column(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.webm", size=(33, 47), codec="libvpx-vp9", count=3)
    source = open_source(path)
    output = tmp_path / "output.mp4"
    segment = tmp_path / "segment.mp4"
    write_segment(segment, source.frames(), output=output, source=source)
    join_segments([segment], output, source=source)
    written = open_source(output)
    assert source.size == (33, 47) and written.size == (34, 48)
    assert is_near(next(written.frames()), COLORS[0], 6)


def test_an_output_is_checked_before_slow_work(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", count=1)
    assert check_film_output(tmp_path / "new.MP4", inputs=[film]) == tmp_path / "new.MP4"
    for path, message in (
        (tmp_path / "new.avi", "has the suffix '.avi'; expected one of .mp4"),
        (tmp_path / "no" / "new.mp4", "does not exist"),
        (film, "is the input"),
    ):
        with pytest.raises(OutputError, match=message):
            check_film_output(path, inputs=[film])

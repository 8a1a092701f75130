"""Sound goes over to the painted film: copied where it can be, encoded anew where not, and what is left out is said."""

from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("av", reason="films need the extra video")

import av
from films import sound_bytes, write_film

from impasto.errors import DiskError
from impasto.video.sink import join_segments, write_segment
from impasto.video.source import open_source


def sound_times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as film:
        return [packet.pts * packet.time_base for packet in film.demux(audio=0) if packet.size]


def decoded_seconds(path: Path) -> float:
    with av.open(str(path)) as film:
        return sum(frame.samples / frame.sample_rate for frame in film.decode(audio=0))


def with_sound(path: Path, output: Path, start_s: float = 0, duration_s: float | None = None) -> list[str]:
    """Write a cut of a film as one segment, with its sound; returns the warnings."""
    source, segment = open_source(path), output.with_name("segment.mp4")
    write_segment(segment, source.frames(start_s, duration_s), output=output, source=source)
    return join_segments([segment], output, source=source, start_s=start_s, duration_s=duration_s)


@pytest.mark.parametrize(
    ("codec", "suffix", "output_suffix", "encoded"),
    [("pcm_s16le", ".mkv", ".mp4", "aac"), ("aac", ".mp4", ".webm", "opus"), ("pcm_s16le", ".mov", ".mov", "")],
)
def test_sound_that_the_container_cannot_hold_is_encoded_anew(
    codec: str, suffix: str, output_suffix: str, encoded: str, tmp_path: Path
) -> None:
    path = write_film(tmp_path / f"film{suffix}", sounds=[codec])
    output = tmp_path / f"output{output_suffix}"
    warnings = with_sound(path, output)
    if not encoded:
        assert warnings == [] and sound_bytes(output) == sound_bytes(path)
        return
    assert warnings == [f"the sound is encoded anew as {encoded}: {output_suffix} files do not hold {codec}."]
    with av.open(str(output)) as film:
        assert film.streams.audio[0].codec_context.name.endswith(encoded)
    assert decoded_seconds(output) == pytest.approx(decoded_seconds(path), abs=0.05)


def test_a_cut_has_the_packets_of_its_time(tmp_path: Path) -> None:
    path, output = write_film(tmp_path / "film.mp4", sounds=["aac"]), tmp_path / "output.mp4"
    assert with_sound(path, output, 0.5, 0.25) == []
    inside = [0.5 <= time < 0.75 for time in sound_times(path)]
    wanted = [data for data, is_inside in zip(sound_bytes(path), inside, strict=True) if is_inside]
    assert sound_bytes(output) == wanted != []
    offset = next(time for time in sound_times(path) if time >= 0.5) - Fraction(1, 2)
    assert float(sound_times(output)[0]) == pytest.approx(float(offset), abs=0.001)


def test_the_sound_of_a_cut_that_is_encoded_anew_is_as_long(tmp_path: Path) -> None:
    path, output = write_film(tmp_path / "film.mkv", sounds=["pcm_s16le"]), tmp_path / "output.mp4"
    with_sound(path, output, 0.5, 0.25)
    assert decoded_seconds(output) == pytest.approx(0.25, abs=0.05)


def test_a_film_without_sound_stays_without(tmp_path: Path) -> None:
    path, output = write_film(tmp_path / "film.mp4"), tmp_path / "output.mp4"
    assert with_sound(path, output) == []
    with av.open(str(output)) as film:
        assert [stream.type for stream in film.streams] == ["video"]


def test_subtitles_are_left_out_and_named(tmp_path: Path) -> None:
    path, output = write_film(tmp_path / "film.mkv", count=12, subtitle="Hello"), tmp_path / "output.mp4"
    assert open_source(path).warnings[0].endswith("has tracks that a painted film does not: 1 subtitle track.")
    with_sound(path, output)
    with av.open(str(output)) as film:
        assert [stream.type for stream in film.streams] == ["video"]


def test_a_full_disk_is_said_and_the_old_film_stays(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="Windows has no limit for the size of files")
    path, output = write_film(tmp_path / "film.mp4", options={"crf": "0"}), tmp_path / "output.mp4"
    source, segment = open_source(path), tmp_path / "segment.mp4"
    write_segment(segment, source.frames(), output=output, source=source)
    output.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))  # of each file, in place of a full disk
    try:
        with pytest.raises(DiskError, match="output.mp4' was not written .*; expected room for the film"):
            join_segments([segment], output, source=source)
        with pytest.raises(DiskError, match="other.mp4' was not written"):
            write_segment(tmp_path / "other.mp4", source.frames(), output=output, source=source)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert output.read_bytes() == b"old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["film.mp4", "output.mp4", "segment.mp4"]

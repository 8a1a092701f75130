"""Animated pictures and folders of numbered pictures are films too, in and out."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("av", reason="films need the extra video")

from films import COLORS, RATE, is_near, write_film
from PIL import Image
from torch import Tensor

from impasto.errors import ImageReadError, OutputError, VideoReadError
from impasto.images.io import read_image, write_image
from impasto.video.frames import Frame
from impasto.video.sink import check_film_output, join_segments, write_segment
from impasto.video.source import open_source


def write_animated(path: Path, durations_ms: list[int]) -> Path:
    """An animated picture whose frame k has the color k of COLORS."""
    pictures = [Image.new("RGB", (40, 30), COLORS[k]) for k in range(len(durations_ms))]
    lossless = {"lossless": True} if path.suffix == ".webp" else {}
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations_ms, loop=0, **lossless)
    return path


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_an_animated_picture_is_read_with_its_times(suffix: str, tmp_path: Path) -> None:
    source = open_source(write_animated(tmp_path / f"film{suffix}", [100, 250, 40, 100]))
    assert source.size == (30, 40) and source.frame_count == 4 and source.duration_s == pytest.approx(0.49)
    frames = list(source.frames())
    assert [frame.time * 1000 for frame in frames] == [0, 100, 350, 390]
    assert all(is_near(frame, COLORS[k], 1) for k, frame in enumerate(frames))
    assert [frame.time * 1000 for frame in source.frames(0.2, 0.16)] == [200, 350]


def test_a_gif_without_delays_plays_as_in_browsers(tmp_path: Path) -> None:
    assert [frame.duration for frame in open_source(write_animated(tmp_path / "film.gif", [10, 10])).frames()] == [
        Fraction(1, 10)
    ] * 2


def test_transparent_parts_are_on_white(tmp_path: Path) -> None:
    path = tmp_path / "film.webp"
    pictures = [Image.new("RGBA", (40, 30), (200, 0, 0, alpha)) for alpha in (255, 0)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100, lossless=True)
    opaque, clear = open_source(path).frames()
    assert is_near(opaque, (200, 0, 0), 1) and is_near(clear, (255, 255, 255), 1)


def test_a_picture_that_does_not_move_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "still.png")
    with pytest.raises(VideoReadError, match="does not move; expected several frames. Paint it with: impasto stylize"):
        open_source(tmp_path / "still.png")


def write_numbered(folder: Path, picture: Callable[..., Tensor], count: int) -> list[Tensor]:
    folder.mkdir()
    files = [folder / f"shot {k + 8}.png" for k in range(count)]  # 8, 9, 10: not in the order of letters
    for k, file in enumerate(files):
        write_image(picture(20, 31, k), file)
    return [read_image(file) for file in files]


def test_a_folder_is_read_in_natural_order_at_its_rate(tmp_path: Path, picture: Callable[..., Tensor]) -> None:
    images = write_numbered(tmp_path / "in", picture, 5)
    source = open_source(tmp_path / "in", rate=29.97)
    assert source.rate == Fraction(30_000, 1001) and source.size == (20, 31) and source.frame_count == 5
    frames = list(source.frames())
    assert all(frame.image.equal(image) for frame, image in zip(frames, images, strict=True))
    assert [frame.time for frame in source.frames(start_s=Fraction(3003, 30_000))] == [k / source.rate for k in (3, 4)]
    assert open_source(tmp_path / "in").rate == 25


def test_a_folder_is_written_exactly_with_the_names_of_its_source(
    tmp_path: Path, picture: Callable[..., Tensor]
) -> None:
    images = write_numbered(tmp_path / "in", picture, 5)
    source, output = open_source(tmp_path / "in"), tmp_path / "out"
    frames = list(source.frames(start_s=0.04, every=2))
    write_segment(tmp_path / "a.mp4", frames[:1], output=output, source=source)
    write_segment(tmp_path / "b.mp4", frames[1:], output=output, source=source)
    join_segments([tmp_path / "a.mp4", tmp_path / "b.mp4"], output, source=source, start_s=0.04)
    assert sorted(path.name for path in output.iterdir()) == ["shot 11.png", "shot 9.png"]
    assert read_image(output / "shot 9.png").equal(images[1]) and read_image(output / "shot 11.png").equal(images[3])


def test_frames_of_a_film_are_numbered(tmp_path: Path) -> None:
    source, output = open_source(write_film(tmp_path / "film.mp4", count=3)), tmp_path / "out"
    write_segment(tmp_path / "a.mp4", source.frames(), output=output, source=source)
    join_segments([tmp_path / "a.mp4"], output, source=source)
    assert sorted(path.name for path in output.iterdir()) == ["000001.png", "000002.png", "000003.png"]


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_is_written_with_its_times(suffix: str, tmp_path: Path) -> None:
    source = open_source(write_animated(tmp_path / "film.gif", [100, 300, 100, 200, 100, 160]))
    output = tmp_path / f"out{suffix}"
    write_segment(tmp_path / "a.mp4", source.frames(0.1), output=output, source=source)
    join_segments([tmp_path / "a.mp4"], output, source=source, start_s=0.1)
    frames = list(open_source(output).frames())
    assert [frame.time * 1000 for frame in frames] == [0, 300, 400, 600, 700]
    assert all(is_near(frame, COLORS[k], 5) for k, frame in enumerate(frames, start=1))
    with Image.open(output) as written:
        assert written.info["loop"] == 0


def test_a_damaged_picture_ends_the_film(tmp_path: Path, picture: Callable[..., Tensor]) -> None:
    write_numbered(tmp_path / "in", picture, 3)
    write_image(picture(20, 32), tmp_path / "in" / "shot 9.png")
    source = open_source(tmp_path / "in")
    assert len(list(source.frames())) == 1
    assert "is 32x20; expected 31x20, as the first one. The 1 frames before it were read." in source.warnings[0]
    (tmp_path / "in" / "shot 8.png").write_bytes(b"nothing")
    with pytest.raises(ImageReadError, match="shot 8.png"):
        open_source(tmp_path / "in")


def test_a_cut_off_animation_gives_what_is_there(tmp_path: Path) -> None:
    path = write_animated(tmp_path / "film.webp", [100] * 6)
    path.write_bytes(path.read_bytes()[:-30])
    frames: list[Frame] = []
    try:
        source = open_source(path)
        frames = list(source.frames())
    except ImageReadError:
        return  # Pillow refuses the file as a whole
    assert 0 < len(frames) < 6 and source.warnings


def test_folders_without_pictures_or_with_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoReadError, match="has no picture"):
        open_source(tmp_path)
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(OutputError, match="with files in it"):
        check_film_output(tmp_path, inputs=[])
    assert check_film_output(tmp_path, inputs=[], is_resumed=True) == tmp_path
    assert check_film_output(tmp_path / "new", inputs=[]) == tmp_path / "new"


@pytest.mark.parametrize(("rate", "message"), [(0, "rate is 0; expected"), (float("nan"), "rate is nan; expected")])
def test_a_rate_is_checked(rate: float, message: str, tmp_path: Path) -> None:
    with pytest.raises(VideoReadError, match=message):
        open_source(tmp_path, rate=rate)
    with pytest.raises(VideoReadError, match="has a rate of its own"):
        open_source(write_film(tmp_path / "film.mp4", count=1), rate=RATE)

"""Animations: size, number of frames, how long each stays, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageSequence
from torch import Tensor

from impasto.errors import OutputError
from impasto.images.formats.animation import check_animation, to_frame, write_animation


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_frames_play_at_the_last_size_and_the_last_stays(
    suffix: str, tmp_path: Path, picture: Callable[..., Tensor]
) -> None:
    path = tmp_path / f"evolution{suffix}"
    frames = [to_frame(picture(12, 16, 1)), to_frame(picture(24, 32, 2)), to_frame(picture(24, 32, 3))]
    write_animation(frames, path)
    with Image.open(path) as animation:
        assert animation.size == (32, 24)
        durations_ms = []
        for frame in ImageSequence.Iterator(animation):
            frame.load()
            durations_ms.append(frame.info["duration"])
    assert durations_ms[:2] == [pytest.approx(1000 / 12, abs=4)] * 2  # GIF counts in hundredths of a second
    assert durations_ms[2] == 2000
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_one_frame_is_enough(tmp_path: Path, picture: Callable[..., Tensor]) -> None:
    write_animation([to_frame(picture())], tmp_path / "a.webp")
    with Image.open(tmp_path / "a.webp") as written:
        assert written.size == (32, 32)


def test_a_frame_is_the_image_in_8_bits_and_never_larger() -> None:
    image = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1).expand(1, 3, 2, 4)
    frame = to_frame(image)
    assert (frame.shape, frame.dtype) == ((2, 4, 3), torch.uint8)
    assert frame[0, 0].tolist() == [0, 128, 255]
    assert to_frame(torch.zeros(1, 3, 500, 1000)).shape == (256, 512, 3)


def test_another_suffix_is_refused_and_both_are_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"expected \.webp or \.gif.*evolution\.webp"):
        check_animation(tmp_path / "evolution.mp4", inputs=())


def test_an_input_or_the_output_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="also the input or output"):
        check_animation(tmp_path / "a.webp", inputs=[tmp_path / "a.webp"])
    with pytest.raises(OutputError, match="mkdir"):
        check_animation(tmp_path / "no" / "a.webp", inputs=())

"""Start images."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impasto.images.io import read_image, write_image
from impasto.optimize.init import NOISE, build_init

Paint = Callable[..., Tensor]


@pytest.mark.parametrize(
    ("init", "color"),
    [("black", (0.0, 0.0, 0.0)), ("white", (1.0, 1.0, 1.0)), ("#ff8000", (1.0, 128 / 255, 0.0))],
)
def test_flat_starts(init: str, color: tuple[float, float, float], picture: Paint) -> None:
    image = build_init(init, (5, 7), picture(), [picture()], 0)
    assert image.shape == (1, 3, 5, 7)
    torch.testing.assert_close(image, torch.tensor(color).view(1, 3, 1, 1).expand(1, 3, 5, 7))


def test_mean_is_the_contents_mean_color(picture: Paint) -> None:
    image = build_init("mean", (5, 7), picture(seed=3), [picture()], 0)
    torch.testing.assert_close(image[0, :, 2, 2], picture(seed=3).mean(dim=(0, 2, 3)))


def test_noise_depends_on_the_seed_alone(picture: Paint) -> None:
    torch.manual_seed(5)
    noise = build_init("noise", (64, 64), None, [], 1)
    torch.manual_seed(6)
    assert torch.equal(noise, build_init("noise", (64, 64), picture(), [picture()], 1))
    assert not torch.equal(noise, build_init("noise", (64, 64), None, [], 2))
    assert float(noise.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(noise.std()) == pytest.approx(NOISE, rel=0.05)
    assert abs(float((noise[..., 1:] * noise[..., :-1]).mean() - noise.mean() ** 2)) < 0.1 * NOISE**2  # white


def test_content_is_the_content_at_its_size(picture: Paint) -> None:
    assert torch.equal(build_init("content", (32, 32), picture(), [], 0), picture())


def test_style_is_cut_not_stretched() -> None:
    style = torch.zeros(1, 3, 20, 60)
    style[..., 20:40] = 1.0  # the middle square
    assert float(build_init("style", (20, 20), None, [style], 0).min()) == 1.0


def test_a_file_is_read(tmp_path: Path, picture: Paint) -> None:
    write_image(picture(), tmp_path / "start.png")
    image = build_init("start.png", (32, 32), None, [], 0, start_image=read_image(tmp_path / "start.png"))
    torch.testing.assert_close(image, picture(), atol=1 / 255, rtol=0)

"""Sizes by hand, and the resizing of an image."""

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.images.resize import fit_long_edge, fit_pixels, resize_image, resize_wrapped


@pytest.mark.parametrize(
    ("size", "long_edge", "expected"),
    [
        ((600, 800), 400, (300, 400)),
        ((800, 600), 400, (400, 300)),
        ((100, 100), 512, (512, 512)),
        ((3, 7), 512, (219, 512)),  # 512 * 3/7 = 219.4
        ((1, 1000), 100, (1, 100)),  # 0.1 px is 1 px
        ((480, 640), 640, (480, 640)),
    ],
)
def test_fit_long_edge(size, long_edge, expected):
    assert fit_long_edge(*size, long_edge) == expected


@pytest.mark.parametrize(
    ("size", "pixels", "expected"),
    [
        ((512, 512), 512 * 512, (512, 512)),
        ((600, 800), 480_000, (600, 800)),
        ((300, 400), 480_000, (600, 800)),
        ((683, 1024), 512 * 512, (418, 627)),  # sqrt(262144 * 683/1024) = 418.1; 1024/683 * 418 = 626.7
        ((1, 10_000), 100, (1, 10_000)),  # 0.1 px is 1 px, and the width follows the height
        ((10_000, 1), 100, (1000, 1)),
    ],
)
def test_fit_pixels(size, pixels, expected):
    assert fit_pixels(*size, pixels) == expected


def test_the_same_size_gives_the_image_itself():
    image = torch.rand(1, 3, 8, 9)
    assert resize_image(image, (8, 9)) is image


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [(5, 7), (40, 30), (1, 1), (16, 8)])
def test_resize_keeps_batch_and_dtype_and_stays_in_range(dtype, size):
    image = (torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(0)) > 0.5).to(dtype)
    before = image.clone()
    resized = resize_image(image, size)
    assert resized.shape == (2, 3, *size) and resized.dtype == dtype
    assert resized.min() >= 0 and resized.max() <= 1  # bicubic alone overshoots on these edges
    assert torch.equal(image, before)


def test_shrinking_is_antialiased():
    lines = torch.zeros(1, 3, 64, 64)
    lines[..., ::8] = 1  # one column in eight; without antialiasing they fall between the samples and vanish
    # The mean is 1/8, met within float32 rounding but at the borders, where the filter is cut.
    assert (resize_image(lines, (8, 8))[..., 2:-2] - 1 / 8).abs().max() < 1e-5


def test_a_batch_is_resized_as_its_images_one_by_one():
    batch = torch.rand(3, 3, 11, 13, generator=torch.Generator().manual_seed(1))
    together = resize_image(batch, (7, 19))
    for image, resized in zip(batch, together, strict=True):
        assert torch.equal(resize_image(image[None], (7, 19))[0], resized)


@pytest.mark.parametrize("size", [(12, 20), (64, 96), (50, 70)])
def test_a_picture_that_repeats_still_does_after_resizing(size: tuple[int, int]) -> None:
    """Resizing four repetitions is the same as repeating the resized picture."""
    image = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    H, W = size
    both = resize_image(image.repeat(1, 1, 4, 4), (4 * H, 4 * W))[..., H : 2 * H, W : 2 * W]
    torch.testing.assert_close(resize_wrapped(image, size, "wrap"), both)
    assert torch.equal(resize_wrapped(image, size, "zero"), resize_image(image, size))
    sideways = resize_wrapped(image, size, "wrap-x")
    roll = resize_wrapped(image.roll(24, dims=3), size, "wrap-x").roll(-size[1] // 2, dims=3)
    torch.testing.assert_close(sideways, roll)


@pytest.mark.parametrize("size", [(10, 13), (60, 70)])
def test_bilinear_is_pillows(size: tuple[int, int]) -> None:
    plane = torch.rand(24, 33, generator=torch.Generator().manual_seed(0))
    theirs = Image.fromarray(plane.numpy()).resize(size[::-1], Image.Resampling.BILINEAR)
    ours = resize_image(plane.expand(1, 3, 24, 33), size, "bilinear")[0, 0]
    assert (ours - torch.from_numpy(np.array(theirs))).abs().max() < 2e-6  # float32 rounding
    assert (ours - resize_image(plane.expand(1, 3, 24, 33), size)[0, 0]).abs().max() > 0.01

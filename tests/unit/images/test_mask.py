"""Masks: read from anything, refused where they cannot be meant, feathered inwards."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from impasto.errors import ImageReadError, ImageSizeError, MaskError
from impasto.images.mask import feather_mask, read_mask, resize_mask

SIZE = (24, 32)


def left(height: int = 24, width: int = 32) -> Tensor:
    """White in the left half."""
    mask = torch.zeros(1, 1, height, width)
    mask[..., : width // 2] = 1
    return mask


def test_sources_of_every_kind_give_the_same_mask(tmp_path: Path) -> None:
    levels = (left()[0, 0] * 255).byte().numpy()
    Image.fromarray(levels).save(tmp_path / "mask.png")
    color = np.repeat(levels[:, :, None], 3, axis=2)
    transparent = Image.new("RGBA", (32, 24), "white")
    transparent.putalpha(Image.fromarray(levels))
    sources = [
        *(tmp_path / "mask.png", str(tmp_path / "mask.png"), Image.fromarray(levels), levels, color, levels > 0),
        *(left(), left()[0], left()[0, 0], left()[0, 0] > 0, left().repeat(1, 3, 1, 1), transparent),
    ]
    for source in sources:
        mask = read_mask(source, SIZE)
        assert mask.dtype == torch.float32
        assert torch.equal(mask, left())


def test_any_size_is_resized_and_levels_stay_in_range() -> None:
    for size in ((48, 64), (12, 16), (241, 320)):
        mask = read_mask(left(*size), SIZE)
        assert mask.shape == (1, 1, *SIZE)
        assert float(mask.min()) == 0 and float(mask.max()) == 1
        assert (mask - left()).abs().mean() < 0.05  # a soft border


def test_a_turned_photograph_s_mask_is_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    sideways = Image.fromarray((left()[0, 0] * 255).byte().numpy()).rotate(90, expand=True)
    sideways.save(tmp_path / "mask.png", exif=exif)
    assert torch.equal(read_mask(tmp_path / "mask.png", SIZE), left())


def test_what_jpeg_makes_of_black_and_white_is_black_and_white(tmp_path: Path) -> None:
    Image.fromarray((left(48, 64)[0, 0] * 255).byte().numpy()).save(tmp_path / "mask.jpg", quality=80)
    mask = read_mask(tmp_path / "mask.jpg", (48, 64))
    assert float(mask[..., 40:].max()) == 0 and float(mask[..., :24].min()) == 1


def test_another_aspect_is_refused_with_both_sizes() -> None:
    with pytest.raises(ImageSizeError, match=r"only is 30x30, 1.00 to 1, and its picture 32x24, 1.33 to 1"):
        read_mask(torch.ones(1, 1, 30, 30), SIZE, name="only")
    read_mask(torch.ones(1, 1, 100, 131), SIZE)  # 1.7 % off


def test_an_empty_mask_is_refused(tmp_path: Path) -> None:
    Image.new("L", (32, 24), 5).save(tmp_path / "mask.png")
    with pytest.raises(MaskError, match=r"protect '.*mask.png' is empty: black or transparent everywhere"):
        read_mask(tmp_path / "mask.png", SIZE, name="protect")
    with pytest.raises(MaskError):
        read_mask(np.zeros(SIZE, dtype=bool), SIZE)
    with pytest.raises(ImageReadError, match="does not exist"):
        read_mask(tmp_path / "none.png", SIZE)


@pytest.mark.parametrize("feather", [0, 1, 2, 5, 12, 200])
def test_the_feather_lies_inside(feather: int) -> None:
    mask = left(40, 60)
    mask[..., 10:20, 5:9] = 0
    soft = feather_mask(mask, feather)
    assert torch.equal(soft[mask == 0], torch.zeros_like(soft[mask == 0]))
    assert (soft <= mask + 1e-6).all()
    # As deep inside as the feather is wide it is the mask; the picture's own border is none of the mask's.
    if feather <= 12:
        assert torch.equal(soft[..., 32:, : 30 - feather], torch.ones_like(soft[..., 32:, : 30 - feather]))
    if feather >= 2:
        row = soft[0, 0, 35, 30 - feather : 31]
        assert float(row.diff().min()) >= -1.5 / feather and float(row.diff().max()) <= 0  # a ramp


def test_resize_does_not_overshoot() -> None:
    mask = resize_mask(left(), (50, 67))
    assert float(mask.min()) == 0 and float(mask.max()) == 1
    assert resize_mask(mask, (50, 67)) is mask

"""Masks: read from anything, refused where they cannot be meant, feathered inwards; regions of color-coded maps."""

import io
import logging
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from impasto.errors import ImageReadError, ImageSizeError, MaskError
from impasto.images.io import ImageSource, read_picture
from impasto.images.masks import (
    feather_mask,
    is_coded,
    match_color,
    name_color,
    read_mask,
    split_codes,
    to_levels,
)
from impasto.images.picture import Picture

RED, BLUE, PURPLE, WHITE = (220, 20, 30), (30, 40, 210), (125, 30, 120), (255, 255, 255)


def read(source: ImageSource, height: int = 160, width: int = 240, name: str = "mask") -> Tensor:
    """A mask of an opaque photograph, upright."""
    return read_mask(source, opaque(height, width), name=name).image


def opaque(height: int, width: int) -> Picture:
    return Picture(image=torch.zeros(1, 3, height, width))


def left(height: int, width: int) -> Tensor:
    """White in the left half."""
    mask = torch.zeros(1, 1, height, width)
    mask[..., : width // 2] = 1
    return mask


def draw_map() -> Image.Image:
    """Red beside blue, a purple disk far from both, a small red disk, on white."""
    picture = Image.new("RGB", (240, 160), WHITE)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((10, 20, 79, 139), fill=RED)
    draw.rectangle((80, 20, 149, 139), fill=BLUE)
    draw.ellipse((180, 50, 220, 90), fill=PURPLE)
    draw.ellipse((200, 120, 212, 132), fill=RED)
    return picture


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


def noisy(picture: Image.Image) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, 8, (picture.height, picture.width, 3))
    return Image.fromarray((np.asarray(picture) + noise).round().clip(0, 255).astype(np.uint8))


def blurred(picture: Image.Image) -> Image.Image:
    half = (picture.width // 2, picture.height // 2)
    return picture.resize(half, Image.Resampling.BICUBIC).resize(picture.size, Image.Resampling.BICUBIC)


@pytest.mark.parametrize(
    "spoil",
    [lambda p: as_jpeg(p, 60), lambda p: as_jpeg(p, 20), noisy, blurred, lambda p: as_jpeg(blurred(p), 50)],
    ids=["jpeg 60", "jpeg 20", "noise", "blurred", "blurred jpeg"],
)
def test_codes_are_snapped_to_the_maps_own_colors(spoil: Callable[[Image.Image], Image.Image]) -> None:
    exact = np.asarray(draw_map())
    regions = split_codes(read(spoil(draw_map())))
    assert len(regions) == 4
    areas = [float(guide.sum()) for guide in regions.values()]
    assert areas == sorted(areas, reverse=True) and sum(areas) == 240 * 160
    for code in (RED, BLUE, PURPLE, WHITE):
        color = match_color((code[0] / 255, code[1] / 255, code[2] / 255), list(regions))
        assert color is not None
        inside = torch.from_numpy((exact == code).all(2))
        wrong = float((regions[color][0, 0].bool() ^ inside).float().mean())
        assert wrong < 0.02, code


def test_a_border_has_no_third_color() -> None:
    """Between red and blue a blurred border is purple, which is a code elsewhere."""
    regions = split_codes(read(blurred(draw_map())))
    purple = next(guide for color, guide in regions.items() if match_color(color, [(0.49, 0.12, 0.47)]) is not None)
    assert float(purple[..., :170].sum()) == 0


def test_clean_codes_are_exact() -> None:
    regions = split_codes(read(draw_map()))
    assert {name_color(color) for color in regions} == {"#dc141e", "#1e28d2", "#7d1e78", "#ffffff"}
    exact = np.asarray(draw_map())
    for color, guide in regions.items():
        code = [round(255 * channel) for channel in color]
        assert torch.equal(guide[0, 0].bool(), torch.from_numpy((exact == code).all(2)))


def test_a_map_of_a_few_pixels_is_split_too() -> None:
    coded = torch.zeros(1, 3, 2, 3)
    coded[:, 0, :, 0] = 1
    regions = split_codes(coded)
    assert [name_color(color) for color in regions] == ["#000000", "#ff0000"]
    assert float(next(iter(regions.values())).sum()) == 4


def test_colors_match_the_nearest_that_is_near() -> None:
    assert match_color((1.0, 0.0, 0.05), [(0.9, 0.1, 0.1), (1.0, 0.0, 0.0)]) == (1.0, 0.0, 0.0)
    assert match_color((1.0, 0.0, 0.0), [(0.7, 0.0, 0.0)]) is None
    assert match_color((1.0, 0.0, 0.0), []) is None


def test_masks_of_every_kind_are_the_same(tmp_path: Path) -> None:
    inside = np.zeros((12, 20), bool)
    inside[3:9, 5:15] = True
    levels = inside.astype(np.uint8) * 255
    Image.fromarray(levels).save(tmp_path / "mask.png")
    white = np.full((12, 20), 255, np.uint8)
    transparent = Image.merge("RGBA", [Image.fromarray(white)] * 3 + [Image.fromarray(levels)])
    tensor = torch.from_numpy(inside)
    kinds = [
        tmp_path / "mask.png",
        str(tmp_path / "mask.png"),
        Image.fromarray(levels),
        Image.fromarray(levels).convert("1"),
        transparent,
        inside,
        levels,
        inside.astype(np.float64),
        np.stack([levels] * 3, axis=2),
        tensor,
        tensor.float(),
        tensor[None].float(),
        tensor[None, None].float(),
        tensor.float().repeat(3, 1, 1),
    ]
    for kind in kinds:
        mask = read(kind, 12, 20)
        assert torch.equal(to_levels(mask)[0, 0], tensor.float()) and mask.shape == (1, 3, 12, 20)
        assert not is_coded(mask)


def test_a_jpeg_of_black_and_white_is_black_and_white_again() -> None:
    picture = Image.new("L", (160, 160), 0)
    picture.paste(255, (0, 0, 160, 83))
    levels = to_levels(read(as_jpeg(picture.convert("RGB"), 75), 160, 160))
    assert float(levels[..., :70, :].min()) == 1
    assert float(levels[..., 100:, :].max()) == 0


def test_a_mask_of_another_aspect_is_refused_with_both_sizes() -> None:
    for size in ((100, 150), (100, 152), (9, 14)):  # exact; within the tolerance; within a pixel
        assert read(torch.ones(size), 200, 300).shape == (1, 3, *size)
    with pytest.raises(ImageSizeError, match="content_mask 1 is 160x100, .* the photograph 300x200, .* within 2%"):
        read(torch.ones(100, 160), 200, 300, "content_mask 1")
    with pytest.raises(ImageSizeError, match="style_mask 1 is 30x30, 1.000 to 1, and the style image 32x24, 1.333 to"):
        read_mask(torch.ones(30, 30), opaque(24, 32), name="style_mask 1", of="style image")


def test_an_empty_mask_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="style_mask 2 is empty") as caught:
        read(torch.full((100, 150), 0.02), 200, 300, "style_mask 2")
    assert "inverted" in caught.value.hint and caught.value.exit_code == 2
    Image.new("L", (32, 24), 5).save(tmp_path / "mask.png")
    with pytest.raises(MaskError, match=r"protect '.*mask.png' is empty: black or transparent everywhere"):
        read(tmp_path / "mask.png", 24, 32, "protect")
    with pytest.raises(MaskError):
        read(np.zeros((24, 32), dtype=bool), 24, 32)
    with pytest.raises(ImageReadError, match="does not exist"):
        read(tmp_path / "none.png", 24, 32)


def test_a_turned_mask_is_read_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    sideways = Image.fromarray((left(24, 32)[0, 0] * 255).byte().numpy()).rotate(90, expand=True)
    sideways.save(tmp_path / "mask.png", exif=exif)
    assert torch.equal(to_levels(read(tmp_path / "mask.png", 24, 32)), left(24, 32))


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


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_of_the_stored_pixels_is_turned_like_its_picture(
    orientation: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    generator = np.random.default_rng(0)
    stored = Image.fromarray(generator.integers(0, 2, (30, 40), np.uint8) * 255)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.convert("RGB").save(tmp_path / "photo.png", exif=exif)
    photo = tmp_path / "photo.png"
    upright = read(photo, 40, 30)
    assert upright.shape == (1, 3, 40, 30)
    picture = read_picture(photo)
    assert picture.orientation == orientation and read_picture(Image.open(photo)).orientation == orientation
    with caplog.at_level(logging.WARNING):
        assert torch.equal(read_mask(stored, picture, name="mask").image, upright)
    assert "mask lies on its side" in caplog.text and "turned as the picture's EXIF says" in caplog.text
    # One with its own EXIF, or drawn upright, stays as it is.
    assert torch.equal(read_mask(photo, picture, name="mask").image, upright)
    assert torch.equal(read_mask(upright[0], picture, name="mask").image, upright)
    with pytest.raises(ImageSizeError):
        read_mask(stored, read_picture(stored.resize((30, 40))), name="mask")


def _photograph() -> Tensor:
    return torch.rand(3, 60, 80, generator=torch.Generator().manual_seed(0)) * 0.6 + 0.2


def _mask(*, white: float = 1.0) -> Tensor:
    mask = torch.zeros(3, 60, 80)
    mask[:, :, 30:] = white
    return mask


@pytest.mark.parametrize(
    ("mask", "name", "words"),
    [
        (_photograph(), "only", "has colors.* did you paint on the photograph itself"),
        (_photograph().mean(0, keepdim=True).expand(3, -1, -1) * torch.ones(3, 1, 1), "protect", "is gray in"),
        (_photograph().mean(0), "content_mask 1", "is gray in"),
        (torch.cat([_photograph(), _mask()[:1]]), "only", "is transparent in part, .* expected white there"),
        (torch.cat([_mask(), _mask()[:1]]), "only", ""),  # white, and transparent elsewhere
        (_mask(), "only", ""),
        (_mask(white=0.5), "only", ""),
        (torch.linspace(0, 1, 80).expand(60, 80), "protect", ""),
        (torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1) * _mask(), "content_mask 1", ""),  # a color-coded map
    ],
)
def test_what_is_no_mask_gives_a_warning(
    mask: Tensor, name: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    read_mask(mask, opaque(60, 80), name=name)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == bool(words)
    assert not words or re.match(f"{name} {words}", messages[0])


def test_a_mask_that_is_not_there_is_explained() -> None:
    with pytest.raises(ImageReadError, match="only 'sky' does not exist.* A mask is a black and white picture"):
        read_mask("sky", opaque(60, 80), name="only")
    with pytest.raises(ImageReadError, match="Addresses are not read"):
        read_mask("https://example.org/sky.png", opaque(60, 80), name="only")

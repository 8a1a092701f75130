"""The sheet: where panels and labels land, and that nothing hides anything."""

import pytest
import torch
from PIL import ImageFont
from torch import Tensor

from impasto.experiments.sheet import GAP, compose_sheet

WHITE = torch.ones(3)


def color(value: float) -> Tensor:
    """Neither gray, as letters are, nor dark, as `ink` is."""
    return torch.tensor([value, 230 / 255, 230 / 255]).view(1, 3, 1, 1)


def flat(value: float, height: int = 40, width: int = 40) -> Tensor:
    return color(value).expand(1, 3, height, width)


def places_of(sheet: Tensor, value: float) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the one panel's color; the panel must be whole."""
    mine = (sheet - color(value))[0].abs().amax(dim=0) < 0.5 / 255
    rows, columns = torch.nonzero(mine.any(dim=1)).flatten(), torch.nonzero(mine.any(dim=0)).flatten()
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    assert mine[top:bottom, left:right].all()
    return top, bottom, left, right


def ink(region: Tensor) -> int:
    return int((region[0].mean(dim=0) < 0.5).sum())


def test_without_labels_the_sheet_is_panels_and_gaps() -> None:
    sheet = compose_sheet([[flat(0.2), flat(0.4)], [flat(0.6), flat(0.8)]], cell_size=40)
    assert sheet.shape == (1, 3, 2 * (40 + GAP) + GAP, 2 * (40 + GAP) + GAP)
    for value, top, left in ((51, 0, 0), (102, 0, 1), (153, 1, 0), (204, 1, 1)):
        at = places_of(sheet, value / 255)
        y, x = GAP + top * (40 + GAP), GAP + left * (40 + GAP)
        assert at == (y, y + 40, x, x + 40)


def test_a_panels_pixels_are_kept() -> None:
    panel = torch.randint(0, 256, (1, 3, 20, 40)) / 255
    sheet = compose_sheet([[panel]], cell_size=40)
    assert sheet.shape == (1, 3, 20 + 2 * GAP, 40 + 2 * GAP)
    torch.testing.assert_close(sheet[..., GAP : GAP + 20, GAP : GAP + 40], panel, atol=1e-6, rtol=0)


def test_panels_are_brought_to_one_long_edge() -> None:
    sheet = compose_sheet([[flat(0.2, 80, 60), flat(0.4, 10, 20)]], cell_size=40)
    top, bottom, left, right = places_of(sheet, 51 / 255)
    assert (bottom - top, right - left) == (40, 30)
    top, bottom, left, right = places_of(sheet, 102 / 255)
    assert (bottom - top, right - left) == (20, 40)


def test_an_empty_place_stays_paper_and_keeps_its_room() -> None:
    sheet = compose_sheet([[None, flat(0.2)], [flat(0.4), None]], cell_size=40)
    assert places_of(sheet, 51 / 255) == (GAP, GAP + 40, 2 * GAP + 40, 2 * GAP + 80)
    assert places_of(sheet, 102 / 255) == (2 * GAP + 40, 2 * GAP + 80, GAP, GAP + 40)
    assert torch.equal(sheet[0, :, GAP + 20, GAP + 20], WHITE)
    assert compose_sheet([[None]], cell_size=40).shape == (1, 3, 2 * GAP + 1, 2 * GAP + 1)


def test_rows_may_differ_in_length() -> None:
    sheet = compose_sheet([[flat(0.2)], [flat(0.4), flat(0.6)]], cell_size=40)
    assert sheet.shape[-1] == 2 * (40 + GAP) + GAP
    assert torch.equal(sheet[0, :, GAP + 20, 2 * GAP + 60], WHITE)


def test_labels_draw_ink_above_and_beside_their_panels() -> None:
    bare = compose_sheet([[flat(0.8), flat(0.9)]], cell_size=64)
    sheet = compose_sheet([[flat(0.8), flat(0.9)]], row_labels=["row"], column_labels=["one", "two"], cell_size=64)
    top, _, left, right = places_of(sheet, 204 / 255)
    assert ink(bare) == 0
    assert ink(sheet[..., :top, left:right]) > 10
    assert ink(sheet[..., :top, right + GAP :]) > 10
    assert ink(sheet[..., top:, :left]) > 10
    assert ink(sheet[..., :top, :left]) == 0
    assert ink(sheet[..., top:, left:]) == 0


@pytest.mark.parametrize(("height", "width"), [(64, 64), (16, 64), (64, 16)])
def test_long_labels_are_broken_and_hide_nothing(height: int, width: int) -> None:
    values = [[(60 * row + 20 * column + 90) / 255 for column in range(3)] for row in range(2)]
    long = "style_layers = conv1_1\nconv2_1\nconv3_1\nconv4_1\nconv5_1"
    sheet = compose_sheet(
        [[flat(value, height, width) for value in row] for row in values],
        row_labels=[long, "W" * 40],
        column_labels=["alpha/beta = 0.00001", "W" * 30, "several words\nand a line of its own"],
        cell_size=64,
    )
    at = [[places_of(sheet, value) for value in row] for row in values]
    for (top, bottom, left, right) in (place for row in at for place in row):
        assert (bottom - top, right - left) == (height, width)
    head, first = at[0][0][0], at[0][0][2]
    for column in range(3):  # each label ends before the next one begins
        begin = at[0][column][2]
        end = at[0][column + 1][2] if column < 2 else sheet.shape[-1]
        assert ink(sheet[..., :head, begin:end]) > 10
        assert ink(sheet[..., :head, end - GAP + 1 : end]) == 0
    below = at[1][0][0]
    assert ink(sheet[..., head : below - GAP, :first]) > 10
    assert ink(sheet[..., below - GAP + 1 : below, :first]) == 0
    assert ink(sheet[..., below:, :first]) > 10
    assert ink(sheet[..., -1:, :]) == 0
    assert ink(sheet[..., :, first - GAP + 1 : first]) == 0


def test_letters_grow_with_the_panels() -> None:
    small = compose_sheet([[flat(0.8, 64, 64)]], column_labels=["label"], cell_size=64)
    large = compose_sheet([[flat(0.8, 64, 64)]], column_labels=["label"], cell_size=400)
    assert ink(large) > 2 * ink(small)
    assert isinstance(ImageFont.load_default(size=13), ImageFont.FreeTypeFont)

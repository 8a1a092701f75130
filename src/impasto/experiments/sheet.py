"""A labelled sheet of pictures in rows and columns."""

import math
import textwrap
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from impasto.images.pixels import image_to_picture
from impasto.images.resize import resize_long_edge

GAP = 8
LINE = 1.25
INK, PAPER = (34, 34, 34), (255, 255, 255)


def compose_sheet(
    cells: Sequence[Sequence[Tensor | None]],
    *,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    cell_size: int = 256,
) -> Tensor:
    """Return the images in a labelled grid, (1, 3, H, W), each resized to a long edge of `cell_size`.

    cells: rows of images (1, 3, H, W) in [0, 1], sRGB; None leaves a cell empty. Labels: one a row, one a column, or
    none; long ones are wrapped, and a cell is at least as large as its label.
    """
    sized = [[None if cell is None else resize_long_edge(cell, cell_size) for cell in row] for row in cells]
    columns = max(len(row) for row in sized)
    by_column = [[row[c] for row in sized if c < len(row)] for c in range(columns)]
    widths = [max((cell.shape[-1] for cell in column if cell is not None), default=1) for column in by_column]
    heights = [max((cell.shape[-2] for cell in row if cell is not None), default=1) for row in sized]
    font = ImageFont.load_default(size=max(13, cell_size / 15))
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels bring FreeType
    line = round(font.size * LINE)
    letters = max(8, int(min(widths) / (font.size * 0.55)))
    rows_at = [_wrap_label(label, 18) for label in row_labels]
    tops = [_wrap_label(label, letters) for label in column_labels]
    for index, label in enumerate(tops[:columns]):
        widths[index] = max(widths[index], _length(label, font))
    for index, label in enumerate(rows_at[: len(sized)]):
        heights[index] = max(heights[index], line * len(label))
    left = GAP + max((_length(label, font) + GAP for label in rows_at), default=0)
    head = GAP + line * max((len(label) for label in tops), default=0) + (GAP if tops else 0)
    sheet = Image.new("RGB", (left + sum(widths) + GAP * columns, head + sum(heights) + GAP * len(sized)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for label, x in zip(tops, _places(left, widths), strict=False):
        _write(draw, x, GAP, label, font, line)
    for index, (row, y) in enumerate(zip(sized, _places(head, heights), strict=True)):
        if index < len(rows_at):
            _write(draw, GAP, y, rows_at[index], font, line)
        for cell, x in zip(row, _places(left, widths), strict=False):
            if cell is not None:
                sheet.paste(image_to_picture(cell), (x, y))
    return torch.from_numpy(np.array(sheet)).permute(2, 0, 1).unsqueeze(0).float() / 255


def _wrap_label(text: str, letters: int) -> list[str]:
    return [line for part in text.split("\n") for line in textwrap.wrap(part, letters) or [""]]


def _length(lines: Sequence[str], font: ImageFont.FreeTypeFont) -> int:
    return max((math.ceil(font.getlength(text)) for text in lines), default=0)


def _places(start: int, lengths: Sequence[int]) -> list[int]:
    return [start + sum(lengths[:index]) + GAP * index for index in range(len(lengths))]


def _write(
    draw: ImageDraw.ImageDraw, x: int, y: int, lines: Sequence[str], font: ImageFont.FreeTypeFont, line: int
) -> None:
    for index, text in enumerate(lines):
        draw.text((x, y + index * line), text, fill=INK, font=font)

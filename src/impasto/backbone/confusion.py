"""The confusion matrix as a picture: which class is taken for which."""

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from impasto.system.disk import replace_file

INK, PAPER = (34, 34, 34), (255, 255, 255)
BLUE, RED = (27, 108, 168), (200, 85, 61)


def draw_confusion(confusion: Tensor, classes: Sequence[str], path: Path) -> None:
    """Draw the matrix: a row a true class, a column the predicted one; the darker, the larger its share of the row."""
    counts = confusion.numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cell = max(2, min(26, 1600 // len(classes)))
    named = cell >= 12
    font = ImageFont.load_default(size=max(10, cell * 0.5))
    margin = 12 + (math.ceil(max(font.getlength(name) for name in classes)) if named else 0)
    edge = cell * len(classes)
    picture = Image.new("RGB", (margin + edge + 12, margin + edge + 12), PAPER)
    draw = ImageDraw.Draw(picture)
    for row in range(len(classes)):
        for column in range(len(classes)):
            share = float(shares[row, column])
            target = BLUE if row == column else RED
            # A root, so that a single mistake is seen.
            color = tuple(round(255 + (channel - 255) * share**0.5) for channel in target)
            x, y = margin + column * cell, margin + row * cell
            draw.rectangle((x, y, x + cell - 1, y + cell - 1), fill=color)
            if named and counts[row, column]:
                ink = PAPER if share > 0.4 else INK
                draw.text((x + cell / 2, y + cell / 2), str(counts[row, column]), fill=ink, font=font, anchor="mm")
    if named:
        for index, name in enumerate(classes):
            draw.text((margin - 6, margin + (index + 0.5) * cell), name, fill=INK, font=font, anchor="rm")
            label = Image.new("RGB", (margin - 6, cell), PAPER)
            ImageDraw.Draw(label).text((0, cell / 2), name, fill=INK, font=font, anchor="lm")
            picture.paste(label.rotate(90, expand=True), (margin + index * cell, 0))
    draw.rectangle((margin - 1, margin - 1, margin + edge, margin + edge), outline=INK)
    file = io.BytesIO()
    picture.save(file, "PNG")
    replace_file(path, file.getbuffer())

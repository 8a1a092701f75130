"""A training's curves as pictures: loss and share told by epoch, and the table of what is taken for what."""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from impasto.system.disk import replace_file

INK, PAPER, FAINT = (34, 34, 34), (255, 255, 255), (221, 221, 221)
BLUE, RED, GREEN = (27, 108, 168), (200, 85, 61), (45, 125, 70)

Line = Sequence[tuple[float, float]]


def draw_curves(trace: Sequence[Mapping[str, Any]], per_epoch: int, path: Path) -> None:
    """Draws losses, and below the share of held-out pictures told, by epoch. trace: the lines of a run."""
    train = [(line["step"] / per_epoch, line["loss"]) for line in trace if "loss" in line]
    # A mean over so many steps as make about two hundred points: single batches are noise.
    width = max(1, len(train) // 200)
    chunks = [train[start : start + width] for start in range(0, len(train), width)]
    means = [(chunk[-1][0], sum(loss for _, loss in chunk) / len(chunk)) for chunk in chunks]
    held_out = [(line["step"] / per_epoch, line["validation_loss"]) for line in trace if "validation_loss" in line]
    told = [(line["step"] / per_epoch, line["top_1"]) for line in trace if "top_1" in line]
    picture = Image.new("RGB", (800, 620), PAPER)
    epochs = max((x for x, _ in means + told), default=1.0)
    highest = max((y for _, y in means + held_out), default=1.0)
    _plot(picture, 20, epochs, highest, {"loss": (means, BLUE), "loss, held-out pictures": (held_out, RED)})
    _plot(picture, 320, epochs, 1.0, {"held-out pictures told, top-1": (told, GREEN)})
    _write(picture, path)


def draw_confusion(confusion: Tensor, classes: Sequence[str], path: Path) -> None:
    """Draws the table: a row a true class, a column what it was taken for; the darker, the larger share of the row."""
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
    _write(picture, path)


def _plot(
    picture: Image.Image,
    top: int,
    epochs: float,
    highest: float,
    lines: Mapping[str, tuple[Line, tuple[int, int, int]]],
) -> None:
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=14)
    left, right, bottom = 60, picture.width - 20, top + 250
    unit = _round_unit(highest / 4)
    lines_up = max(1, math.ceil(highest / unit - 1e-9))
    to_x: Callable[[float], float] = lambda x: left + (right - left) * x / epochs  # noqa: E731
    to_y: Callable[[float], float] = lambda y: bottom - (bottom - top) * y / (unit * lines_up)  # noqa: E731
    for index in range(lines_up + 1):
        y = to_y(unit * index)
        draw.line((left, y, right, y), fill=FAINT)
        draw.text((left - 8, y), f"{unit * index:g}", fill=INK, font=font, anchor="rm")
    step = max(1.0, _round_unit(epochs / 8))
    for index in range(math.floor(epochs / step) + 1):
        draw.text((to_x(step * index), bottom + 6), f"{step * index:g}", fill=INK, font=font, anchor="mt")
    draw.text((right, bottom + 24), "epoch", fill=INK, font=font, anchor="rt")
    for index, (name, (points, color)) in enumerate(lines.items()):
        placed = [(to_x(x), to_y(min(y, unit * lines_up))) for x, y in points]
        if len(placed) > 1:
            draw.line(placed, fill=color, width=2, joint="curve")
        for x, y in placed if len(placed) < 40 else ():
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=color)
        draw.text((left + 240 * index, bottom + 24), name, fill=color, font=font, anchor="lt")


def _round_unit(value: float) -> float:
    """The value rounded up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    return next(unit * power for unit in (1, 2, 5, 10) if unit * power >= value * (1 - 1e-9))


def _write(picture: Image.Image, path: Path) -> None:
    file = io.BytesIO()
    picture.save(file, "PNG")
    replace_file(path, file)

"""Draws a data set of textures, a folder a class, to train a small backbone on.

    python examples/texture_classes.py -o textures --classes 24 --per-class 200

Each picture has its own scale, rotation, colors, light and grain. The same seed gives the same pictures. All is drawn
here; nobody else has rights in them.
"""

import argparse
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Array = NDArray[np.float64]
Rng = np.random.Generator
Field = Callable[[Array, Array, Rng], Array]


def bump(x: Array, softness: float = 0.05) -> Array:
    """A square wave of period 1, in [0, 1], with soft edges."""
    return np.clip(0.5 + np.sin(2 * np.pi * x) / (2 * np.pi * softness), 0, 1)


def smooth_noise(u: Array, v: Array, rng: Rng) -> Array:
    """Random values on the integer grid, joined smoothly, in [0, 1]."""
    table = rng.random((64, 64))
    i, j = np.floor(u).astype(int), np.floor(v).astype(int)
    a, b = (x * x * (3 - 2 * x) for x in (u - i, v - j))
    at = lambda di, dj: table[(i + di) % 64, (j + dj) % 64]  # noqa: E731
    return (at(0, 0) * (1 - a) + at(1, 0) * a) * (1 - b) + (at(0, 1) * (1 - a) + at(1, 1) * a) * b


def fractal(u: Array, v: Array, rng: Rng, octaves: int = 5) -> Array:
    total = sum(0.5**k * smooth_noise(u * 2**k, v * 2**k, rng) for k in range(octaves))
    return np.clip((total / 1.9 - 0.2) / 0.6, 0, 1)


def nearest(u: Array, v: Array, rng: Rng, jitter: float) -> tuple[Array, Array, Array]:
    """Distances to the nearest and second nearest of jittered grid points, and a random value of the nearest."""
    table = rng.random((3, 64, 64))
    i, j = np.floor(u).astype(int), np.floor(v).astype(int)
    first, second, value = np.full(u.shape, 9.0), np.full(u.shape, 9.0), np.zeros(u.shape)
    for di in range(-2, 3):
        for dj in range(-2, 3):
            row, column = (i + di) % 64, (j + dj) % 64
            x = i + di + 0.5 + jitter * (table[0, row, column] - 0.5)
            y = j + dj + 0.5 + jitter * (table[1, row, column] - 0.5)
            d = np.hypot(u - x, v - y)
            closer = d < first
            second = np.where(closer, first, np.minimum(second, d))
            value = np.where(closer, table[2, row, column], value)
            first = np.minimum(first, d)
    return first, second, value


def edge(x: Array, width: float = 0.06) -> Array:
    return np.clip(x / width + 0.5, 0, 1)


def brick_lines(u: Array, v: Array, wide: float = 2.0, joint: float = 0.07) -> Array:
    row = np.floor(v)
    x, y = (u / wide + 0.5 * (row % 2)) % 1, v % 1
    return np.minimum(edge(np.minimum(x, 1 - x) * wide - joint), edge(np.minimum(y, 1 - y) - joint))


def zigzag(u: Array, v: Array) -> Array:
    return bump(v + np.abs((u % 2) - 1))


def hexagons(u: Array, v: Array) -> Array:
    distances = []
    for shift in (0.0, 0.5):
        x, y = (u + shift) % 1 - 0.5, (v / np.sqrt(3) + shift) % 1 - 0.5
        distances.append(np.maximum(np.abs(x), np.abs(x) / 2 + np.abs(y) * 1.5))
    return edge(0.44 - np.minimum(*distances))


def scales(u: Array, v: Array) -> Array:
    found = np.zeros(u.shape)
    for k in (1, 0, -1):
        row = np.floor(v) + k
        x, y = (u + 0.5 * (row % 2)) % 1 - 0.5, v - row
        inside = np.hypot(x, y - 0.5) < 0.75
        found = np.where(inside & (y > 0.2), np.clip(np.hypot(x, y - 0.5) / 0.75, 0, 1) ** 3, found)
    return found


def weave(u: Array, v: Array) -> Array:
    over = (np.floor(u) + np.floor(v)) % 2 == 0
    along, across = np.where(over, u % 1, v % 1), np.where(over, v % 1, u % 1)
    return np.sin(np.pi * along) * (0.55 + 0.45 * (np.abs(across - 0.5) < 0.38))


def herringbone(u: Array, v: Array) -> Array:
    side = np.floor(u / 2) % 2 == 0
    return np.minimum(bump(np.where(side, u + v, v - u) * 1.2), edge(np.abs(u / 2 % 1 - 0.5) * -2 + 0.95))


def tartan(u: Array, v: Array, rng: Rng) -> Array:
    bands = rng.random(6)
    one, two = bands[np.floor(u * 3).astype(int) % 6], bands[np.floor(v * 3).astype(int) % 6]
    return 0.5 * one + 0.5 * two + 0.1 * (bump(u * 6 + v * 6) - 0.5)


def triangles(u: Array, v: Array) -> Array:
    up = (u % 1) + (v % 1) < 1
    return np.where(up, 1.0, 0.0)


FIELDS: dict[str, Field] = {
    "stripes": lambda u, v, rng: bump(u),
    "waves": lambda u, v, rng: 0.5 + 0.5 * np.sin(2 * np.pi * (u + 0.35 * np.sin(v * 2))),
    "checks": lambda u, v, rng: bump(u / 2) * bump(v / 2) + (1 - bump(u / 2)) * (1 - bump(v / 2)),
    "triangles": lambda u, v, rng: triangles(u, v),
    "dots": lambda u, v, rng: edge(0.3 - np.hypot(u % 1 - 0.5, v % 1 - 0.5)),
    "scattered_dots": lambda u, v, rng: edge(0.28 - nearest(u, v, rng, 0.9)[0]),
    "rings": lambda u, v, rng: bump(np.hypot(u - u.mean(), v - v.mean())),
    "spiral": lambda u, v, rng: bump(
        np.hypot(u - u.mean(), v - v.mean()) + np.arctan2(v - v.mean(), u - u.mean()) * 3 / (2 * np.pi)
    ),
    "bricks": lambda u, v, rng: brick_lines(u, v * 1.2) * (0.7 + 0.3 * smooth_noise(u, v, rng)),
    "grid": lambda u, v, rng: np.minimum(edge(np.abs(u % 1 - 0.5) - 0.08), edge(np.abs(v % 1 - 0.5) - 0.08)),
    "tartan": lambda u, v, rng: tartan(u / 2, v / 2, rng),
    "zigzag": lambda u, v, rng: zigzag(u, v),
    "herringbone": lambda u, v, rng: herringbone(u, v),
    "hexagons": lambda u, v, rng: hexagons(u / 1.3, v / 1.3),
    "scales": lambda u, v, rng: scales(u, v),
    "weave": lambda u, v, rng: weave(u, v),
    "white_noise": lambda u, v, rng: rng.random(u.shape),
    "blobs": lambda u, v, rng: edge(smooth_noise(u, v, rng) - 0.5, 0.15),
    "clouds": lambda u, v, rng: fractal(u / 2.5, v / 2.5, rng),
    "marble": lambda u, v, rng: np.abs(np.sin(np.pi * (u / 2 + 2.5 * fractal(u / 3, v / 3, rng)))),
    "wood": lambda u, v, rng: (
        bump(u / 1.5 + 1.2 * smooth_noise(u / 3, v / 16, rng), 0.3) * 0.8 + 0.2 * smooth_noise(u * 6, v / 3, rng)
    ),
    "cells": lambda u, v, rng: nearest(u, v, rng, 1.0)[2],
    "cracks": lambda u, v, rng: edge(np.subtract(*nearest(u, v, rng, 1.0)[1::-1]) - 0.07),
    "bubbles": lambda u, v, rng: edge(np.abs(nearest(u, v, rng, 0.8)[0] - 0.38) * -1 + 0.06),
    "strokes": lambda u, v, rng: strokes(u.shape[0], rng, spread=0.2),
    "crossed_strokes": lambda u, v, rng: strokes(u.shape[0], rng, spread=np.pi),
}


def strokes(size: int, rng: Rng, spread: float) -> Array:
    """Short brush strokes, of about one direction or of any."""
    picture = Image.new("L", (2 * size, 2 * size), 128)
    draw = ImageDraw.Draw(picture)
    length, angle = rng.uniform(16, 40), rng.uniform(0, np.pi)
    width = max(2, round(length / rng.uniform(4, 7)))
    for _ in range(round(14 * size * size / (length * width))):
        x, y = rng.uniform(-length, 2 * size + length, 2)
        turn = angle + rng.uniform(-spread, spread)
        dx, dy = length * np.cos(turn), length * np.sin(turn)
        draw.line((x - dx, y - dy, x + dx, y + dy), fill=int(rng.integers(0, 256)), width=width)
    return np.asarray(picture.resize((size, size), Image.Resampling.BOX), dtype=np.float64) / 255


def draw_texture(name: str, size: int, rng: Rng) -> Image.Image:
    """One picture of the class."""
    period, angle = np.exp(rng.uniform(np.log(size / 14), np.log(size / 5))), rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:size, :size] - size * rng.uniform(0.3, 0.7, (2, 1, 1))
    u = (x * np.cos(angle) + y * np.sin(angle)) / period
    v = (y * np.cos(angle) - x * np.sin(angle)) / period
    if name not in ("rings", "spiral"):  # whose center stays in the picture
        u, v = u + rng.uniform(0, 50), v + rng.uniform(0, 50)
    pattern = FIELDS[name](u, v, rng)
    low, high = rng.random(3), rng.random(3)
    while np.abs(low - high).max() < 0.35:
        low, high = rng.random(3), rng.random(3)
    colors = low + (high - low) * pattern[..., None]
    light = 1 + rng.uniform(0, 0.25) * np.sin(x / size * 2 + rng.uniform(0, 6))[..., None]
    grain = rng.normal(0, rng.uniform(0, 0.03), pattern.shape)[..., None]
    return Image.fromarray(np.round(np.clip(colors * light + grain, 0, 1) * 255).astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True, help="the folder of class folders")
    parser.add_argument("--classes", type=int, default=len(FIELDS), help=f"how many, at most {len(FIELDS)}")
    parser.add_argument("--per-class", type=int, default=200, help="pictures a class")
    parser.add_argument("--size", type=int, default=128, help="edge in pixels")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if not 1 <= arguments.classes <= len(FIELDS):
        parser.error(f"--classes is {arguments.classes}; expected 1 to {len(FIELDS)}")
    for name in list(FIELDS)[: arguments.classes]:
        folder = arguments.output / name
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(arguments.per_class):
            rng = np.random.default_rng((arguments.seed, zlib.crc32(name.encode()), index))
            draw_texture(name, arguments.size, rng).save(folder / f"{index:04}.png")
        print(f"{folder}: {arguments.per_class} pictures")


if __name__ == "__main__":
    main()

"""The tiles of a picture: cut out with a margin around them, and the inner parts put together again."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from impasto.features.receptive_field import GRID, stride_of


@dataclass(frozen=True, slots=True)
class Span:
    """The rows or the columns of a tile, in pixels: inner part [start, stop), with margins [low, high).

    length: of the whole picture's side. Below 0 and from `length` on, pixels wrap around.
    """

    start: int
    stop: int
    low: int
    high: int
    length: int

    def pieces(self) -> Iterator[slice]:
        """Yield the tile's pixels, margins included, as slices of the picture's side."""
        at = self.low
        while at < self.high:
            place = at % self.length
            size = min(self.length - place, self.high - at)
            yield slice(place, place + size)
            at += size

    def positions(self, stride: int) -> slice:
        """Return the inner part's positions in the whole picture's features."""
        return slice(self.start // stride, self.stop // stride)

    def share(self, stride: int) -> float:
        """Return the inner part's share of the side's positions."""
        part = self.positions(stride)
        return int(part.stop - part.start) / (self.length // stride)

    def inner(self, stride: int) -> slice:
        """Return the inner part's positions in the tile's features."""
        whole = self.positions(stride)
        return slice(whole.start - self.low // stride, whole.stop - self.low // stride)


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of the picture: rows and columns, each with inner part and margins."""

    rows: Span
    columns: Span

    def cut(self, image: Tensor) -> Tensor:
        """Return the tile's pixels, margins included. image: (B, C, H, W), the whole picture."""
        strips = [image[:, :, rows] for rows in self.rows.pieces()]
        strip = strips[0] if len(strips) == 1 else torch.cat(strips, dim=2)
        parts = [strip[..., columns] for columns in self.columns.pieces()]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=3)

    def add(self, image: Tensor, part: Tensor) -> None:
        """Add the tile's pixels, margins included, to the whole picture's, in place."""
        down = 0
        for rows in self.rows.pieces():
            across = 0
            height = rows.stop - rows.start
            for columns in self.columns.pieces():
                width = columns.stop - columns.start
                image[:, :, rows, columns] += part[:, :, down : down + height, across : across + width]
                across += width
            down += height

    def inner(self, features: Tensor, layer: str) -> Tensor:
        """Return the inner part of the tile's features, (B, C, h, w), of a layer."""
        rows, columns = self.rows.inner(stride_of(layer)), self.columns.inner(stride_of(layer))
        inner: Tensor = _Inner.apply(features, rows, columns)  # type: ignore[no-untyped-call]
        assert inner.shape[2:] == (rows.stop - rows.start, columns.stop - columns.start), "the tile is too small"
        return inner

    def part(self, whole: Tensor, layer: str) -> Tensor:
        """Return the tile's inner part of a map of the whole picture at a layer's positions, (B, C, h, w)."""
        stride = stride_of(layer)
        return whole[:, :, self.rows.positions(stride), self.columns.positions(stride)]

    @property
    def corner(self) -> tuple[int, int]:
        """Row and column of the inner part's first pixel, which identifies a tile of a picture."""
        return self.rows.start, self.columns.start

    def share(self, layer: str) -> float:
        """Return the inner part's share of a layer's positions in the whole picture; those of all tiles sum to 1."""
        return self.rows.share(stride_of(layer)) * self.columns.share(stride_of(layer))


class _Inner(torch.autograd.Function):
    """A slice of features whose gradient, with zeros around it, has the features' own memory layout.

    The gradient that autograd derives has another layout, and adding it takes a fifth of an evaluation
    (docs/experiments.md, "Exact tiles").
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, rows: slice, columns: slice) -> Tensor:
        ctx.whole, ctx.place = features.shape, (rows, columns)
        return features[:, :, rows, columns].contiguous(memory_format=torch.channels_last)

    @staticmethod
    def backward(ctx: Any, derivative: Tensor) -> tuple[Tensor, None, None]:
        gradient = torch.empty(
            ctx.whole, dtype=derivative.dtype, device=derivative.device, memory_format=torch.channels_last
        ).zero_()
        gradient[:, :, ctx.place[0], ctx.place[1]] = derivative
        return gradient, None, None


def cut_tiles(size: tuple[int, int], inner: int, margin: int, padding: str) -> tuple[Tile, ...]:
    """Return tiles of about `inner` pixels a side that partition a picture, row by row.

    size: (height, width). margin: pixels around the inner part, a multiple of 16. padding: the network's; where it
    wraps around, so do the margins; else they end at the picture's border, where the network pads as for the whole.
    """
    rows, columns = _cut_sides(size, inner, margin, padding)
    return tuple(Tile(down, across) for down in rows for across in columns)


def largest_tile(size: tuple[int, int], inner: int, margin: int, padding: str) -> int:
    """Return the number of pixels of the largest of `cut_tiles`, margins included."""
    height, width = (max(span.high - span.low for span in side) for side in _cut_sides(size, inner, margin, padding))
    return height * width


def _cut_sides(
    size: tuple[int, int], inner: int, margin: int, padding: str
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    assert margin % GRID == 0
    return (
        _cut_side(size[0], inner, margin, padding == "wrap"),
        _cut_side(size[1], inner, margin, padding in ("wrap", "wrap-x")),
    )


def _cut_side(length: int, inner: int, margin: int, wraps: bool) -> tuple[Span, ...]:
    units = length // GRID
    count = min(-(-length // inner), units)
    # A side that does not pool evenly wraps around differently in every block, so it stays whole.
    if count <= 1 or (wraps and length % GRID):
        return (Span(0, length, 0, length, length),)
    edges = [*(GRID * (units * index // count) for index in range(count)), length]
    spans = []
    for start, stop in pairwise(edges):
        low, high = start - margin, stop + margin
        spans.append(Span(start, stop, *((low, high) if wraps else (max(low, 0), min(high, length))), length))
    return tuple(spans)

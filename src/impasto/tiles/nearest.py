"""The style loss "nearest" in tiles: hypercolumns on the picture's grid, matched every few evaluations."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from impasto.features.receptive_field import GRID, reach, stride_of
from impasto.features.tiling import Span, Tile
from impasto.losses.nearest import (
    CONTENT_SHARE,
    REMATCH,
    Guides,
    draw_places,
    guide_of,
    guided_places,
    match_rows,
    matched_distance,
    price_vectors,
    scale_energy,
    style_candidates,
    style_order,
    unit_rows,
)
from impasto.recipe.layers import column_layer

View = Callable[[], Iterable[tuple[Tile, Mapping[str, Tensor]]]]
"""Computes a picture's features tile by tile: each tile with its features, margins included. Can be called again."""


def column_margin(layers: Sequence[str], network: Sequence[str], grid: str) -> int:
    """Return the pixels that a tile needs around its inner part for exact hypercolumns: a multiple of 16.

    The grids of two layers differ by less than a position where a side pools unevenly, and enlarging needs a neighbor.
    """
    pixels = max(reach(layer, network) + 2 * max(stride_of(layer), stride_of(grid)) for layer in layers)
    return -(-pixels // GRID) * GRID


def tile_columns(features: Mapping[str, Tensor], tile: Tile, scales: Mapping[str, float], grid: str) -> Tensor:
    """Return the hypercolumns of a tile's inner part, as `NearestStyle.columns` of the whole picture.

    features: those of the tile, margins included. scales: {layer: factor}, shallow to deep. Returns (1, C, h, w).
    """
    return torch.cat([_to_grid(features[layer], tile, layer, grid) * scale for layer, scale in scales.items()], dim=1)


def _to_grid(features: Tensor, tile: Tile, layer: str, grid: str) -> Tensor:
    if stride_of(layer) == stride_of(grid):
        return tile.inner(features, layer)
    # The whole picture's rule is chosen by its width.
    enlarged = tile.columns.length // stride_of(layer) < tile.columns.length // stride_of(grid)
    down, rows = _resampling(tile.rows, layer, grid, enlarged, features)
    across, columns = _resampling(tile.columns, layer, grid, enlarged, features)
    return torch.einsum("ih,bchw,jw->bcij", down, features[:, :, rows, columns], across)


def _resampling(span: Span, layer: str, grid: str, enlarged: bool, like: Tensor) -> tuple[Tensor, slice]:
    """Return the weights of the layer's positions for each inner position of the grid, (inner, layer), and their slice.

    As interpolate (bilinear) or adaptive_avg_pool2d do it for the whole side.
    """
    n, m = span.length // stride_of(layer), span.length // stride_of(grid)
    inner = span.positions(stride_of(grid))
    at, places = torch.arange(inner.start, inner.stop).unsqueeze(1), torch.arange(n).unsqueeze(0)
    if enlarged:
        source = ((at.double() + 0.5) * n / m - 0.5).clamp(0, n - 1)
        weights = (1 - (source - places).abs()).clamp_min(0)
    else:
        inside = ((places >= at * n // m) & (places < -(-(at + 1) * n // m))).double()
        weights = inside / inside.sum(1, keepdim=True)
    used = (weights > 0).any(0).nonzero()
    first, last = int(used[0]), int(used[-1]) + 1
    low = span.low // stride_of(layer)
    assert low <= first and last <= span.high // stride_of(layer), "the margin is too small"
    return weights[:, first:last].to(like), slice(first - low, last - low)


class TiledNearest:
    """`NearestStyle` with style, photograph and picture computed tile by tile."""

    def __init__(
        self,
        style: View,
        content: View | None,
        weights: Mapping[str, float],
        seed: int,
        style_guide: Guides = None,
        guide: Guides = None,
        proportions: float = 1.0,
        grid: str | None = None,
    ) -> None:
        """weights, seed, guides, proportions, grid: as for `NearestStyle`."""
        energies = dict.fromkeys(weights, 0.0)
        for tile, features in style():
            for layer in weights:
                inner = tile.inner(features[layer], layer)
                if style_guide is not None:
                    energies[layer] += float((inner.square() * tile.part(style_guide[layer], layer)).sum())
                    continue
                energies[layer] += float(inner.square().mean()) * inner.shape[1] * tile.share(layer)
        self.scales = {layer: scale_energy(energies[layer], weight) for layer, weight in weights.items()}
        self.grid = column_layer(tuple(weights)) if grid is None else grid
        self.guide = guide_of(guide, self.grid)
        self.seed = seed
        self.proportions = proportions
        own_guide = guide_of(style_guide, self.grid)
        self.mean = mean = self._mean_columns(style, own_guide)
        columns = ((tile, tile_columns(features, tile, self.scales, self.grid)) for tile, features in style())
        candidates = None if own_guide is None else style_candidates(own_guide, proportions)
        self.vectors = self._gather(((tile, unit_rows(part, mean)) for tile, part in columns), candidates, style_order)
        self._content = content
        self._content_mean = None if content is None else self._mean_columns(content, self.guide)
        self._matches: dict[tuple[int, int], Tensor] = {}
        self._age = 0

    def refresh(self, picture: View) -> None:
        """Count an evaluation, and match the picture again every REMATCH evaluations, as `NearestStyle.match`."""
        if self._matches and self._age < REMATCH:
            self._age += 1
            return
        mean = self._mean_columns(picture, self.guide)
        places = None if self.guide is None else guided_places(self.guide)
        drawn = self._gather(self._queries(picture, mean), places, draw_places)
        prices = self.proportions * price_vectors(drawn, self.vectors)
        for tile, query in self._queries(picture, mean):
            if self.guide is not None:
                query = query[guided_places(tile.part(self.guide, self.grid))]
            self._matches[tile.corner] = match_rows(query, self.vectors, prices)
        self._age = 1

    def _queries(self, picture: View, mean: Tensor) -> Iterator[tuple[Tile, Tensor]]:
        """Yield the tiles of a picture, each with what is matched at all its places, (places, C)."""
        contents = iter(self._content()) if self._content is not None else None
        for tile, features in picture():
            query = unit_rows(tile_columns(features, tile, self.scales, self.grid), mean)
            if contents is not None and self._content_mean is not None:
                content = unit_rows(tile_columns(next(contents)[1], tile, self.scales, self.grid), self._content_mean)
                query = CONTENT_SHARE * content + (1 - CONTENT_SHARE) * query
            yield tile, query

    def state_dict(self) -> dict[str, Any]:
        """As `NearestStyle.state_dict`."""
        return {"matches": [[*corner, match] for corner, match in self._matches.items()], "age": self._age}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """As `NearestStyle.load_state_dict`; the tiles must be the same."""
        self._matches = {(row, column): match for row, column, match in state["matches"]}
        self._age = state["age"]

    def addend(self, features: Mapping[str, Tensor], tile: Tile) -> Tensor:
        """Return the tile's addend to `nearest_distance`. features: those of the tile, margins included."""
        columns = tile_columns(features, tile, self.scales, self.grid)
        mean, matched = (part.to(columns.device) for part in (self.mean, self.vectors[self._matches[tile.corner]]))
        if self.guide is not None:
            return matched_distance(columns, mean, matched, tile.part(self.guide, self.grid).to(columns.device))
        return tile.share(self.grid) * matched_distance(columns, mean, matched, None)

    def _mean_columns(self, view: View, guide: Tensor | None) -> Tensor:
        mean: Tensor | float = 0.0
        for tile, features in view():
            columns = tile_columns(features, tile, self.scales, self.grid)
            if guide is None:
                mean = mean + tile.share(self.grid) * columns.mean((2, 3), keepdim=True)
            else:
                mean = mean + (columns * tile.part(guide, self.grid)).sum((2, 3), keepdim=True)
        assert isinstance(mean, Tensor)
        return mean

    def _gather(
        self, rows: Iterable[tuple[Tile, Tensor]], known: Tensor | None, draw: Callable[[int, int], Tensor]
    ) -> Tensor:
        """Return the rows, (n, C), of the places that `draw` chooses, in its order.

        rows: each tile with those of its inner places, (places, C). known: the indices of the places to choose from;
        None: all. draw: their number and the seed -> indices of some of them.
        """
        sample: Tensor | None = None
        slots = torch.empty(0, dtype=torch.int64)
        for tile, own in rows:
            stride = stride_of(self.grid)
            height, width = tile.rows.length // stride, tile.columns.length // stride
            if sample is None:
                known = torch.arange(height * width) if known is None else known.cpu()
                order = known[draw(len(known), self.seed)]
                sample = own.new_empty(len(order), own.shape[1])
                slots = torch.full((height * width,), -1)
                slots[order] = torch.arange(len(order))
            places = slots.view(height, width)[tile.rows.positions(stride), tile.columns.positions(stride)].flatten()
            chosen = (places >= 0).nonzero().flatten()
            sample[places[chosen].to(own.device)] = own[chosen.to(own.device)]
        assert sample is not None
        return sample

"""Each place of the picture pulled to the place of the style that is most like it."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

STYLE_VECTORS = 16384
"""Style vectors kept, drawn at random from all positions where there are more."""

REMATCH = 25
"""Evaluations between two matchings: the objective stays smooth for L-BFGS, and a matching costs as much as one."""

CONTENT_SHARE = 0.5
"""Share of the photograph in what is matched. Less paints more freely and loses the drawing (docs/experiments.md)."""

_CHUNK = 2048

Guides = Mapping[str, Tensor] | None
"""Weights of positions by layer, (1, 1, H, W), summing to 1, as `carry_guide` gives them; None: all are equal."""


class NearestStyle:
    """A style's feature vectors, and which of them each place of the picture is pulled to.

    Kolkin et al. 2022, "Neural Neighbor Style Transfer" (arXiv 2203.13215), sections 3.1 and 3.2: the vectors are
    hypercolumns, all layers at one place; each place takes the style vector of the largest centred cosine, and its
    distance is 1 - cosine. Differs: the layers are the recipe's, each with the same energy times its weight, on
    the grid of one of them; the picture is matched anew after every 25 evaluations, together with the photograph.
    """

    def __init__(
        self,
        style: Mapping[str, Tensor],
        content: Mapping[str, Tensor] | None,
        weights: Mapping[str, float],
        seed: int,
        style_guide: Guides = None,
        guide: Guides = None,
    ) -> None:
        """style, content: {layer: features (1, C, H, W)}; content None where there is no photograph, as in textures.
        weights: {layer: share of the energy}, shallow to deep. seed: of the vectors that are kept.
        style_guide, guide: {layer: weights of positions (1, 1, H, W)} of style and picture, or None for all equal."""
        layers, grid = tuple(weights), grid_layer(tuple(weights))
        self.scales = {
            layer: scale_energy(_energy(style[layer], at(style_guide, layer)), weights[layer]) for layer in layers
        }
        columns = self.columns(*(style[layer] for layer in layers))
        self.mean = mean_column(columns, at(style_guide, grid))
        vectors = unit_rows(columns, self.mean)
        if style_guide is not None:
            vectors = vectors[candidates(style_guide[grid]).to(vectors.device)]
        self.vectors = vectors[style_order(len(vectors), seed).to(vectors.device)]
        self.guide = at(guide, grid)
        self.content = None if content is None else self._centred(self.columns(*(content[layer] for layer in layers)))
        self._match: Tensor | None = None
        self._age = 0

    def columns(self, *features: Tensor) -> Tensor:
        """Hypercolumns: the layers' vectors at each place, one below the other.

        features: (1, C_l, H_l, W_l), in the order of the weights. Returns (1, sum of C_l, h, w), on the grid of the
        middle layer.
        """
        H, W = features[len(features) // 2].shape[-2:]
        scaled = [layer * scale for layer, scale in zip(features, self.scales.values(), strict=True)]
        return torch.cat([_to_grid(layer, (H, W)) for layer in scaled], dim=1)

    def match(self, columns: Tensor) -> Tensor:
        """The index of the nearest style vector for each place that counts, found anew once in a while."""
        if self._match is None or self._age >= REMATCH:
            query = self._centred(columns.detach())
            if self.content is not None:
                query = CONTENT_SHARE * self.content + (1 - CONTENT_SHARE) * query
            self._match, self._age = match_rows(query, self.vectors), 0
        self._age += 1
        return self._match

    def _centred(self, columns: Tensor) -> Tensor:
        rows = unit_rows(columns, mean_column(columns, self.guide))
        return rows if self.guide is None else rows[places_of(self.guide)]

    def state_dict(self) -> dict[str, Any]:
        """What the next evaluations need of those before: the match, and how often it was used."""
        return {"match": self._match, "age": self._age}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on as the one whose state it is, of the same style, photograph, weights and seed."""
        self._match, self._age = state["match"], state["age"]


def nearest_distance(columns: Tensor, style: NearestStyle) -> Tensor:
    """Mean over places of 1 - cosine to the matched style vector, centred by the style's mean; between 0 and 2.

    columns: (1, C, h, w), from `style.columns`. The match is held constant in the gradient.
    """
    matched = style.vectors[style.match(columns)]
    rows = unit_rows(columns, style.mean)
    return (1 - (rows * matched).sum(1)).mean() if style.guide is None else guided_miss(rows, matched, style.guide)


def guided_miss(rows: Tensor, matched: Tensor, guide: Tensor) -> Tensor:
    """Sum over the places that count of w (1 - cosine). rows: of all places. matched: unit vectors, of those places."""
    places = places_of(guide)
    return ((1 - (rows[places] * matched).sum(1)) * guide.flatten()[places]).sum()


def grid_layer(layers: Sequence[str]) -> str:
    """The layer whose positions the hypercolumns have."""
    return layers[len(layers) // 2]


def at(guides: Guides, layer: str) -> Tensor | None:
    """The guide of a layer, where there are any."""
    return None if guides is None else guides[layer]


def places_of(guide: Tensor) -> Tensor:
    """Indices, row by row, of the places of a weight above 0. guide: (1, 1, h, w)."""
    return guide.flatten().nonzero().flatten()


def candidates(guide: Tensor) -> Tensor:
    """Indices of the places that style vectors are taken from: of at least half of the largest weight."""
    return places_of((guide >= guide.max() / 2).float())


def mean_column(columns: Tensor, guide: Tensor | None) -> Tensor:
    """The mean over places, (1, C, 1, 1), by their weights."""
    if guide is None:
        return columns.mean(dim=(2, 3), keepdim=True)
    return (columns * guide).sum(dim=(2, 3), keepdim=True)


def style_order(count: int, seed: int) -> Tensor:
    """Which of the style's `count` places are kept, and in which order: all, or some at random where there are more."""
    if count <= STYLE_VECTORS:
        return torch.arange(count)
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))[:STYLE_VECTORS]


def match_rows(query: Tensor, vectors: Tensor) -> Tensor:
    """The index of the vector of the largest cosine for each row. query: (places, C). vectors: (count, C)."""
    # The largest of some thousand cosines needs no float32, and bfloat16 is four times as fast.
    lower = vectors.to(torch.bfloat16)
    parts = torch.split(query.to(torch.bfloat16), _CHUNK)
    return torch.cat([(part @ lower.T).argmax(1) for part in parts])


def scale_energy(energy: float, weight: float) -> float:
    """What brings features of this mean energy over places to the weight."""
    return (weight / energy) ** 0.5 if energy > 0 else 1.0


def _energy(features: Tensor, guide: Tensor | None) -> float:
    if guide is not None:
        return float((features.square() * guide).sum())
    return float(features.square().mean()) * features.shape[1]


def _to_grid(features: Tensor, grid: tuple[int, int]) -> Tensor:
    if tuple(features.shape[-2:]) == grid:
        return features
    if features.shape[-1] > grid[1]:
        return functional.adaptive_avg_pool2d(features, grid)
    return functional.interpolate(features, size=grid, mode="bilinear", align_corners=False)


def unit_rows(columns: Tensor, mean: Tensor) -> Tensor:
    """Unit vectors of the places, (h w, C), of hypercolumns (1, C, h, w) less a mean (1, C, 1, 1)."""
    return functional.normalize((columns - mean)[0].flatten(1).T, dim=1)

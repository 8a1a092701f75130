"""The statistic "nearest": the cosine distance of each place to the most similar place of the style."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from impasto.recipe.layers import column_layer

STYLE_VECTORS = 16384
"""Largest number of style vectors; where a style has more positions, they are drawn at random."""

REMATCH = 25
"""Evaluations between two matchings: L-BFGS needs a smooth objective, and a matching costs as much as an evaluation."""

CONTENT_SHARE = 0.5
"""Share of the photograph in the features matched. Less paints more freely and loses the drawing
(docs/experiments.md)."""

PRICE_PLACES = 2048
"""Largest number of places by which the prices of the style vectors are set; where there are more, drawn at random."""

PRICE_ROUNDS = 10
"""Rounds in which the prices are set; each goes PRICE_STEP of the way to an even use."""

PRICE_STEP = 0.5
"""Exponent of the use in a round's prices."""

PRICE_SOFTNESS = 0.02
"""Cosines closer than this are chosen alike while the prices are set."""

FLAT = 1e-3
"""Share of the mean hypercolumn's length below which a difference from it is rounding, which has no direction."""

_CHUNK = 512

Guides = Mapping[str, Tensor] | None
"""Weights of positions by layer, (1, 1, H, W), summing to 1, from `carry_guide`; None: all are equal."""


class NearestStyle:
    """The feature vectors of a style image, and the nearest of them for each place of the pastiche.

    Kolkin et al. 2022, "Neural Neighbor Style Transfer" (arXiv 2203.13215), sections 3.1 and 3.2: the vectors are
    hypercolumns, all layers at one place; each place takes the style vector of the largest centered cosine, and its
    distance is 1 - cosine. Differs: the layers are the recipe's, each with the same energy times its weight, on
    the grid of one of them; the picture is matched anew after every 25 evaluations, together with the photograph; a
    vector that is used often has a price (`price_vectors`), else a plain sky is one texture.
    """

    def __init__(
        self,
        style: Mapping[str, Tensor],
        content: Mapping[str, Tensor] | None,
        weights: Mapping[str, float],
        seed: int,
        style_guide: Guides = None,
        guide: Guides = None,
        proportions: float = 1.0,
        grid: str | None = None,
    ) -> None:
        """style, content: {layer: features (1, C, H, W)}; content None where there is no photograph, as in textures.
        weights: {layer: share of the energy}, shallow to deep. seed: of the random choice of vectors.
        style_guide, guide: {layer: weights of positions (1, 1, H, W)} of style and picture, or None for all equal.
        proportions: share of the prices that is paid. grid: one of the layers, whose places are matched; None: the
        middle one."""
        layers = tuple(weights)
        self.grid = column_layer(layers) if grid is None else grid
        self.scales = {
            layer: scale_energy(_energy(style[layer], guide_of(style_guide, layer)), weights[layer]) for layer in layers
        }
        columns = self.columns(*(style[layer] for layer in layers))
        self.mean = mean_column(columns, guide_of(style_guide, self.grid))
        vectors = unit_rows(columns, self.mean)
        if style_guide is not None:
            vectors = vectors[style_candidates(style_guide[self.grid], proportions).to(vectors.device)]
        self.vectors = vectors[style_order(len(vectors), seed).to(vectors.device)]
        self.guide = guide_of(guide, self.grid)
        self.content = None if content is None else self._centered(self.columns(*(content[layer] for layer in layers)))
        self.seed = seed
        self.proportions = proportions
        self._match: Tensor | None = None
        self._age = 0

    def columns(self, *features: Tensor) -> Tensor:
        """Return hypercolumns: the features of all layers at each place, stacked along the channels.

        features: (1, C_l, H_l, W_l), in the order of the weights. Returns (1, sum of C_l, h, w), on the grid of
        `self.grid`.
        """
        H, W = features[list(self.scales).index(self.grid)].shape[-2:]
        # Scaled on the small grid: the gradient of a reduction keeps what it was given, here features kept anyway.
        return torch.cat(
            [_to_grid(layer, (H, W)) * scale for layer, scale in zip(features, self.scales.values(), strict=True)],
            dim=1,
        )

    def match(self, columns: Tensor) -> Tensor:
        """Return the index of the nearest style vector for each place of a weight above 0, renewed at times."""
        if self._match is None or self._age >= REMATCH:
            query = self._centered(columns.detach())
            if self.content is not None:
                query = CONTENT_SHARE * self.content + (1 - CONTENT_SHARE) * query
            drawn = query[draw_places(len(query), self.seed).to(query.device)]
            prices = self.proportions * price_vectors(drawn, self.vectors)
            self._match, self._age = match_rows(query, self.vectors, prices), 0
        self._age += 1
        return self._match

    def _centered(self, columns: Tensor) -> Tensor:
        rows = unit_rows(columns, mean_column(columns, self.guide))
        return rows if self.guide is None else rows[guided_places(self.guide)]

    def state_dict(self) -> dict[str, Any]:
        """Return the match, and how often it was used: what later evaluations need of earlier ones."""
        return {"match": self._match, "age": self._age}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of a NearestStyle of the same style, photograph, weights and seed."""
        self._match, self._age = state["match"], state["age"]


def nearest_distance(columns: Tensor, style: NearestStyle) -> Tensor:
    """Return the mean over places of 1 - cosine to the matched style vector, centered by the style's mean: 0 to 2.

    columns: (1, C, h, w), from `style.columns`. The match is held constant in the gradient.
    """
    return matched_distance(columns, style.mean, style.vectors[style.match(columns)], style.guide)


def matched_distance(columns: Tensor, mean: Tensor, matched: Tensor, guide: Tensor | None) -> Tensor:
    """Return the mean over places of 1 - cosine, or with a guide the sum over its places of w (1 - cosine).

    columns: (1, C, h, w). mean: (1, C, 1, 1). matched: unit vectors, (places, C), of all places or of those with w > 0.
    """
    # The cosine is divided last: unit vectors would be one more copy of all columns, stored for the gradient.
    rows, lengths = _rows(columns, mean)
    if guide is None:
        return (1 - (rows * matched).sum(1) / lengths).mean()
    places = guided_places(guide)
    return ((1 - (rows[places] * matched).sum(1) / lengths[places]) * guide.flatten()[places]).sum()


def guide_of(guides: Guides, layer: str) -> Tensor | None:
    """Return the guide of a layer, or None where there are no guides."""
    return None if guides is None else guides[layer]


def guided_places(guide: Tensor) -> Tensor:
    """Return the indices, row by row, of the places of a weight above 0. guide: (1, 1, h, w)."""
    return guide.flatten().nonzero().flatten()


def style_candidates(guide: Tensor, proportions: float) -> Tensor:
    """Return the indices of the places that style vectors are taken from: of at least half of the largest weight.

    Below `proportions` 1 the weights are no masks alone, but shares too, and a twentieth is enough.
    """
    return guided_places((guide >= guide.max() / (2 if proportions == 1 else 20)).float())


def mean_column(columns: Tensor, guide: Tensor | None) -> Tensor:
    """Return the weighted mean over places, (1, C, 1, 1)."""
    if guide is None:
        return columns.mean(dim=(2, 3), keepdim=True)
    return (columns * guide).sum(dim=(2, 3), keepdim=True)


def style_order(count: int, seed: int) -> Tensor:
    """Return indices of the `count` places of a style: all, or STYLE_VECTORS of them at random where there are more."""
    return _draw(count, STYLE_VECTORS, seed)


def draw_places(count: int, seed: int) -> Tensor:
    """Return indices of the `count` places of a picture: all, or PRICE_PLACES of them at random if there are more."""
    return _draw(count, PRICE_PLACES, seed)


def _draw(count: int, most: int, seed: int) -> Tensor:
    if count <= most:
        return torch.arange(count)
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))[:most]


def match_rows(query: Tensor, vectors: Tensor, prices: Tensor) -> Tensor:
    """Return the index of the vector of the largest cosine less its price for each row.

    query: (places, C). vectors: (count, C). prices: (count,).
    """
    lower = vectors.to(torch.bfloat16)
    return torch.cat([(_cosines(part, lower) - prices).max(1).indices for part in torch.split(query, _CHUNK)])


def price_vectors(query: Tensor, vectors: Tensor) -> Tensor:
    """Return prices, (count,), at which all vectors are used about equally often: high where one is used too often.

    query: (places, C), at most PRICE_PLACES of them. vectors: (count, C), unit vectors. Some rounds of the dual ascent
    of an entropic transport from the places to the vectors, each of which has an equal share:
    v_j += a log(count mean_i p_ij), where p_ij ~ exp(c_ij - v_j), with cosines c and prices v in units of
    PRICE_SOFTNESS. It stops early: a place far from all unused vectors keeps its nearest one.
    """
    cosines = _cosines(query, vectors.to(torch.bfloat16))
    prices = cosines.new_zeros(len(vectors), dtype=torch.float32)
    for _ in range(PRICE_ROUNDS):
        used = torch.zeros_like(prices)
        for part in torch.split(cosines, _CHUNK // 2):
            used += torch.softmax(part / PRICE_SOFTNESS - prices, dim=1).sum(0)
        prices += PRICE_STEP * torch.log(used * (len(vectors) / len(query)) + 1e-3)
    return prices * PRICE_SOFTNESS


def share_vectors(style: NearestStyle, columns: Tensor, style_columns: Tensor, proportions: float) -> Tensor:
    """Return how often a picture takes each place of the style, (1, 1, h, w), 1 on average.

    u_j = count mean_i p_ij, where p_ij ~ exp((c_ij - proportions v_j) / PRICE_SOFTNESS), with the cosines c and the
    prices v of `price_vectors`: at 1 all places nearly as often, at 0 each place of the picture takes its nearest.
    columns, style_columns: hypercolumns of the picture and of the style, (1, C, h, w), from `style.columns`.
    proportions: share of the prices that is paid.
    """
    query, vectors = unit_rows(columns, style.mean), unit_rows(style_columns, style.mean)
    query = query[draw_places(len(query), style.seed).to(query.device)]
    prices = proportions * price_vectors(query, vectors)
    used = torch.zeros_like(prices)
    for part in torch.split(query, _CHUNK // 2):
        cosines = _cosines(part, vectors.to(torch.bfloat16))
        used += torch.softmax((cosines - prices) / PRICE_SOFTNESS, dim=1).sum(0)
    return (used * (len(vectors) / len(query))).view(1, 1, *style_columns.shape[-2:])


def _cosines(query: Tensor, lower: Tensor) -> Tensor:
    """Return the cosines, (places, count), of rows (places, C) with vectors (count, C), both of length 1, in bfloat16.

    The largest of some thousand cosines needs no float32, and bfloat16 is four times as fast.
    """
    return query.to(torch.bfloat16) @ lower.T


def scale_energy(energy: float, weight: float) -> float:
    """Return the factor that brings features of this mean energy over places to the weight."""
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
    """Return the unit vectors of all places, (h w, C), of hypercolumns (1, C, h, w) less a mean (1, C, 1, 1).

    Shorter than 1 where a column is within FLAT of the mean, as everywhere in a picture of one color.
    """
    rows, lengths = _rows(columns, mean)
    return rows / lengths.unsqueeze(1)


def _rows(columns: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    """Return the differences from the mean at all places, (h w, C), and their lengths, (h w,), or what FLAT allows."""
    rows = (columns - mean).permute(0, 2, 3, 1).flatten(0, 2)  # so that the gradient is channels-last, as features are
    least = (FLAT * torch.linalg.vector_norm(mean)).clamp_min(1e-12)
    return rows, torch.maximum(torch.linalg.vector_norm(rows, dim=1), least)

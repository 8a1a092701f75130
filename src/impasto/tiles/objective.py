"""The exact gradient of a picture whose features do not fit in memory: tile by tile, in two passes.

Pass one adds up, without gradients, what the losses need of the whole picture: means of descriptions and sums of local
losses. Pass two goes over the tiles again and back-propagates the derivatives of these sums.

Several devices share the tiles. Targets and sums are on the first; a tile's part of them is copied to its device.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from impasto.features.guides import Region
from impasto.features.receptive_field import GRID, margin
from impasto.features.tiling import Tile, cut_tiles
from impasto.features.vgg import Padding, Vgg, sort_layers
from impasto.losses.content import content_loss
from impasto.losses.nearest import Guides
from impasto.losses.objective import Describers, Objective, Term, identity, style_padding, sum_terms
from impasto.losses.protection import Protection
from impasto.losses.temporal import Temporal
from impasto.recipe.layers import column_layer, layer_weights
from impasto.recipe.recipe import Recipe, every_statistic
from impasto.tiles.device_scheduler import map_tiles
from impasto.tiles.memory_guard import MemoryGuard
from impasto.tiles.nearest import TiledNearest, View, column_margin
from impasto.tiles.spill import Spill

NO_GUARD = MemoryGuard()

Measure = Callable[[Tensor, Tile], Sequence[Tensor]]
"""A tile's pixels, margins included, and the tile -> the tile's addends to some sums over the picture, on the pixels'
device."""


class TiledObjective(Objective):
    """The same losses and the same gradient as `Objective`, with the features of one tile at a time in memory.

    The statistics must be means over positions (`Term.is_mean`), or "nearest".
    """

    def __init__(
        self,
        encoder: Vgg,
        recipe: Recipe,
        content_image: Tensor | None,
        style_images: Sequence[Tensor],
        regions: Sequence[Region] = (),
        protection: Protection | None = None,
        *,
        inner: int,
        devices: Sequence[torch.device] = (),
        guard: MemoryGuard = NO_GUARD,
        temporal: Temporal | None = None,
    ) -> None:
        """inner: pixels of a tile's side without its margins. devices: those that share the tiles, the encoder's first;
        none: the encoder's alone. guard: of the memory limit on the CPU. The rest as for `Objective`."""
        self.inner = inner
        self.guard = guard
        self.devices = tuple(devices) or (encoder.device,)
        self._encoders = {device: encoder.copy_to(device) for device in self.devices[1:]}
        self._encoders[self.devices[0]] = encoder
        self.margin = tile_margin(recipe, encoder.layer_names)
        self._spill = Spill()
        super().__init__(encoder, recipe, content_image, style_images, regions, protection, temporal=temporal)

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        size = (image.shape[-2], image.shape[-1])
        terms = [(group, term) for group, members in self.terms.items() for term in members]
        tv_weight, temporal = self.recipe.tv_weight, self.temporal

        def measure(part: Tensor, tile: Tile) -> list[Tensor]:
            features = self._features(part, tile, self.layers)
            addends = [addend for _, term in terms for addend in _addends(term, features, tile)]
            if tv_weight > 0:
                addends.append(tv_addend(part, tile, self.recipe.tv_normalization))
            return addends if temporal is None else [*addends, temporal.addend(part, tile)]

        if not terms and not tv_weight > 0 and temporal is None:
            return {"total": 0 * image.sum()}
        for _, term in terms:
            if isinstance(term.target, TiledNearest):
                term.target.refresh(self._view(image.detach(), term.layers))
        sums = iter(sum_over_tiles(image, self.tiles(size), measure, self.devices, self.guard.before_update))
        values: dict[str, list[Tensor]] = {}
        for group, term in terms:
            values.setdefault(group, []).append(term.factor * _distance(term, sums))
        named = {group: sum_terms(members) for group, members in values.items()}
        if tv_weight > 0:
            named["tv"] = tv_weight * next(sums)
        if temporal is not None:
            named["temporal"] = next(sums)
        return {**named, "total": sum_terms(named.values())}

    def tiles(self, size: tuple[int, int], padding: Padding | None = None) -> tuple[Tile, ...]:
        """Return the tiles of a picture of (height, width)."""
        return cut_tiles(size, self.inner, self.margin, padding or self.encoder.padding)

    def describe(self, image: Tensor, wanted: Describers, padding: Padding | None = None) -> dict[str, Any]:
        layers = sort_layers([layer for layer, _, _ in wanted.values()])
        sums: dict[str, Any] = {}

        def describe_tile(tile: Tile, device: torch.device) -> dict[str, Any]:
            features = _inner(self._features(tile.cut(image).to(device), tile, layers, padding), tile)
            return {
                name: _describe_inner(describe, features[layer], layer, guide, tile)
                for name, (layer, describe, guide) in wanted.items()
            }

        for _, parts in map_tiles(describe_tile, self.tiles((image.shape[-2], image.shape[-1]), padding), self.devices):
            for name, part in parts.items():
                sums[name] = _added(sums[name], part) if name in sums else part
        return sums

    def _content_terms(self, content_image: Tensor, content_weight: float) -> Iterator[Term]:
        recipe, layers = self.recipe, sort_layers(self.recipe.content_layers)
        weights = layer_weights(recipe.content_layers, recipe.content_layer_weights)
        silent = dict.fromkeys(layers, 0.0)
        for tile in self.tiles((content_image.shape[-2], content_image.shape[-1])):
            for layer, target in _inner(self._features(tile.cut(content_image), tile, layers), tile).items():
                self._spill.put((layer, *tile.corner), target)
                silent[layer] += float(self._content_addend(layer, None, torch.zeros_like(target), tile))
        for layer in layers:
            factor = content_weight * self.content_factor(weights[layer]) * self.relative_factor(silent[layer])
            addend = partial(self._content_addend, layer, weights[layer])
            yield Term(f"content {layer}", (layer,), factor, identity, addend, None, is_mean=False)

    def _nearest_target(
        self,
        weights: Mapping[str, float],
        content_image: Tensor | None,
        style_image: Tensor,
        guides: tuple[Guides, Guides],
    ) -> tuple[Callable[..., Any], TiledNearest]:
        layers = tuple(weights)
        style = self._view(style_image, layers, style_padding(self.recipe))
        content = None if content_image is None else self._view(content_image, layers)
        proportions = 1.0 if content is None else self.recipe.proportions
        grid = column_layer(tuple(weights), self.recipe.nearest_layer)
        return identity, TiledNearest(style, content, weights, self.recipe.seed, *guides, proportions, grid)

    def _view(self, image: Tensor, layers: Sequence[str], padding: Padding | None = None) -> View:
        def features_by_tile() -> Iterator[tuple[Tile, Mapping[str, Tensor]]]:
            for tile in self.tiles((image.shape[-2], image.shape[-1]), padding):
                with torch.no_grad():
                    features = self._features(tile.cut(image), tile, layers, padding)
                yield tile, features

        return features_by_tile

    def _features(
        self, part: Tensor, tile: Tile, layers: Sequence[str], padding: Padding | None = None
    ) -> dict[str, Tensor]:
        """Return the feature maps of a tile, on the device of its pixels. part: the pixels, margins included."""
        self.guard.before_tile(first=tile.corner == (0, 0))
        features: dict[str, Tensor] = self._encoders[part.device](part, layers, padding=padding)
        return features

    def _content_addend(self, layer: str, weight: float | None, features: Tensor, tile: Tile) -> Tensor:
        """Return the tile's addend to the content loss of a layer, of this weight; None: all positions are equal.

        features: those of the tile's inner part.
        """
        weights = None if weight is None else self.content_weights(layer, weight, tile)
        weights = None if weights is None else weights.to(features.device)
        target = self._spill.get((layer, *tile.corner), features.device)
        normalization = self.recipe.content_normalization
        loss = content_loss(features, target, normalization, weights)
        return loss if normalization == "sum" else tile.share(layer) * loss


def tile_margin(recipe: Recipe, network: Sequence[str]) -> int:
    """Return the pixels that a recipe's tiles have around their inner part."""
    statistics = every_statistic(recipe)
    columns = [
        column_margin(layers, network, column_layer(layers, recipe.nearest_layer))
        for name, layers in statistics
        if name == "nearest" and layers
    ]
    # A total variation needs one pixel more than the tile, and a recipe without layers has no margin.
    return max(margin(recipe.content_layers + recipe.style_layers, network), GRID, *columns)


def _inner(features: Mapping[str, Tensor], tile: Tile) -> dict[str, Tensor]:
    """Return the tile's inner part of each feature map."""
    return {layer: tile.inner(F, layer) for layer, F in features.items()}


def tv_addend(part: Tensor, tile: Tile, normalization: Literal["sum", "mean"]) -> Tensor:
    """Return the tile's addend to the picture's `tv_loss`: differences from inner pixels to the next ones.

    part: the tile's pixels, margins included.
    """
    rows, columns = tile.rows, tile.columns
    top, left = rows.start - rows.low, columns.start - columns.low
    bottom, right = top + rows.stop - rows.start, left + columns.stop - columns.start
    # One more row and column than the inner part, but not around the picture's border.
    below, beside = bottom + (rows.stop < rows.length), right + (columns.stop < columns.length)
    down = (part[:, :, top + 1 : below, left:right] - part[:, :, top : below - 1, left:right]).abs().sum()
    across = (part[:, :, top:bottom, left + 1 : beside] - part[:, :, top:bottom, left : beside - 1]).abs().sum()
    if normalization == "sum":
        return down + across
    H, W = rows.length, columns.length
    return down / max(3 * (H - 1) * W, 1) + across / max(3 * H * (W - 1), 1)


def sum_over_tiles(
    image: Tensor,
    tiles: Sequence[Tile],
    measure: Measure,
    devices: Sequence[torch.device],
    done: Callable[[], None] = lambda: None,
) -> tuple[Tensor, ...]:
    """Return the sums over the tiles of what `measure` returns, differentiable in the image, on its device.

    A device holds the graph of one tile at a time, and only in the backward pass, which measures every tile again.
    devices: those that share the tiles, the image's first; they do not change the order of summation.
    done: called after the backward pass.
    """
    sums: tuple[Tensor, ...] = _SumOverTiles.apply(image, tiles, measure, devices, done)  # type: ignore[no-untyped-call]
    return sums


class _SumOverTiles(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        image: Tensor,
        tiles: Sequence[Tile],
        measure: Measure,
        devices: Sequence[torch.device],
        done: Callable[[], None],
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(image)
        ctx.tiles, ctx.measure, ctx.devices, ctx.done = tiles, measure, devices, done

        def measure_tile(tile: Tile, device: torch.device) -> Sequence[Tensor]:
            return measure(tile.cut(image).to(device), tile)

        sums: list[Tensor] = []
        for _, addends in map_tiles(measure_tile, tiles, devices):
            sums = [a + b.to(a.device) for a, b in zip(sums, addends, strict=True)] if sums else list(addends)
        return tuple(sums)

    @staticmethod
    def backward(ctx: Any, *derivatives: Tensor) -> tuple[Tensor, None, None, None, None]:
        (image,) = ctx.saved_tensors
        gradient = torch.zeros_like(image)

        def differentiate_tile(tile: Tile, device: torch.device) -> Tensor | None:
            part = tile.cut(image).to(device).detach().requires_grad_()
            with torch.enable_grad():
                addends = ctx.measure(part, tile)
            needed = [(a, d.to(device)) for a, d in zip(addends, derivatives, strict=True) if a.requires_grad]
            if not needed:
                return None
            return torch.autograd.grad([a for a, _ in needed], part, [d for _, d in needed])[0]

        for tile, part_gradient in map_tiles(differentiate_tile, ctx.tiles, ctx.devices):
            if part_gradient is not None:
                tile.add(gradient, part_gradient.to(gradient.device))
        ctx.done()
        return gradient, None, None, None, None


def _addends(term: Term, features: Mapping[str, Tensor], tile: Tile) -> Sequence[Tensor]:
    if isinstance(term.target, TiledNearest):
        return (term.target.addend(features, tile),)
    (layer,) = term.layers
    inner = tile.inner(features[layer], layer)
    if not term.is_mean:
        return (term.distance(inner, tile),)
    scaled = _describe_inner(term.describe, inner, layer, term.guide, tile)
    return scaled if isinstance(scaled, tuple) else (scaled,)


def _distance(term: Term, sums: Iterator[Tensor]) -> Tensor:
    """Return the term's distance. sums: of the picture, from this term's first on."""
    if not term.is_mean:
        return next(sums)
    whole = tuple(next(sums) for _ in term.target) if isinstance(term.target, tuple) else next(sums)
    return term.distance(whole, term.target)


def _describe_inner(describe: Callable[..., Any], inner: Tensor, layer: str, guide: Tensor | None, tile: Tile) -> Any:
    """Return the tile's addend to a picture's description. inner: the layer's features of its inner part."""
    if guide is not None:
        return describe(inner, tile.part(guide, layer))
    description, share = describe(inner), tile.share(layer)
    return tuple(share * part for part in description) if isinstance(description, tuple) else share * description


def _added(one: Any, other: Any) -> Any:
    """Return the sum of two descriptions, on the device of the first."""
    return tuple(map(_added, one, other)) if isinstance(one, tuple) else one + other.to(one.device)

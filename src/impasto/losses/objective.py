"""The objective: the weighted sum of all losses of one image against fixed targets (eq. 5 and 7)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Literal

import torch
from torch import Tensor

from impasto.features.guides import Region
from impasto.features.tiling import Tile
from impasto.features.vgg import Padding, Vgg, sort_layers
from impasto.losses.content import content_loss
from impasto.losses.nearest import Guides, NearestStyle, guide_of, nearest_distance
from impasto.losses.protection import Protection
from impasto.losses.statistics import Statistic, build_statistics
from impasto.losses.style_regions import StyleRegion, list_style_regions
from impasto.losses.target_cache import TargetCache
from impasto.losses.temporal import Temporal
from impasto.losses.tv import tv_loss
from impasto.recipe.layers import column_layer, layer_weights
from impasto.recipe.recipe import Recipe, every_statistic
from impasto.recipe.words import split_statistic

CONTENT_BALANCE = 0.05
"""Content weight for a style weight of 1 at strength 0.5; chosen by eye, see docs/experiments.md."""

STRENGTH_STEEPNESS = 2
"""Power of (1 - s) / s in the ratio of the weights, which spreads the visible change over the whole of 0 to 1."""

Describers = Mapping[str, tuple[str, Callable[..., Any], Tensor | None]]
"""How to describe an image, by name: a layer, a function of its features (and guide) to a description, the guide."""


@dataclass(frozen=True, slots=True)
class Term:
    """One weighted loss of the features in some layers against one target.

    name: such as "gram conv3_1". describe: the layers' features -> a description. distance: a description and the
    target -> a scalar. is_mean: as of a Statistic. guide: weights of the positions, (1, 1, h, w); if given, it is the
    last argument of `describe`. silent: the weighted loss of a silent image, 0 where it is unknown.
    """

    name: str
    layers: tuple[str, ...]
    factor: float
    describe: Callable[..., Any]
    distance: Callable[[Any, Any], Tensor]
    target: Any
    is_mean: bool
    guide: Tensor | None = None
    silent: float = 0.0

    def value(self, features: Mapping[str, Tensor]) -> Tensor:
        """Return the weighted loss of features by layer, each (1, C, h, w), as a scalar."""
        guides = () if self.guide is None else (self.guide,)
        description = self.describe(*(features[layer] for layer in self.layers), *guides)
        return self.factor * self.distance(description, self.target)


class Objective:
    """L = alpha L_content + beta L_style + TV of an image, with its targets computed once.

    Gatys et al. 2015 (arXiv 1508.06576), eq. 7, and eq. 5: L_style = sum over layers of w_l E_l, for each statistic;
    several style images add, each with its share of `style_blend`. Differs: the total variation and the statistics
    beside the Gram matrix are not in the paper.

    With `strength` s the weights are alpha = CONTENT_BALANCE (1 - s)^k / n and beta = s^k / n, where
    n = (1 - s)^k + s^k and k = STRENGTH_STEEPNESS, and each layer's loss is first divided by its loss for a silent
    image, one whose features are all 0. Every term is then between 0 and about 1, and size, layer, normalization and
    the scale of the weights cancel.

    With regions, each has style terms of its own (`list_style_regions`).
    """

    def __init__(
        self,
        encoder: Vgg,
        recipe: Recipe,
        content_image: Tensor | None,
        style_images: Sequence[Tensor],
        regions: Sequence[Region] = (),
        protection: Protection | None = None,
        cache: TargetCache | None = None,
        temporal: Temporal | None = None,
    ) -> None:
        """content_image: (1, 3, H, W), of the pastiche's size, or None for no content loss. style_images: each
        (1, 3, h, w), at the size that the recipe's style_size means. All in [0, 1], sRGB, on the encoder's device.
        regions: with guides of these sizes; none: the whole picture. protection: where the content weight is larger.
        Both on that device too. cache: style targets of earlier pictures, to which this one's are added. temporal:
        earlier frames of a film, of the pastiche's size and on that device, from which it should not differ."""
        self.encoder = encoder
        self.recipe = recipe
        self.protection = protection
        self.cache = cache
        self.temporal = temporal
        # Several terms describe the same photograph or painting. Without a reference to self, which would be a cycle.
        self._encode = lru_cache(maxsize=2)(lambda image, layers, padding: encoder(image, layers, padding=padding))
        content_weight, style_weight = mixing_weights(recipe)
        self.terms: dict[str, list[Term]] = {}
        with torch.no_grad():
            if content_image is not None and recipe.content_layers and content_weight > 0:
                self.terms["content"] = list(self._content_terms(content_image, content_weight))
            if style_images and recipe.style_layers and style_weight > 0:
                self.terms["style"] = [
                    term
                    for region in list_style_regions(encoder, recipe, regions, len(style_images))
                    for term in self._style_terms(
                        content_image, [style_images[i] for i in region.styles], style_weight * region.share, region
                    )
                ]
        self._encode.cache_clear()
        members = [term for terms in self.terms.values() for term in terms]
        self.layers = sort_layers([layer for term in members for layer in term.layers])
        self.silent_loss = sum(term.silent for term in members)

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Return the weighted losses "content", "style", "tv", "temporal" in use, scalars, and "total", their sum.

        image: (1, 3, H, W) in [0, 1], sRGB, on the encoder's device; may require a gradient.
        """
        features = self.encoder(image, self.layers)
        sums = {name: sum_terms(term.value(features) for term in terms) for name, terms in self.terms.items()}
        if self.recipe.tv_weight > 0:
            sums["tv"] = self.recipe.tv_weight * tv_loss(image, self.recipe.tv_normalization)
        if self.temporal is not None:
            sums["temporal"] = self.temporal.loss(image)
        return {**sums, "total": sum_terms(sums.values()) if sums else 0 * image.sum()}

    def describe(self, image: Tensor, describers: Describers, padding: Padding | None = None) -> dict[str, Any]:
        """Return descriptions of an image, (1, 3, H, W), by name. padding: the encoder's own if left out."""
        features = self._encode(image, self._layers_of("style"), padding)
        return {
            name: describe(features[layer]) if guide is None else describe(features[layer], guide)
            for name, (layer, describe, guide) in describers.items()
        }

    def state_dict(self) -> dict[str, Any]:
        """Return what an evaluation needs of earlier ones: the matches of "nearest"."""
        return {"terms": [target.state_dict() for target in self._stateful_targets()]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of an objective of the same pictures and recipe."""
        for target, values in zip(self._stateful_targets(), state["terms"], strict=True):
            target.load_state_dict(values)

    def _stateful_targets(self) -> list[Any]:
        terms = [term for members in self.terms.values() for term in members]
        return [term.target for term in terms if hasattr(term.target, "state_dict")]

    def _content_terms(self, content_image: Tensor, content_weight: float) -> Iterator[Term]:
        features = self._encode(content_image, self._layers_of("content"), None)
        return self.content_terms({layer: features[layer] for layer in self.recipe.content_layers}, content_weight)

    def _layers_of(self, image: Literal["content", "style"]) -> tuple[str, ...]:
        """Return the layers in which the terms describe the photograph, or a painting."""
        statistics = every_statistic(self.recipe)
        described = [layer for name, layers in statistics if image == "style" or name == "nearest" for layer in layers]
        return sort_layers([*described, *(self.recipe.content_layers if image == "content" else ())])

    def content_terms(self, targets: Mapping[str, Tensor], content_weight: float) -> Iterator[Term]:
        """Yield the content terms for the features of a content image, {layer: (1, C, h, w)}."""
        recipe = self.recipe
        weights = layer_weights(recipe.content_layers, recipe.content_layer_weights)
        distance = partial(content_loss, normalization=recipe.content_normalization)
        for layer, target in targets.items():
            silent = float(distance(torch.zeros_like(target), target))
            factor = content_weight * self.content_factor(weights[layer]) * self.relative_factor(silent)
            weighted = partial(distance, weights=self.content_weights(layer, weights[layer]))
            silent *= factor
            yield Term(f"content {layer}", (layer,), factor, identity, weighted, target, is_mean=False, silent=silent)

    def _style_terms(
        self, content_image: Tensor | None, style_images: Sequence[Tensor], style_weight: float, region: StyleRegion
    ) -> Iterator[Term]:
        """Yield the terms of one region. style_images: those painted there. style_weight: the region's."""
        recipe = self.recipe
        weights = layer_weights(recipe.style_layers, recipe.style_layer_weights)
        by_name = build_statistics(recipe)
        chosen = map(split_statistic, region.statistic)
        statistics = [(name, factor, layers or recipe.style_layers) for name, factor, layers in chosen]
        described = [
            self._describe_style(image, _style_describers(statistics, by_name, guides))
            for image, guides in zip(style_images, region.style_guides, strict=True)
        ]
        for name, factor, layers in statistics:
            if name == "nearest":
                chosen_weights = {layer: weights[layer] for layer in layers}
                whole = style_weight * factor * sum(chosen_weights.values())
                for index, share in enumerate(region.blend):
                    if share > 0:
                        yield self._nearest_term(
                            whole * share, chosen_weights, content_image, style_images[index], region, index
                        )
                continue
            for layer in layers:
                guide = guide_of(region.guide, layer)
                statistic = by_name[name].for_guide(guide)
                targets, blend = [descriptions[f"{name} {layer}"] for descriptions in described], list(region.blend)
                if statistic.blend is not None:
                    targets, blend = [statistic.blend(targets, blend)], [1.0]
                silence = style_images[0].new_zeros(1, self.encoder.channels(layer), 1, 1)
                silent = statistic.describe(silence, *(() if guide is None else (guide.new_ones(1, 1, 1, 1),)))
                for target, share in zip(targets, blend, strict=True):
                    whole = style_weight * factor * weights[layer] * share
                    silent_loss = max(float(statistic.distance(silent, target)), statistic.least_silent(target))
                    whole *= self.relative_factor(silent_loss)
                    yield Term(
                        f"{name} {layer}{region.name}",
                        (layer,),
                        whole,
                        statistic.describe,
                        statistic.distance,
                        target,
                        statistic.is_mean,
                        guide,
                        whole * silent_loss,
                    )

    def _describe_style(self, image: Tensor, describers: Describers) -> Mapping[str, Any]:
        padding = style_padding(self.recipe)
        if self.cache is None or any(guide is not None for _, _, guide in describers.values()):
            return self.describe(image, describers, padding)
        # Of the recipe, descriptions depend on the statistics' names, their layers and the seed alone.
        names = tuple((name, layer) for name, (layer, _, _) in describers.items())
        settings = (self.encoder, padding, names, self.recipe.seed)
        return self.cache.get(settings, image, lambda: self.describe(image, describers, padding))

    def _nearest_term(
        self,
        factor: float,
        weights: Mapping[str, float],
        content_image: Tensor | None,
        style_image: Tensor,
        region: StyleRegion,
        index: int,
    ) -> Term:
        """Return the term "nearest" for the style image at `index` among those of the region."""
        layers, guides = tuple(weights), (region.style_guides[index], region.guide)
        describe, target = self._nearest_target(weights, content_image, style_image, guides)
        name = f"nearest {'+'.join(layers)}{region.name}"
        return Term(name, layers, factor, describe, nearest_distance, target, is_mean=False)

    def _nearest_target(
        self,
        weights: Mapping[str, float],
        content_image: Tensor | None,
        style_image: Tensor,
        guides: tuple[Guides, Guides],
    ) -> tuple[Callable[..., Any], Any]:
        """Return what describes the picture to "nearest", and its target. guides: of the style and of the picture."""
        style = self._encode(style_image, self._layers_of("style"), style_padding(self.recipe))
        content = None if content_image is None else self._encode(content_image, self._layers_of("content"), None)
        proportions = 1.0 if content is None else self.recipe.proportions
        grid = column_layer(tuple(weights), self.recipe.nearest_layer)
        target = NearestStyle(style, content, weights, self.recipe.seed, *guides, proportions, grid)
        return target.columns, target

    def content_factor(self, weight: float) -> float:
        """Return the factor of a content layer of this weight: 1 where its positions have weights of their own."""
        return weight if self.protection is None else 1.0

    def content_weights(self, layer: str, weight: float, tile: Tile | None = None) -> Tensor | None:
        """Return the weights of a layer's positions in the content loss, or of a tile's inner ones; None: all equal.

        The loss of a silent image is computed without them, so that protection changes nothing elsewhere.
        """
        return None if self.protection is None else self.protection.content_weights(layer, weight, tile)

    def relative_factor(self, silent: float) -> float:
        """Return 1 over the loss of a silent image where the recipe has a strength, else 1."""
        if self.recipe.strength is None:
            return 1.0
        # Of a black or flat target this loss is 0; its term is then taken as it is.
        return 1 / (silent or 1.0)


def _style_describers(
    statistics: Sequence[tuple[str, float, Sequence[str]]], by_name: Mapping[str, Statistic], guides: Guides
) -> Describers:
    """Return how to describe a style image for these statistics; "nearest" has its own `NearestStyle`."""
    return {
        f"{name} {layer}": (layer, by_name[name].for_guide(guide_of(guides, layer)).describe, guide_of(guides, layer))
        for name, _, layers in statistics
        if name in by_name
        for layer in layers
    }


def style_padding(recipe: Recipe) -> Padding:
    """Return the padding of the style image's convolutions: never wrapped, since its joint would be painted too."""
    return "reflect" if recipe.padding in ("wrap", "wrap-x") else recipe.padding


def identity(features: Tensor) -> Tensor:
    """Return the features themselves, the description that content terms compare."""
    return features


def mixing_weights(recipe: Recipe) -> tuple[float, float]:
    """Return alpha and beta of eq. 7: the recipe's weights, or those that its strength means."""
    if recipe.strength is None:
        return recipe.content_weight or 0.0, recipe.style_weight or 0.0
    content, style = (1 - recipe.strength) ** STRENGTH_STEEPNESS, recipe.strength**STRENGTH_STEEPNESS
    return content / (content + style) * CONTENT_BALANCE, style / (content + style)


def sum_terms(terms: Iterable[Tensor]) -> Tensor:
    """Return the sum of scalars."""
    return torch.stack(list(terms)).sum()

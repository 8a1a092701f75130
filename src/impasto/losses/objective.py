"""The objective: a named sum of losses of one image against fixed targets."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from impasto.features.guides import Region
from impasto.features.tiling import Tile
from impasto.features.vgg import Padding, Vgg, sort_layers
from impasto.losses.content import content_loss
from impasto.losses.descriptions import Descriptions
from impasto.losses.nearest import Guides, NearestStyle, at, nearest_distance
from impasto.losses.parts import Part, list_parts
from impasto.losses.protection import Protection
from impasto.losses.statistics import Statistic, build_statistics
from impasto.losses.tv import tv_loss
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import split_statistic

CONTENT_BALANCE = 0.05
"""Content weight for a style weight of 1 at strength 0.5; chosen by eye, see docs/experiments.md."""

STRENGTH_STEEPNESS = 2
"""Power of (1 - s) / s in the ratio of the weights: what spreads the visible change over the whole of 0 to 1."""


Wanted = Mapping[str, tuple[str, Callable[..., Any], Tensor | None]]
"""Descriptions of a picture by name: the layer, what makes a description of its features, and the guide, if any."""


@dataclass(frozen=True, slots=True)
class Term:
    """One loss of the picture's features in some layers against one target, and its factor in the sum.

    name: "gram conv3_1", for one. describe: the layers' features -> a description. distance: a description and the
    target -> a scalar. is_mean: as of a Statistic. guide: weights of the positions, (1, 1, h, w), which `describe` then
    takes after the features.
    """

    name: str
    layers: tuple[str, ...]
    factor: float
    describe: Callable[..., Any]
    distance: Callable[[Any, Any], Tensor]
    target: Any
    is_mean: bool
    guide: Tensor | None = None

    def value(self, features: Mapping[str, Tensor]) -> Tensor:
        guides = () if self.guide is None else (self.guide,)
        description = self.describe(*(features[layer] for layer in self.layers), *guides)
        return self.factor * self.distance(description, self.target)


class Objective:
    """L = alpha L_content + beta L_style + TV of an image, with its targets computed once.

    Gatys et al. 2015, eq. 5 and 7: L_style = sum over layers of w_l E_l, for each statistic; several style images add,
    each with its share of `style_blend`. Differs: the total variation and the other statistics are not in the paper.

    With `strength` s the weights are alpha = CONTENT_BALANCE (1 - s)^k / n and beta = s^k / n, where
    n = (1 - s)^k + s^k and k = STRENGTH_STEEPNESS, and each layer's loss is first
    divided by its loss for an image without any response (F = 0). Every term is then a share between 0 and
    about 1, and size, layer, normalisation and the scale of the weights cancel.

    With regions each part of the picture has style terms of its own (`list_parts`).
    """

    def __init__(
        self,
        encoder: Vgg,
        recipe: Recipe,
        content_image: Tensor | None,
        style_images: Sequence[Tensor],
        regions: Sequence[Region] = (),
        protection: Protection | None = None,
        known: Descriptions | None = None,
    ) -> None:
        """content_image: (1, 3, H, W), of the pastiche's size, or None where no content is wanted.
        style_images: each (1, 3, h, w), at the size that the recipe's style_size gives. All in [0, 1], sRGB, on the
        encoder's device. regions: with guides of these sizes; none: the picture is one. protection: where content
        counts more, if anywhere. Both on that device too. known: descriptions of style images, from the pictures
        before; it takes up this one's."""
        self.encoder = encoder
        self.recipe = recipe
        self.protection = protection
        self.known = known
        content_weight, style_weight = mixing_weights(recipe)
        self.terms: dict[str, list[Term]] = {}
        with torch.no_grad():
            if content_image is not None and recipe.content_layers and content_weight > 0:
                self.terms["content"] = list(self._content_terms(content_image, content_weight))
            if style_images and recipe.style_layers and style_weight > 0:
                parts = list_parts(encoder, recipe, regions, len(style_images))
                self.terms["style"] = [
                    term
                    for part in parts
                    for term in self._style_terms(
                        content_image, [style_images[i] for i in part.styles], style_weight * part.share, part
                    )
                ]
        self.layers = sort_layers([layer for terms in self.terms.values() for term in terms for layer in term.layers])

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """The weighted terms "content", "style" and "tv" that are in use, scalars, and "total", their sum.

        image: (1, 3, H, W) in [0, 1], sRGB, on the encoder's device; may require a gradient.
        """
        features = self.encoder(image, self.layers)
        sums = {name: sum_terms(term.value(features) for term in terms) for name, terms in self.terms.items()}
        if self.recipe.tv_weight > 0:
            sums["tv"] = self.recipe.tv_weight * tv_loss(image, self.recipe.tv_normalization)
        return {**sums, "total": sum_terms(sums.values()) if sums else 0 * image.sum()}

    def describe(self, image: Tensor, wanted: Wanted, padding: Padding | None = None) -> dict[str, Any]:
        """Descriptions of an image, (1, 3, H, W), by name. padding: the encoder's own if left out."""
        layers = sort_layers([layer for layer, _, _ in wanted.values()])
        features = self.encoder(image, layers, padding=padding)
        return {
            name: describe(features[layer]) if guide is None else describe(features[layer], guide)
            for name, (layer, describe, guide) in wanted.items()
        }

    def state_dict(self) -> dict[str, Any]:
        """What an evaluation needs of those before it, beside the pictures: the matches of "nearest"."""
        return {"terms": [target.state_dict() for target in self._remembering()]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on as the one whose state it is, built from the same pictures and recipe."""
        for target, kept in zip(self._remembering(), state["terms"], strict=True):
            target.load_state_dict(kept)

    def _remembering(self) -> list[Any]:
        terms = [term for members in self.terms.values() for term in members]
        return [term.target for term in terms if hasattr(term.target, "state_dict")]

    def _content_terms(self, content_image: Tensor, content_weight: float) -> Iterator[Term]:
        recipe = self.recipe
        weights = layer_weights(recipe.content_layers, recipe.content_layer_weights)
        distance = partial(content_loss, normalization=recipe.content_normalization)
        for layer, target in self.encoder(content_image, recipe.content_layers).items():
            silent = float(distance(torch.zeros_like(target), target))
            factor = content_weight * self.content_factor(weights[layer]) * self.share_of(silent)
            counted = partial(distance, weights=self.content_weights(layer, weights[layer]))
            yield Term(f"content {layer}", (layer,), factor, same, counted, target, is_mean=False)

    def _style_terms(
        self, content_image: Tensor | None, style_images: Sequence[Tensor], style_weight: float, part: Part
    ) -> Iterator[Term]:
        """The terms of one part of the picture. style_images: those of the part."""
        recipe = self.recipe
        weights = layer_weights(recipe.style_layers, recipe.style_layer_weights)
        known = build_statistics(recipe)
        chosen = map(split_statistic, part.statistic)
        statistics = [(name, factor, layers or recipe.style_layers) for name, factor, layers in chosen]
        described = [
            self._describe_style(image, _wanted(statistics, known, guides))
            for image, guides in zip(style_images, part.style_guides, strict=True)
        ]
        for name, factor, layers in statistics:
            if name == "nearest":
                chosen_weights = {layer: weights[layer] for layer in layers}
                whole = style_weight * factor * sum(chosen_weights.values())
                for index, share in enumerate(part.blend):
                    if share > 0:
                        yield self._nearest_term(
                            whole * share, chosen_weights, content_image, style_images[index], part, index
                        )
                continue
            for layer in layers:
                guide = at(part.guide, layer)
                statistic = known[name].of_part(guide)
                targets, blend = [descriptions[f"{name} {layer}"] for descriptions in described], list(part.blend)
                if statistic.blend is not None:
                    targets, blend = [statistic.blend(targets, blend)], [1.0]
                silence = style_images[0].new_zeros(1, self.encoder.channels(layer), 1, 1)
                silent = statistic.describe(silence, *(() if guide is None else (guide.new_ones(1, 1, 1, 1),)))
                for target, share in zip(targets, blend, strict=True):
                    whole = style_weight * factor * weights[layer] * share
                    whole *= self.share_of(float(statistic.distance(silent, target)))
                    yield Term(
                        f"{name} {layer}{part.name}",
                        (layer,),
                        whole,
                        statistic.describe,
                        statistic.distance,
                        target,
                        statistic.is_mean,
                        guide,
                    )

    def _describe_style(self, image: Tensor, wanted: Wanted) -> Mapping[str, Any]:
        padding = style_padding(self.recipe)
        if self.known is None or any(guide is not None for _, _, guide in wanted.values()):
            return self.describe(image, wanted, padding)
        # Of the recipe, statistics are described by their names, layers and seed alone.
        way = (self.encoder, padding, tuple((name, layer) for name, (layer, _, _) in wanted.items()), self.recipe.seed)
        return self.known.get(way, image, lambda: self.describe(image, wanted, padding))

    def _nearest_term(
        self,
        factor: float,
        weights: Mapping[str, float],
        content_image: Tensor | None,
        style_image: Tensor,
        part: Part,
        index: int,
    ) -> Term:
        """index: which of the part's styles it is."""
        layers = tuple(weights)
        style = self.encoder(style_image, layers, padding=style_padding(self.recipe))
        content = None if content_image is None else self.encoder(content_image, layers)
        target = NearestStyle(style, content, weights, self.recipe.seed, part.style_guides[index], part.guide)
        name = f"nearest {'+'.join(layers)}{part.name}"
        return Term(name, layers, factor, target.columns, nearest_distance, target, is_mean=False)

    def content_factor(self, weight: float) -> float:
        """The factor of a content layer of this weight: 1 where its positions are weighed one by one."""
        return weight if self.protection is None else 1.0

    def content_weights(self, layer: str, weight: float, tile: Tile | None = None) -> Tensor | None:
        """What each position, or of a tile each inner one, counts in the content loss; None where all count the same.
        The loss of an image without any response is taken without them, so that they change nothing elsewhere."""
        return None if self.protection is None else self.protection.content_weights(layer, weight, tile)

    def share_of(self, silent: float) -> float:
        """1 over the loss `silent` of an image without any response, where the recipe has a strength."""
        if self.recipe.strength is None:
            return 1.0
        # A black or flat picture may leave a layer without any response; its term then counts as it is.
        return 1 / (silent or 1.0)


def _wanted(
    statistics: Sequence[tuple[str, float, Sequence[str]]], known: Mapping[str, Statistic], guides: Guides
) -> Wanted:
    """What of a style image is described, by name and layer; "nearest" describes it by itself."""
    return {
        f"{name} {layer}": (layer, known[name].of_part(at(guides, layer)).describe, at(guides, layer))
        for name, _, layers in statistics
        if name in known
        for layer in layers
    }


def style_padding(recipe: Recipe) -> Padding:
    """The border of the style image's convolutions. A sample does not repeat: wrapped around, its joint would be part
    of its style, and be painted."""
    return "reflect" if recipe.padding in ("wrap", "wrap-x") else recipe.padding


def same(features: Tensor) -> Tensor:
    """The features themselves: what content is described by."""
    return features


def mixing_weights(recipe: Recipe) -> tuple[float, float]:
    """alpha and beta of eq. 7: the recipe's weights, or those that its strength stands for."""
    if recipe.strength is None:
        return recipe.content_weight or 0.0, recipe.style_weight or 0.0
    content, style = (1 - recipe.strength) ** STRENGTH_STEEPNESS, recipe.strength**STRENGTH_STEEPNESS
    return content / (content + style) * CONTENT_BALANCE, style / (content + style)


def sum_terms(terms: Iterable[Tensor]) -> Tensor:
    """Sum of scalars, shaped and typed as they are."""
    return torch.stack(list(terms)).sum()


def layer_weights(layers: Sequence[str], weights: Sequence[float]) -> dict[str, float]:
    """One weight a layer; equal ones, summing to 1, where none are given."""
    return dict(zip(layers, weights or (1 / len(layers),) * len(layers), strict=True))

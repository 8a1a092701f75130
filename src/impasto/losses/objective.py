"""The objective: a named sum of losses of one image against fixed targets."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from impasto.features.vgg import Vgg, sort_layers
from impasto.fields import split_statistic
from impasto.losses.content import content_loss
from impasto.losses.statistics import build_statistics
from impasto.losses.tv import tv_loss
from impasto.recipe import Recipe, check_blend

CONTENT_BALANCE = 0.05
"""Content weight for a style weight of 1 at strength 0.5; chosen by eye, see docs/experiments.md."""


@dataclass(frozen=True, slots=True)
class Term:
    """One layer's loss against one target, and its factor in the sum."""

    layer: str
    factor: float
    loss: Callable[[Tensor, Any], Tensor]
    target: Any

    def value(self, features: dict[str, Tensor]) -> Tensor:
        return self.factor * self.loss(features[self.layer], self.target)


class Objective:
    """L = alpha L_content + beta L_style + TV of an image, with its targets computed once.

    Gatys et al. 2015, eq. 5 and 7: L_style = sum over layers of w_l E_l, for each statistic; several style images add,
    each with its share of `style_blend`. Differs: the total variation and the other statistics are not in the paper.

    With `strength` s the weights are alpha = (1 - s) CONTENT_BALANCE and beta = s, and each layer's loss is first
    divided by its loss for an image without any response (F = 0). Every term is then a share between 0 and
    about 1, and size, layer, normalisation and the scale of the weights cancel.
    """

    def __init__(
        self, encoder: Vgg, recipe: Recipe, content_image: Tensor | None, style_images: Sequence[Tensor]
    ) -> None:
        """content_image: (1, 3, H, W), of the pastiche's size, or None where no content is wanted.
        style_images: each (1, 3, h, w), at the size that the recipe's style_size gives. All in [0, 1], sRGB, on the
        encoder's device."""
        self.encoder = encoder
        self.recipe = recipe
        content_weight, style_weight = mixing_weights(recipe)
        self.terms: dict[str, list[Term]] = {}
        with torch.no_grad():
            if content_image is not None and recipe.content_layers and content_weight > 0:
                self.terms["content"] = list(self._content_terms(content_image, content_weight))
            if style_images and recipe.style_layers and style_weight > 0:
                self.terms["style"] = list(self._style_terms(style_images, style_weight))
        self.layers = sort_layers([term.layer for terms in self.terms.values() for term in terms])

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """The weighted terms "content", "style" and "tv" that are in use, scalars, and "total", their sum.

        image: (1, 3, H, W) in [0, 1], sRGB, on the encoder's device; may require a gradient.
        """
        features = self.encoder(image, self.layers)
        sums = {name: sum_terms(term.value(features) for term in terms) for name, terms in self.terms.items()}
        if self.recipe.tv_weight > 0:
            sums["tv"] = self.recipe.tv_weight * tv_loss(image, self.recipe.tv_normalization)
        return {**sums, "total": sum_terms(sums.values()) if sums else 0 * image.sum()}

    def _content_terms(self, content_image: Tensor, content_weight: float) -> Iterator[Term]:
        recipe = self.recipe
        weights = _layer_weights(recipe.content_layers, recipe.content_layer_weights)
        loss = partial(content_loss, normalization=recipe.content_normalization)
        for layer, target in self.encoder(content_image, recipe.content_layers).items():
            yield self._term(layer, content_weight * weights[layer], loss, target, torch.zeros_like(target))

    def _style_terms(self, style_images: Sequence[Tensor], style_weight: float) -> Iterator[Term]:
        recipe = self.recipe
        weights = _layer_weights(recipe.style_layers, recipe.style_layer_weights)
        shares = check_blend(recipe.style_blend, len(style_images))
        known = build_statistics(recipe)
        chosen = [split_statistic(item) for item in recipe.statistic]
        targets: dict[tuple[str, str], list[Any]] = {}
        channels: dict[str, int] = {}
        for style_image in style_images:
            for layer, features in self.encoder(style_image, recipe.style_layers).items():
                channels[layer] = features.shape[1]
                for name, _, layers in chosen:
                    if layer in (layers or recipe.style_layers):
                        targets.setdefault((name, layer), []).append(known[name].describe(features))
        for name, factor, layers in chosen:
            statistic = known[name]
            for layer in layers or recipe.style_layers:
                described, blend = targets[name, layer], list(shares)
                if statistic.blend is not None:
                    described, blend = [statistic.blend(described, blend)], [1.0]
                silent = style_images[0].new_zeros(1, channels[layer], 1, 1)
                whole = style_weight * factor * weights[layer]
                for target, share in zip(described, blend, strict=True):
                    yield self._term(layer, whole * share, statistic.loss, target, silent)

    def _term(
        self, layer: str, factor: float, loss: Callable[[Tensor, Any], Tensor], target: Any, silent: Tensor
    ) -> Term:
        if self.recipe.strength is not None:
            # A black or flat picture may leave a layer without any response; its term then counts as it is.
            factor /= float(loss(silent, target)) or 1.0
        return Term(layer, factor, loss, target)


def mixing_weights(recipe: Recipe) -> tuple[float, float]:
    """alpha and beta of eq. 7: the recipe's weights, or those that its strength stands for."""
    if recipe.strength is None:
        return recipe.content_weight or 0.0, recipe.style_weight or 0.0
    return (1 - recipe.strength) * CONTENT_BALANCE, recipe.strength


def sum_terms(terms: Iterable[Tensor]) -> Tensor:
    """Sum of scalars, shaped and typed as they are."""
    return torch.stack(list(terms)).sum()


def _layer_weights(layers: Sequence[str], weights: Sequence[float]) -> dict[str, float]:
    return dict(zip(layers, weights or (1 / len(layers),) * len(layers), strict=True))

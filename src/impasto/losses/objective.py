"""The objective: a named sum of losses of one image against fixed targets."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from impasto.features.vgg import Vgg, sort_layers
from impasto.losses.content import content_loss
from impasto.losses.gram import gram_loss, gram_matrix
from impasto.losses.tv import tv_loss
from impasto.recipe import Recipe, check_blend

CONTENT_BALANCE = 0.05
"""Content weight for a style weight of 1 at strength 0.5; chosen by eye, see docs/experiments.md."""


class Objective:
    """L = alpha L_content + beta L_style + TV of an image, with its targets computed once.

    Gatys et al. 2015, eq. 5 and 7: L_style = sum over layers of w_l E_l; several style images add, each with its
    share of `style_blend`. Differs: the total variation is not in the paper.

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
        strength = recipe.strength
        if strength is None:
            self.content_weight, self.style_weight = recipe.content_weight or 0.0, recipe.style_weight or 0.0
        else:
            self.content_weight, self.style_weight = (1 - strength) * CONTENT_BALANCE, strength
        if content_image is None or not recipe.content_layers:
            self.content_weight = 0.0
        if not style_images or not recipe.style_layers:
            self.style_weight = 0.0
        self.content_targets: dict[str, Tensor] = {}
        self.style_targets: list[dict[str, Tensor]] = []
        with torch.no_grad():
            if content_image is not None and self.content_weight > 0:
                self.content_targets = encoder(content_image, recipe.content_layers)
            if self.style_weight > 0:
                for style_image in style_images:
                    features = encoder(style_image, recipe.style_layers)
                    self.style_targets.append({name: gram_matrix(f) for name, f in features.items()})
            self.style_blend = check_blend(recipe.style_blend, len(self.style_targets)) if self.style_targets else ()
            self._content_shares = self._content_layer_shares()
            self._style_shares = [self._style_layer_shares(targets) for targets in self.style_targets]
        self.layers = sort_layers([*self.content_targets, *(name for t in self.style_targets for name in t)])

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """The weighted terms "content", "style" and "tv" that are in use, scalars, and "total", their sum.

        image: (1, 3, H, W) in [0, 1], sRGB, on the encoder's device; may require a gradient.
        """
        recipe = self.recipe
        features = self.encoder(image, self.layers)
        terms: dict[str, Tensor] = {}
        if self.content_targets:
            terms["content"] = self.content_weight * sum_terms(
                share * content_loss(features[name], target, recipe.content_normalization)
                for share, (name, target) in zip(self._content_shares, self.content_targets.items(), strict=True)
            )
        if self.style_targets:
            terms["style"] = self.style_weight * sum_terms(
                blend * share * gram_loss(features[name], target, recipe.gram_normalization)
                for blend, shares, targets in zip(self.style_blend, self._style_shares, self.style_targets, strict=True)
                for share, (name, target) in zip(shares, targets.items(), strict=True)
            )
        if recipe.tv_weight > 0:
            terms["tv"] = recipe.tv_weight * tv_loss(image, recipe.tv_normalization)
        return {**terms, "total": sum_terms(terms.values()) if terms else 0 * image.sum()}

    def _content_layer_shares(self) -> list[float]:
        layers = self.recipe.content_layers
        weights = _layer_weights(layers, self.recipe.content_layer_weights)
        if self.recipe.strength is None:
            return [weights[name] for name in self.content_targets]
        kind = self.recipe.content_normalization
        return [
            weights[name] / _reference(content_loss(torch.zeros_like(target), target, kind))
            for name, target in self.content_targets.items()
        ]

    def _style_layer_shares(self, targets: dict[str, Tensor]) -> list[float]:
        weights = _layer_weights(self.recipe.style_layers, self.recipe.style_layer_weights)
        if self.recipe.strength is None:
            return [weights[name] for name in targets]
        kind = self.recipe.gram_normalization
        return [
            weights[name] / _reference(gram_loss(target.new_zeros(1, target.shape[1], 1, 1), target, kind))
            for name, target in targets.items()
        ]


def sum_terms(terms: Iterable[Tensor]) -> Tensor:
    """Sum of scalars, shaped and typed as they are."""
    return torch.stack(list(terms)).sum()


def _layer_weights(layers: Sequence[str], weights: Sequence[float]) -> dict[str, float]:
    return dict(zip(layers, weights or (1 / len(layers),) * len(layers), strict=True))


def _reference(loss: Tensor) -> float:
    # A black or flat picture may leave a layer without any response; its term then counts as it is.
    return float(loss) or 1.0

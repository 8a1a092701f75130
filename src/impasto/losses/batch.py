"""The objective of a batch of pictures: a content target for each photograph, and style targets once for each style."""

from collections.abc import Sequence

import torch
from torch import Tensor

from impasto.errors import RecipeError
from impasto.features.vgg import Vgg, sort_layers
from impasto.losses.objective import Objective, mixing_weights, sum_terms
from impasto.losses.tv import tv_loss
from impasto.recipe.recipe import Recipe, every_statistic


class BatchObjective:
    """The `Objective` of each picture of a batch, with one of several styles, as a network is trained by."""

    def __init__(self, encoder: Vgg, recipe: Recipe, style_images: Sequence[Tensor]) -> None:
        """style_images: one a style, each (1, 3, h, w) in [0, 1], sRGB, on the encoder's device.

        Raises RecipeError for a statistic that has no target for all photographs.
        """
        check_statistics(recipe)
        self.encoder, self.recipe = encoder, recipe
        self.objectives = [Objective(encoder, recipe, None, [style]) for style in style_images]
        self.content_weight = mixing_weights(recipe)[0]
        self.content_layers = recipe.content_layers if self.content_weight > 0 else ()
        self.layers = sort_layers([*self.content_layers, *(layer for each in self.objectives for layer in each.layers)])

    def __call__(self, images: Tensor, content_images: Tensor, styles: Sequence[int]) -> dict[str, Tensor]:
        """Return the losses "content", "style" and "tv" that are in use, and "total", each summed over the batch.

        images: (B, 3, H, W) in [0, 1], sRGB; may require a gradient. content_images: their photographs, of the same
        shape. styles: the number of each picture's style.
        """
        with torch.no_grad():
            targets = _pictures(self.encoder(content_images, self.content_layers), len(images))
        features = _pictures(self.encoder(images, self.layers), len(images))
        sums: dict[str, list[Tensor]] = {}
        for own, target, style in zip(features, targets, styles, strict=True):
            objective = self.objectives[style]
            with torch.no_grad():
                content = list(objective.content_terms(target, self.content_weight))
            for name, members in {"content": content, **objective.terms}.items():
                sums.setdefault(name, []).extend(term.value(own) for term in members)
        losses = {name: sum_terms(values) for name, values in sums.items() if values}
        if self.recipe.tv_weight > 0:
            losses["tv"] = self.recipe.tv_weight * tv_loss(images, self.recipe.tv_normalization)
        return {**losses, "total": sum_terms(losses.values()) if losses else 0 * images.sum()}


def check_statistics(recipe: Recipe) -> None:
    """Accept a recipe whose statistics have one target for all photographs. Raises RecipeError."""
    if any(name == "nearest" for name, _ in every_statistic(recipe)):
        raise RecipeError(
            "statistic nearest cannot be trained: it matches the places of each photograph anew; expected others.",
            "Choose gram, moments, covariance, histogram, wasserstein or sliced.",
        )


def _pictures(features: dict[str, Tensor], count: int) -> list[dict[str, Tensor]]:
    """Return the features of each picture, {layer: (1, C, h, w)}, for those of a batch."""
    by_layer = {layer: torch.split(maps, 1) for layer, maps in features.items()}
    return [{layer: maps[index] for layer, maps in by_layer.items()} for index in range(count)]

"""The statistics that can stand for a style, by name: how to describe a style, and the distance from it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

from impasto.losses.gram import gram_loss, gram_matrix
from impasto.losses.histogram import histogram_loss, project, random_directions, sliced_loss, sorted_channels
from impasto.losses.moments import channel_moments, covariance_loss, covariance_matrix, moments_loss
from impasto.losses.nearest import nearest_loss, style_patches
from impasto.losses.wasserstein import blend_raw_moments, raw_moments, wasserstein_loss
from impasto.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Statistic:
    """describe: one style's features (1, C, H, W) -> a target. loss: the pastiche's features and a target -> a scalar.

    blend: several targets and their shares -> one target; None where the losses are added instead, each with its
    share, which for a squared distance has the same gradient as blending the targets.
    """

    describe: Callable[[Tensor], Any]
    loss: Callable[[Tensor, Any], Tensor]
    blend: Callable[[list[Any], list[float]], Any] | None = None


def build_statistics(recipe: Recipe) -> dict[str, Statistic]:
    """Every statistic by its name, with the recipe's normalisation and seed filled in."""
    return {
        "gram": Statistic(gram_matrix, partial(gram_loss, normalization=recipe.gram_normalization)),
        "moments": Statistic(channel_moments, moments_loss),
        "covariance": Statistic(covariance_matrix, covariance_loss),
        "histogram": Statistic(sorted_channels, histogram_loss),
        "wasserstein": Statistic(raw_moments, wasserstein_loss, blend_raw_moments),
        "sliced": Statistic(partial(_describe_sliced, recipe.seed), _sliced_loss),
        "nearest": Statistic(partial(_describe_nearest, recipe.seed), nearest_loss),
    }


def _describe_sliced(seed: int, features: Tensor) -> tuple[Tensor, Tensor]:
    directions = random_directions(features.shape[1], seed).to(features)
    return sorted_channels(project(features, directions)), directions


def _sliced_loss(features: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
    return sliced_loss(features, *target)


def _describe_nearest(seed: int, features: Tensor) -> tuple[Tensor, Tensor]:
    return style_patches(features, seed)

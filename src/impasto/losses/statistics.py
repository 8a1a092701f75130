"""The statistics that can stand for a style, by name: how features are described, and how far descriptions differ."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

from impasto.losses.gram import gram_distance, gram_matrix
from impasto.losses.histogram import histogram_distance, sorted_channels, sorted_projections
from impasto.losses.moments import channel_moments, covariance_distance, moments_distance, raw_moments
from impasto.losses.wasserstein import blend_raw_moments, wasserstein_distance
from impasto.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Statistic:
    """describe: one layer's features (1, C, H, W) -> a description; the style's is the target.

    distance: the pastiche's description and the target -> a scalar.
    is_mean: a description is a tensor, or a tuple of them, that averages something over positions. Tiles can then be
    described one by one.
    blend: several targets and their shares -> one target; None where the distances are added instead, each with its
    share, which for a squared distance has the same gradient as blending the targets.
    """

    describe: Callable[[Tensor], Any]
    distance: Callable[[Any, Any], Tensor]
    is_mean: bool
    blend: Callable[[list[Any], list[float]], Any] | None = None

    def loss(self, features: Tensor, target: Any) -> Tensor:
        """The distance of features (B, C, H, W) from a target."""
        return self.distance(self.describe(features), target)


def build_statistics(recipe: Recipe) -> dict[str, Statistic]:
    """Every statistic that is taken layer by layer, by its name, with the recipe's normalisation and seed filled in."""
    gram = partial(gram_distance, normalization=recipe.gram_normalization)
    projections = partial(sorted_projections, seed=recipe.seed)
    return {
        "gram": Statistic(gram_matrix, gram, is_mean=True),
        "moments": Statistic(channel_moments, moments_distance, is_mean=True),
        "covariance": Statistic(raw_moments, covariance_distance, is_mean=True),
        "histogram": Statistic(sorted_channels, histogram_distance, is_mean=False),
        "wasserstein": Statistic(raw_moments, wasserstein_distance, is_mean=True, blend=blend_raw_moments),
        "sliced": Statistic(projections, histogram_distance, is_mean=False),
    }

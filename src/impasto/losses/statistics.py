"""The statistics that can stand for a style, by name: how features are described, and how far descriptions differ."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor

from impasto.losses.gram import gram_distance, gram_matrix
from impasto.losses.guided import (
    guided_gram_matrix,
    guided_moments,
    guided_ranks,
    guided_raw_moments,
    ranks_distance,
)
from impasto.losses.histogram import (
    histogram_distance,
    project,
    random_directions,
    sorted_channels,
    sorted_projections,
)
from impasto.losses.moments import channel_moments, covariance_distance, moments_distance, raw_moments
from impasto.losses.wasserstein import blend_raw_moments, wasserstein_distance
from impasto.recipe.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Statistic:
    """describe: one layer's features (1, C, H, W) -> a description; the style's is the target.

    distance: the pastiche's description and the target -> a scalar.
    is_mean: a description is a tensor, or a tuple of them, that averages something over positions. Tiles can then be
    described one by one.
    blend: several targets and their shares -> one target; None where the distances are added instead, each with its
    share, which for a squared distance has the same gradient as blending the targets.
    guided: the same description of a part of the picture: features and weights of positions, as losses.guided says.
    guided_distance: of such descriptions, where it is another.
    """

    describe: Callable[..., Any]
    distance: Callable[[Any, Any], Tensor]
    is_mean: bool
    guided: Callable[[Tensor, Tensor], Any]
    blend: Callable[[list[Any], list[float]], Any] | None = None
    guided_distance: Callable[[Any, Any], Tensor] | None = None

    def loss(self, features: Tensor, target: Any) -> Tensor:
        """The distance of features (B, C, H, W) from a target."""
        return self.distance(self.describe(features), target)

    def of_part(self, guide: Tensor | None) -> "Statistic":
        """This statistic as it describes a part of the picture; itself where there is no guide."""
        if guide is None:
            return self
        return replace(self, describe=self.guided, distance=self.guided_distance or self.distance)


def build_statistics(recipe: Recipe) -> dict[str, Statistic]:
    """Every statistic that is taken layer by layer, by its name, with the recipe's normalisation and seed filled in."""
    gram = partial(gram_distance, normalization=recipe.gram_normalization)
    projections = partial(sorted_projections, seed=recipe.seed)

    def guided_projections(features: Tensor, weights: Tensor) -> Any:
        return guided_ranks(project(features, random_directions(features.shape[1], recipe.seed)), weights)

    return {
        "gram": Statistic(gram_matrix, gram, True, guided_gram_matrix),
        "moments": Statistic(channel_moments, moments_distance, True, guided_moments),
        "covariance": Statistic(raw_moments, covariance_distance, True, guided_raw_moments),
        "histogram": Statistic(
            sorted_channels, histogram_distance, False, guided_ranks, guided_distance=ranks_distance
        ),
        "wasserstein": Statistic(raw_moments, wasserstein_distance, True, guided_raw_moments, blend_raw_moments),
        "sliced": Statistic(
            projections, histogram_distance, False, guided_projections, guided_distance=ranks_distance
        ),
    }

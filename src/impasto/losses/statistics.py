"""The statistics of a style by name: how each summarizes features, and how it compares two summaries."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from impasto.losses.gram import gram_distance, gram_matrix
from impasto.losses.guided_statistics import (
    guided_gram_matrix,
    guided_moments,
    guided_ranks,
    guided_raw_moments,
    ranks_distance,
)
from impasto.losses.histogram import histogram_distance, sorted_channels
from impasto.losses.moments import (
    channel_moments,
    covariance_distance,
    least_covariance_loss,
    moments_distance,
    raw_moments,
)
from impasto.losses.sliced import project, random_directions, sorted_projections
from impasto.losses.wasserstein import blend_raw_moments, wasserstein_distance
from impasto.recipe.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic: `describe` summarizes features, `distance` compares two such descriptions.

    describe: features (1, C, H, W) of one layer -> a description; that of the style image is the target.
    distance: the pastiche's description and the target -> a scalar.
    guided: features and weights of positions -> the description of a region (`guided_statistics`).
    is_mean: whether a description is a mean over positions (a tensor or a tuple of them), which tiles can add up; if
    not, the picture is always seen whole, and a memory limit that is too small for that is refused.
    copies: tensors as large as the features that it holds at the peak of loss and gradient, for estimates of memory.
    blend: several targets and their shares -> one target; None where the distances are added instead, each with its
    share, which for a squared distance has the same gradient as blending the targets.
    guided_distance: compares descriptions of regions; None where `distance` does.
    least_silent: a target -> the least loss of a silent image that the losses are relative to.
    """

    describe: Callable[..., Any]
    distance: Callable[[Any, Any], Tensor]
    guided: Callable[[Tensor, Tensor], Any]
    _: KW_ONLY
    is_mean: bool
    copies: int
    blend: Callable[[list[Any], list[float]], Any] | None = None
    guided_distance: Callable[[Any, Any], Tensor] | None = None
    least_silent: Callable[[Any], float] = lambda target: 0.0

    def loss(self, features: Tensor, target: Any) -> Tensor:
        """Return the distance of features, (B, C, H, W), to a target."""
        return self.distance(self.describe(features), target)

    def for_guide(self, guide: Tensor | None) -> "Statistic":
        """Return the statistic of a region; this one where there is no guide."""
        if guide is None:
            return self
        return replace(self, describe=self.guided, distance=self.guided_distance or self.distance)


def build_statistics(recipe: Recipe) -> dict[str, Statistic]:
    """Return the statistics that are taken layer by layer, by name, with the recipe's normalization and seed."""
    gram = partial(gram_distance, normalization=recipe.gram_normalization)

    @cache
    def directions(channels: int, device: torch.device, dtype: torch.dtype) -> Tensor:
        return random_directions(channels, recipe.seed).to(device, dtype)

    def projections(features: Tensor) -> Tensor:
        return sorted_projections(features, directions(features.shape[1], features.device, features.dtype))

    def guided_projections(features: Tensor, weights: Tensor) -> Any:
        along = directions(features.shape[1], features.device, features.dtype)
        return guided_ranks(project(features, along), weights)

    return {
        "gram": Statistic(gram_matrix, gram, guided_gram_matrix, is_mean=True, copies=1),
        "moments": Statistic(channel_moments, moments_distance, guided_moments, is_mean=True, copies=2),
        "covariance": Statistic(
            raw_moments,
            covariance_distance,
            guided_raw_moments,
            is_mean=True,
            copies=1,
            least_silent=least_covariance_loss,
        ),
        "histogram": Statistic(
            sorted_channels,
            histogram_distance,
            guided_ranks,
            is_mean=False,
            copies=6,
            guided_distance=ranks_distance,
        ),
        "wasserstein": Statistic(
            raw_moments, wasserstein_distance, guided_raw_moments, is_mean=True, copies=1, blend=blend_raw_moments
        ),
        "sliced": Statistic(
            projections,
            histogram_distance,
            guided_projections,
            is_mean=False,
            copies=6,
            guided_distance=ranks_distance,
        ),
    }

"""The layers of the last of several scales."""

import pytest

from impasto.recipe.layers import column_layer, finest_recipe, layer_weights
from impasto.recipe.recipe import Recipe


def test_layers_deeper_than_the_finest_are_left_out_and_content_moves_up() -> None:
    finest = finest_recipe(Recipe(finest_layer="conv3_1"))
    assert finest.content_layers == ("conv3_1",)
    assert finest.style_layers == ("conv1_1", "conv2_1", "conv3_1")
    assert sum(finest.style_layer_weights) == pytest.approx(1)
    assert len(set(finest.style_layer_weights)) == 1
    assert finest.statistic == Recipe().statistic
    assert finest.strength == 0.5
    assert finest.nearest_layer == "conv3_1"  # the middle one of all four, not of the three left


def test_weights_given_keep_their_ratios_and_their_sum() -> None:
    recipe = Recipe(
        finest_layer="conv3_1",
        style_layer_weights=(1, 2, 3, 6),
        content_layers=("conv2_2", "conv4_2", "conv5_2"),
        content_layer_weights=(0.5, 0.25, 1),
    )
    finest = finest_recipe(recipe)
    assert finest.style_layer_weights == pytest.approx((2, 4, 6))
    assert finest.content_layers == ("conv2_2", "conv3_1")
    assert finest.content_layer_weights == (0.5, 1.25)


def test_statistics_keep_those_of_their_own_layers_that_are_left() -> None:
    recipe = Recipe(
        finest_layer="conv2_2", statistic=("gram:0.5@conv1_1+conv4_1", "moments@conv3_1", "covariance"), style_blend=()
    )
    assert finest_recipe(recipe).statistic == ("gram:0.5@conv1_1", "covariance")


@pytest.mark.parametrize(
    "changes",
    [
        {"finest_layer": "all"},
        {"style_layers": ("conv4_1", "conv5_1")},
        {"statistic": ("gram@conv4_1",)},
        {"region_statistics": ("gram", "gram@conv4_1")},
        {"style_layer_weights": (0, 0, 0, 1)},
        {"style_weight": 100.0},
    ],
)
def test_the_recipe_stays_where_nothing_would_be_left_or_weights_are_not_relative(changes: dict[str, object]) -> None:
    recipe = Recipe(finest_layer="conv3_1").replace(**changes)
    assert finest_recipe(recipe) == recipe


def test_equal_weights_of_layers_sum_to_1() -> None:
    assert layer_weights(("conv1_1", "conv2_1"), ()) == {"conv1_1": 0.5, "conv2_1": 0.5}
    assert layer_weights((), ()) == {}


def test_places_are_those_of_the_middle_layer_or_of_the_one_named() -> None:
    layers = ("conv1_1", "conv2_1", "conv3_1", "conv4_1")
    assert column_layer(layers) == "conv3_1"
    assert column_layer(layers[:3]) == "conv2_1"
    assert column_layer(layers, "conv1_1") == "conv1_1"
    assert column_layer(layers[:3], "conv4_1") == "conv2_1"

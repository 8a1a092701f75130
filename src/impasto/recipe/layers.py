"""The layers of a recipe: their weights, whose places are matched, and which of them the last of several scales has."""

from collections.abc import Callable, Sequence

from impasto.recipe.recipe import Recipe
from impasto.recipe.words import LAYERS, split_statistic


def layer_weights(layers: Sequence[str], weights: Sequence[float]) -> dict[str, float]:
    """Return one weight a layer; equal ones, summing to 1, where none are given."""
    return dict(zip(layers, weights or (1 / max(1, len(layers)),) * len(layers), strict=True))


def column_layer(layers: Sequence[str], nearest_layer: str = "middle") -> str:
    """Return the one of the layers, shallow to deep, whose places "nearest" matches: the recipe's, or the middle one.

    nearest_layer: the field of the recipe; one that is not among the layers counts as "middle".
    """
    return nearest_layer if nearest_layer in layers else layers[len(layers) // 2]


def finest_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe of the last of several scales: without layers deeper than its `finest_layer`.

    Deeper content layers are replaced by it, with their weight; the style layers left share the weight of all of them.
    "nearest" matches the places that it would match with all layers.
    The recipe as it is where a statistic would have no layer left, or where weights are not relative: those of one
    layer mean nothing in another.
    """
    if recipe.finest_layer == "all" or recipe.strength is None:
        return recipe
    deepest = LAYERS.index(recipe.finest_layer)

    def left(layers: Sequence[str]) -> tuple[str, ...]:
        return tuple(layer for layer in layers if LAYERS.index(layer) <= deepest)

    statistic = tuple(cut for item in recipe.statistic if (cut := _cut(item, left)))
    region_statistics = tuple(cut for item in recipe.region_statistics if (cut := _cut(item, left)))
    style = layer_weights(recipe.style_layers, recipe.style_layer_weights)
    whole, kept = sum(style.values()), sum(style[layer] for layer in left(tuple(style)))
    if not statistic or len(region_statistics) < len(recipe.region_statistics) or kept == 0:
        return recipe

    content: dict[str, float] = {}
    for layer, weight in layer_weights(recipe.content_layers, recipe.content_layer_weights).items():
        shallow = layer if left([layer]) else recipe.finest_layer
        content[shallow] = content.get(shallow, 0.0) + weight
    return recipe.replace(
        content_layers=tuple(content),
        content_layer_weights=tuple(content.values()),
        style_layers=left(tuple(style)),
        style_layer_weights=tuple(style[layer] * whole / kept for layer in left(tuple(style))),
        statistic=statistic,
        nearest_layer=column_layer(recipe.style_layers, recipe.nearest_layer),
        region_statistics=region_statistics,
    )


def _cut(item: str, left: Callable[[Sequence[str]], tuple[str, ...]]) -> str:
    """Return an entry of `statistic` with the layers left of those it names; "" where none is left."""
    layers = split_statistic(item)[2]
    if not layers:
        return item
    return f"{item.partition('@')[0]}@{'+'.join(left(layers))}" if left(layers) else ""

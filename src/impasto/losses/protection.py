"""Protected places: a larger content weight where a mask is white, carried from pixels to the layers."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from impasto.errors import RecipeError
from impasto.features.receptive_field import stride_of
from impasto.features.tiling import Tile
from impasto.recipe.recipe import Recipe

PROTECT_LAYERS = ("conv2_2", "conv3_2")
"""Content layers that protected places have beside the recipe's, for shapes as small as an eye."""


@dataclass(frozen=True, slots=True, eq=False)
class Protection:
    """What is added to the content weights in each place.

    added: (1, 1, H, W), at least 0, of the pastiche's size: added to the weight of every content layer.
    """

    added: Tensor

    def content_weights(self, layer: str, weight: float, tile: Tile | None = None) -> Tensor:
        """Return the weights of a layer's positions in the content loss, (1, 1, h, w): `weight` where nothing is added.

        tile: limits them to the tile's inner part.
        """
        if tile is None:
            return weight + functional.avg_pool2d(self.added, stride_of(layer))
        # Tiles begin at multiples of the deepest stride, so that their positions are those of the picture.
        return weight + tile.inner(functional.avg_pool2d(tile.cut(self.added), stride_of(layer)), layer)


def protect_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe with PROTECT_LAYERS among its content layers, with a weight of 0 where they are new.

    Raises RecipeError where the recipe has no content loss.
    """
    layers = recipe.content_layers
    if recipe.strength == 1 or recipe.content_weight == 0 or not layers:
        found = "no content_layers" if not layers else "a content_weight of 0, as at strength 1"
        raise RecipeError(
            f"protect is given with {found}; expected some content to keep.",
            "Give a --strength below 1, such as 0.9, or leave --protect out.",
        )
    weights = recipe.content_layer_weights or (1 / len(layers),) * len(layers)
    added = tuple(layer for layer in PROTECT_LAYERS if layer not in layers)
    return recipe.replace(content_layers=layers + added, content_layer_weights=weights + (0.0,) * len(added))

"""The memory that one size of a run needs, in bytes."""

from dataclasses import dataclass

from impasto.cost.footprint import feature_bytes, forward_bytes, graph_bytes
from impasto.features.receptive_field import stride_of
from impasto.features.tiling import largest_tile
from impasto.features.vgg import Vgg, sort_layers
from impasto.losses.nearest import PRICE_PLACES, STYLE_VECTORS
from impasto.losses.statistics import build_statistics
from impasto.recipe.layers import column_layer
from impasto.recipe.recipe import Recipe, every_statistic
from impasto.tiles.objective import tile_margin

IMAGES = 8
"""Pictures in float32 that a run holds at once beside the history: the best, the last two, gradients, waves.
Measured: see docs/experiments.md, "Held memory"."""

IMAGE = 12
"""Bytes of a pixel: three channels in float32."""

SLACK = 48 * 2**20
"""Bytes for what is not counted one by one: statistics, libraries, small free blocks."""

ALLOCATOR = 1.15
"""Bytes that an evaluation takes for each byte of its tensors, where glibc keeps freed blocks (`settle_process`).
Measured by benchmarks/estimates.py."""

GUIDED_COPIES = 2
"""Tensors as large as a layer's features that a statistic holds beside its `copies` where a guide weights positions."""

COLUMN_COPIES = 5
"""Tensors as large as the hypercolumns that "nearest" holds at the peak."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What is computed at one size of a run.

    size: (height, width) of the picture. style_sizes: those of the style images beside it. regions: number of guides.
    has_content: with a photograph.
    """

    encoder: Vgg
    recipe: Recipe
    size: tuple[int, int]
    style_sizes: tuple[tuple[int, int], ...]
    regions: int = 0
    has_content: bool = True

    @property
    def pixels(self) -> int:
        """Pixels of the picture."""
        return self.size[0] * self.size[1]

    @property
    def margin(self) -> int:
        """Pixels around the inner part of a tile."""
        return tile_margin(self.recipe, self.encoder.layer_names)

    @property
    def pair_bytes(self) -> int:
        """Bytes of one pair of the L-BFGS history."""
        return 2 * IMAGE * self.pixels

    def fixed_bytes(self) -> int:
        """Return the bytes that depend neither on the tiles nor on the history."""
        style_pixels = sum(height * width for height, width in self.style_sizes)
        # Each style's vectors, in float32 and bfloat16; and the photograph, which is matched again and again.
        columns = sum(6 * channels * STYLE_VECTORS for channels, _ in column_shapes(self.encoder, self.recipe))
        vectors = columns * len(self.style_sizes) + self._cosine_bytes()
        matched = IMAGE * self.pixels if vectors else 0
        # The style images are freed once described, before most of the other pictures are there.
        images = max(IMAGES * self.pixels, 3 * self.pixels + style_pixels)
        # A guide at the picture's size, and at each layer's; those of the styles are freed with the style images.
        guides = 4 * self.regions * (1 + sum(1 / stride_of(layer) ** 2 for layer in self.recipe.style_layers))
        return SLACK + vectors + matched + IMAGE * images + int(guides * self.pixels)

    def _cosine_bytes(self) -> int:
        """Return the bytes of cosines at the peak of a match of "nearest"; 0 without one.

        Of PRICE_PLACES with all vectors in bfloat16, while the prices are set, and as much again for a part of them in
        float32: measured 97 MB of 134 for 16,384 vectors, 66 of 66 for 8,000.
        """
        largest = max((height * width for height, width in self.style_sizes), default=0)
        strides = [stride for _, stride in column_shapes(self.encoder, self.recipe)]
        return max(
            (4 * min(PRICE_PLACES, self.pixels // s**2) * min(STYLE_VECTORS, largest // s**2) for s in strides),
            default=0,
        )

    def features_bytes(self, tile: int | None) -> int:
        """Return the bytes at the peak of an evaluation, in tiles of this inner side or of the whole picture."""
        encoder, recipe = self.encoder, self.recipe
        per_pixel = evaluation_bytes(encoder, recipe, guided=self.regions > 0)
        if tile is None:
            per_style_pixel = style_bytes(encoder, recipe)
            styles = (per_style_pixel * (height * width) for height, width in self.style_sizes)
            return int(ALLOCATOR * max(per_pixel * self.pixels, *styles, 0))
        # The inner part of a tile's features is a copy.
        layers = sort_layers(recipe.content_layers + recipe.style_layers)
        inner = sum(feature_bytes(encoder, layer) for layer in layers)
        sides = (self.size, *self.style_sizes)
        largest = max(largest_tile(side, tile, self.margin, encoder.padding) for side in sides)
        return int(ALLOCATOR * (per_pixel + inner) * largest)


def evaluation_bytes(encoder: Vgg, recipe: Recipe, *, guided: bool = False) -> float:
    """Return the bytes for each pixel (of a picture or tile) at the peak of losses and gradient. guided: by regions."""
    layers = sort_layers(recipe.content_layers + recipe.style_layers)
    # A loss holds its features' gradient, and one layer at a time a copy in another order.
    content = [3 * feature_bytes(encoder, layer) for layer in recipe.content_layers]
    statistics = build_statistics(recipe)
    style = [
        (statistics[name].copies + guided * GUIDED_COPIES) * feature_bytes(encoder, layer)
        for name, layers_of_one in every_statistic(recipe)
        if name in statistics
        for layer in layers_of_one
    ]
    style += [COLUMN_COPIES * 4 * channels / stride**2 for channels, stride in column_shapes(encoder, recipe)]
    largest = max((feature_bytes(encoder, layer) for layer in layers), default=0.0)
    return graph_bytes(encoder, layers) + sum(content) + sum(style) + largest


def style_bytes(encoder: Vgg, recipe: Recipe) -> float:
    """Return the bytes for each pixel of a style image at the peak of its description."""
    largest = max((feature_bytes(encoder, layer) for layer in recipe.style_layers), default=0.0)
    return forward_bytes(encoder, recipe.style_layers) + largest


def column_shapes(encoder: Vgg, recipe: Recipe) -> list[tuple[int, int]]:
    """Return channels and stride of the hypercolumns of each "nearest" in a recipe."""
    return [
        (sum(map(encoder.channels, layers)), stride_of(column_layer(layers, recipe.nearest_layer)))
        for name, layers in every_statistic(recipe)
        if name == "nearest" and layers
    ]

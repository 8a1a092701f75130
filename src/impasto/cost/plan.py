"""The plan that keeps a run within a memory limit: seen whole or in tiles, and with how long a history."""

from collections.abc import Callable, Sequence

from impasto.cost.footprint import feature_bytes, forward_bytes, graph_bytes
from impasto.errors import MemoryLimitError
from impasto.features.receptive import GRID, stride_of
from impasto.features.tiling import largest_tile
from impasto.features.vgg import Vgg, sort_layers
from impasto.losses.nearest import STYLE_VECTORS
from impasto.optimize.schedule import MemoryPlan
from impasto.recipe.recipe import Recipe, every_statistic
from impasto.recipe.words import split_statistic
from impasto.system.memory import format_memory
from impasto.tiles.tiled import tile_margin

IMAGES = 8
"""Pictures in float32 that a run holds at once beside the history: the best, the last two, gradients, waves.
Measured: see docs/experiments.md, "Held memory"."""

HISTORY = 5
"""L-BFGS pairs that are kept as long as there is memory for a tile beside them."""

SMALLEST_TILE = 64
"""Pixels of a tile's side, without margins, below which most of the work would be margins."""

IMAGE = 12
"""Bytes of a pixel: three channels in float32."""

SLACK = 48 * 2**20
"""Bytes for what is not counted one by one: statistics, what the libraries keep, memory that is free in pieces."""

ALLOCATOR = 1.15
"""Bytes that an evaluation takes for each byte of its tensors, where glibc keeps freed blocks (`settle_process`)."""

SPREAD = 8
"""A tile's features may spread over this part more than is told, where the limit leaves it."""

COPIES = {"gram": 1, "covariance": 1, "wasserstein": 1, "moments": 2, "histogram": 6, "sliced": 6}
"""Tensors as large as a layer's features that a statistic holds at the peak."""

GUIDED_COPIES = 2
"""Tensors as large as a layer's features that a statistic holds beside these where positions count by a guide."""

COLUMN_COPIES = 6
"""Tensors as large as the hypercolumns that "nearest" holds at the peak."""

UNTILED = ("histogram", "sliced")
"""Statistics that must see the whole picture at once, since they sort its values."""


def plan_memory(
    encoder: Vgg,
    recipe: Recipe,
    size: tuple[int, int],
    style_sizes: Sequence[tuple[int, int]],
    *,
    steps: int,
    used: int,
    limit: int,
    regions: int = 0,
) -> MemoryPlan:
    """How a picture of (height, width) is painted within `limit` bytes, of which `used` are in use.

    Seen whole if that fits with 5 pairs of history, else in the largest tiles that fit. steps: how many at this size.
    regions: how many guides the picture has.
    Beside tiles the history gets at most half of what the pictures leave, but 5 pairs where a tile fits beside them.
    Raises MemoryLimitError where not even the smallest tile fits, or where a statistic cannot be tiled.
    """
    needs = Needs(encoder, recipe, size, style_sizes, used, regions)
    # The first step leaves no pair to the steps after it.
    wanted = max(1, min(recipe.history, steps - 1)) if recipe.optimizer == "lbfgs" else 2
    least = min(wanted, HISTORY)
    history = min(wanted, (limit - needs.total(None, 0)) // needs.pair)
    if history >= least:
        return needs.plan(None, history, limit)

    _check_tileable(recipe, size, limit, enough=needs.total(None, least))
    longest = max(max(side) for side in (size, *style_sizes))
    counts = range(2, max(2, longest // SMALLEST_TILE) + 1)
    inners = [-(-longest // (count * GRID)) * GRID for count in counts]
    history = max(least, min(wanted, (limit - needs.fixed) // (2 * needs.pair)))
    for pairs in range(history, 0, -1):
        if needs.total(inners[-1], pairs) <= limit:
            return needs.plan(next(inner for inner in inners if needs.total(inner, pairs) <= limit), pairs, limit)
    enough = needs.total(inners[-1], 1)
    smallest = _told(enough)
    raise MemoryLimitError(
        f"max_memory is {format_memory(limit)}; a picture of {size[1]}x{size[0]} needs at least {smallest}, in tiles.",
        f"Give --max-memory {smallest} or more, or a smaller --size.",
        enough,
    )


def lower_plan(plan_within: Callable[[int], MemoryPlan], failed: MemoryPlan, used: int) -> MemoryPlan | None:
    """The plan with half the bytes of one that ran out of memory, or else the smallest; None if that was the smallest.

    plan_within: the plan within a limit. used: bytes in use before the run.
    """
    try:
        lower = plan_within(used + (failed.needed_bytes - used) // 2)
    except MemoryLimitError as error:
        lower = plan_within(error.enough)
    return lower if lower.needed_bytes < failed.needed_bytes else None


class Needs:
    """What one size needs, in bytes. pair: a pair of the history. fixed: all that neither tiles nor history change."""

    def __init__(
        self,
        encoder: Vgg,
        recipe: Recipe,
        size: tuple[int, int],
        style_sizes: Sequence[tuple[int, int]],
        used: int,
        regions: int = 0,
    ) -> None:
        """size: (height, width). used: bytes in use before. regions: how many guides the picture has."""
        pixels = size[0] * size[1]
        style_pixels = [height * width for height, width in style_sizes]
        # Each style's vectors, in float32 and bfloat16; and the photograph, which is matched again and again.
        vectors = sum(6 * channels * STYLE_VECTORS for channels, _ in column_shapes(encoder, recipe)) * len(style_sizes)
        matched = IMAGE * pixels if vectors else 0
        # The style images go when they are described, before most of the others come.
        images = max(IMAGES * pixels, 3 * pixels + sum(style_pixels))
        # A guide at the picture's size, and at each layer's; those of the styles go with the style images.
        guides = 4 * regions * (1 + sum(1 / stride_of(layer) ** 2 for layer in recipe.style_layers))
        self.fixed = used + SLACK + vectors + matched + IMAGE * images + int(guides * pixels)
        self.pair = 2 * IMAGE * pixels
        self.margin = tile_margin(recipe, encoder.layer_names)
        self._padding = encoder.padding
        self._sizes = [size, *style_sizes]
        per_pixel = evaluation_bytes(encoder, recipe, guided=regions > 0)
        per_style_pixel = style_bytes(encoder, recipe)
        self._whole = int(ALLOCATOR * max(per_pixel * pixels, *(per_style_pixel * count for count in style_pixels), 0))
        # The inner part of a tile's features is a copy.
        layers = sort_layers(recipe.content_layers + recipe.style_layers)
        inner = sum(feature_bytes(encoder, layer) for layer in layers)
        self._per_tile_pixel = ALLOCATOR * (per_pixel + inner)

    def total(self, tile: int | None, history: int) -> int:
        """Bytes at the peak with tiles of this inner side, or seen whole, and this many pairs of history."""
        return self.held(history) + self._features(tile)

    def held(self, history: int) -> int:
        """Bytes that are in use while nothing is seen, with this many pairs of history."""
        return self.fixed + history * self.pair

    def plan(self, tile: int | None, history: int, limit: int) -> MemoryPlan:
        """The plan with these tiles and this history, which may need more than the limit."""
        held, needed = self.held(history), self.total(tile, history)
        return MemoryPlan(
            tile=tile,
            margin=0 if tile is None else self.margin,
            history=history,
            needed_bytes=needed,
            held_bytes=held,
            most_bytes=max(needed, min(limit, needed + (needed - held) // SPREAD)),
        )

    def _features(self, tile: int | None) -> int:
        if tile is None:
            return self._whole
        largest = max(largest_tile(side, tile, self.margin, self._padding) for side in self._sizes)
        return int(self._per_tile_pixel * largest)


def _check_tileable(recipe: Recipe, size: tuple[int, int], limit: int, enough: int) -> None:
    needs = _told(enough)
    for name in (split_statistic(item)[0] for item in every_statistic(recipe)):
        if name in UNTILED:
            raise MemoryLimitError(
                f"max_memory is {format_memory(limit)}, and a picture of {size[1]}x{size[0]} needs {needs} when it is "
                f"seen whole, as the statistic {name!r} must.",
                f"Give --max-memory {needs} or a smaller --size, or --statistic gram, which tiles.",
                enough,
            )


def _told(enough: int) -> str:
    """A limit to give, with a little more: the process is not equally large each time that it starts."""
    return format_memory(enough + SLACK // 4)


def evaluation_bytes(encoder: Vgg, recipe: Recipe, *, guided: bool = False) -> float:
    """Bytes a pixel, or a pixel of a tile, at the peak of losses and gradient together. guided: has regions."""
    layers = sort_layers(recipe.content_layers + recipe.style_layers)
    # A loss holds its features' gradient, and one layer at a time a copy in another order.
    content = [3 * feature_bytes(encoder, layer) for layer in recipe.content_layers]
    style = [
        (COPIES[name] + guided * GUIDED_COPIES) * feature_bytes(encoder, layer)
        for name, _, chosen in map(split_statistic, every_statistic(recipe))
        if name in COPIES
        for layer in chosen or recipe.style_layers
    ]
    style += [COLUMN_COPIES * 4 * channels / stride**2 for channels, stride in column_shapes(encoder, recipe)]
    largest = max((feature_bytes(encoder, layer) for layer in layers), default=0.0)
    return graph_bytes(encoder, layers) + sum(content) + sum(style) + largest


def column_shapes(encoder: Vgg, recipe: Recipe) -> list[tuple[int, int]]:
    """Channels and stride of the hypercolumns of each "nearest"."""
    chosen_parts = map(split_statistic, every_statistic(recipe))
    parts = [(name, chosen or recipe.style_layers) for name, _, chosen in chosen_parts]
    return [
        (sum(map(encoder.channels, layers)), stride_of(layers[len(layers) // 2]))
        for name, layers in parts
        if name == "nearest" and layers
    ]


def style_bytes(encoder: Vgg, recipe: Recipe) -> float:
    """Bytes a pixel of a style image at the peak of its description."""
    largest = max((feature_bytes(encoder, layer) for layer in recipe.style_layers), default=0.0)
    return forward_bytes(encoder, recipe.style_layers) + largest

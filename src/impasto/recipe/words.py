"""The words that a recipe may contain: layers, statistics, colors, guide modes and start images."""

LAYERS = tuple(
    f"conv{block}_{index}" for block, depth in enumerate((2, 2, 4, 4, 4), start=1) for index in range(1, depth + 1)
)
"""Layers of VGG-19 by the paper's names, shallow to deep; each means the activation after its ReLU."""

STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")

STATISTICS = {
    "gram": "Gram matrix: which features occur together (Gatys et al. 2015)",
    "moments": "mean and standard deviation of each channel (Li et al. 2017)",
    "covariance": "Gram matrix of the centered features",
    "histogram": "each channel's histogram, exact by sorting (Risser et al. 2017)",
    "wasserstein": "optimal transport between normal distributions of the features",
    "sliced": "histograms along random directions (Heitz et al. 2021)",
    "nearest": "each place compared with the most similar one of the style, all layers together (Kolkin et al. 2022)",
}
"""The statistics of a style, and what each is."""

COLORS = {
    "content-luma": "keep the photograph's colors, paint light and dark alone",
    "style": "the painting's colors",
    "match": "the photograph's palette, but not each color in its place",
    "histogram": "the same, more closely",
    "oklab": "the painting's palette, restored at the end",
}
"""The sources of the pastiche's colors, and how each is applied."""

GUIDE_MODES = {
    "simple": "by the pixels of their own square",
    "inside": "only those that see nothing but the region",
    "all": "all that see any of the region",
}
"""How a mask selects positions of a layer (Gatys et al. 2017)."""

INITS = ("content", "style", "noise", "black", "white", "mean", "instant")


def split_statistic(item: str) -> tuple[str, float, tuple[str, ...]]:
    """Return name, weight and layers of one entry of `statistic`: "gram:0.5@conv1_1+conv2_1"; no layers means all.

    Raises ValueError where the weight is not a number.
    """
    named, _, layers = item.partition("@")
    name, _, weight = named.partition(":")
    names = tuple(layer.replace("relu", "conv") for layer in layers.split("+") if layer)
    return name, float(weight or 1), names

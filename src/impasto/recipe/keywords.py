"""The recipe's fields as keyword arguments of the public functions, with their types."""

from typing import Literal, TypedDict


class RecipeFields(TypedDict, total=False):
    """Every field of `Recipe`, which says what each means. A test compares names and types."""

    weights: str
    weights_preprocessing: Literal["auto", "oxford", "torchvision"]
    pooling: Literal["max", "average"]
    padding: Literal["zero", "replicate", "reflect", "wrap", "wrap-x"]
    rescaled_network: bool
    content_layers: tuple[str, ...]
    content_layer_weights: tuple[float, ...]
    content_normalization: Literal["sum", "positions", "mean"]
    style_layers: tuple[str, ...]
    style_layer_weights: tuple[float, ...]
    statistic: tuple[str, ...]
    nearest_layer: str
    gram_normalization: Literal["raw", "positions", "positions-channels"]
    style_blend: tuple[float, ...]
    style_size: str | int
    style_scale: float
    resampling: Literal["bicubic", "bilinear"]
    fine_layers: tuple[str, ...]
    strength: float | None
    content_weight: float | None
    style_weight: float | None
    tv_weight: float
    tv_normalization: Literal["sum", "mean"]
    size: int | tuple[int, int] | str
    init: str
    color: Literal["content-luma", "style", "match", "histogram", "oklab", "content"]
    recolor: float
    placement: float
    proportions: float
    color_map: Literal["cholesky", "pca", "monge"]
    guide_mode: Literal["simple", "inside", "all"]
    guide_dilation: int
    region_weights: tuple[float, ...]
    region_statistics: tuple[str, ...]
    gamut: Literal["keep", "free"]
    optimizer: Literal["lbfgs", "adam"]
    steps: int
    finer_steps: float
    first_scale: int
    finest_layer: str
    carried_detail: float
    frames: int
    frame_steps: int | None
    float32_share: float
    learning_rate: float | None
    history: int
    fourier_exponent: float
    tolerance: float
    seed: int
    only_feather: int
    protect_strength: float
    depth: Literal[8, 16] | None
    dpi: float | None
    keep_profile: bool
    strip: bool

"""Recipe: all settings that define a pastiche, each with its default and help text, and none about how it is run.

A recipe is a frozen dataclass. It gives the command line its options and their help, is hashed, is written as
TOML on disk and as JSON inside a picture. The presets are such TOML files, in `presets/`.
"""

import dataclasses
import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from impasto.errors import RecipeError
from impasto.recipe.checks import check_together
from impasto.recipe.fields import (
    PRINT_DPI,
    check_names,
    check_value,
    check_written_size,
    is_print,
    nearest_name,
    option,
    parse_text,
    print_pixels,
    shown,
    to_plain,
)
from impasto.recipe.presets import preset_texts
from impasto.recipe.words import COLORS, GUIDE_MODES, LAYERS, STATISTICS, STYLE_LAYERS, split_statistic
from impasto.system.disk import path_hint, to_path

TEXTURE_SIZE = "; for a texture also 1024x768"
"""What only a texture's size may be, in the help."""

FORMAT_VERSION = 1
"""Version of the recipe's written form; a newer one is refused with a clear message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is painted: network, losses, weights, start image, schedule, seed. The defaults are the preset `standard`.

    Loss weights have no unit. Either `strength` (0 = the photograph, 1 = style alone) or `content_weight` and
    `style_weight` (alpha and beta of the paper's eq. 7) say how content and style are mixed; giving one clears the
    other in `replace`, giving both is refused. Raises RecipeError for any value out of range.
    """

    weights: str = option(
        "oxford", "text", "network: oxford, torchvision, random, or a .safetensors, .pth, .mat, .h5 or .caffemodel file"
    )
    weights_preprocessing: Literal["auto", "oxford", "torchvision"] = option(
        "auto",
        "choice",
        "input normalization of the weights; auto: read from the file",
        choices=("auto", "oxford", "torchvision"),
    )
    pooling: Literal["max", "average"] = option(
        "max", "choice", "pooling between blocks", choices=("max", "average")
    )
    padding: Literal["zero", "replicate", "reflect", "wrap", "wrap-x"] = option(
        "replicate",
        "choice",
        "padding of the convolutions: replicate leaves no marks; wrap tiles without a seam, wrap-x sideways only",
        choices=("zero", "replicate", "reflect", "wrap", "wrap-x"),
    )
    rescaled_network: bool = option(
        False, "flag", "scale every filter to a mean activation of 1 over photographs (Gatys et al. 2016)"
    )
    content_layers: tuple[str, ...] = option(("conv4_2",), "layers", "layers whose features preserve the content")
    content_layer_weights: tuple[float, ...] = option(
        (), "numbers", "one weight per content layer; empty: equal, summing to 1", low=0.0
    )
    content_normalization: Literal["sum", "positions", "mean"] = option(
        "sum",
        "choice",
        "content loss: sum = 1/2 sum (F-P)^2, eq. 1; positions = that divided by M; mean = mean (F-P)^2",
        choices=("sum", "positions", "mean"),
    )
    style_layers: tuple[str, ...] = option(STYLE_LAYERS[:4], "layers", "layers whose statistics are the style")
    style_layer_weights: tuple[float, ...] = option(
        (), "numbers", "one weight per style layer; empty: equal, summing to 1", low=0.0
    )
    statistic: tuple[str, ...] = option(
        ("covariance:0.7", "nearest:0.3"),
        "statistics",
        f"statistics of the style: {', '.join(STATISTICS)}; several are added; gram:0.5@conv1_1+conv2_1 "
        "sets a weight and layers",
    )
    nearest_layer: str = option(
        "middle",
        "choice",
        "layer whose places the statistic nearest matches: a shallower one keeps more of the drawing and takes longer; "
        "middle: the middle one of the style layers",
        choices=("middle", *LAYERS),
    )
    gram_normalization: Literal["raw", "positions", "positions-channels"] = option(
        "raw",
        "choice",
        "style loss: raw = eq. 4; positions, positions-channels = mean (G-A)^2 with G divided by M or by M N",
        choices=("raw", "positions", "positions-channels"),
    )
    style_blend: tuple[float, ...] = option(
        (), "numbers", "one weight per style image, scaled to sum to 1; empty: equal", low=0.0
    )
    style_size: str | int = option(
        "long-edge",
        "style_size",
        "size of the style image: long-edge or same-pixels (as the pastiche), native (its own), or its long edge in "
        "pixels, 1 or more",
    )
    style_scale: float = option(
        1.0, "number", "factor of the style image's size; above 1: larger strokes", low=0.001, high=1000.0
    )
    resampling: Literal["bicubic", "bilinear"] = option(
        "bicubic",
        "choice",
        "interpolation when pictures are resized: bicubic keeps fine grain, bilinear is softer",
        choices=("bicubic", "bilinear"),
    )
    fine_layers: tuple[str, ...] = option(
        ("conv1_1", "conv2_1"),
        "layers",
        "layers that take their strokes from --fine-style; with conv3_1 larger ones too",
    )
    strength: float | None = option(
        0.5, "number", "0 = the photograph, 1 = style alone, at any size", low=0.0, high=1.0, optional=True
    )
    content_weight: float | None = option(None, "number", "alpha of eq. 7", low=0.0, optional=True)
    style_weight: float | None = option(None, "number", "beta of eq. 7", low=0.0, optional=True)
    tv_weight: float = option(0.01, "number", "weight of the total variation, which smooths the picture", low=0.0)
    tv_normalization: Literal["sum", "mean"] = option(
        "mean", "choice", "total variation: sum or mean over neighboring pixels", choices=("sum", "mean")
    )
    size: int | tuple[int, int] | str = option(
        512,
        "size",
        "long edge in pixels; content: the photograph's own size; 60cm or 24in: a print at --dpi; 60cm-wide, 60cm-high "
        f"or 1200-wide: that side{TEXTURE_SIZE}",
        low=1,
    )
    init: str = option(
        "content",
        "init",
        "start image: content, style, noise, black, white, mean, instant (as impasto instant paints), a color #rrggbb, "
        "a picture, a shipped style (impasto styles), or a network that impasto train made",
    )
    color: Literal["content-luma", "style", "match", "histogram", "oklab", "content"] = option(
        "style",
        "choice",
        "content or " + "; ".join(f"{name}: {what}" for name, what in COLORS.items()),
        choices=tuple(COLORS),
        aliases={"content": "content-luma"},
    )
    recolor: float = option(
        0.6,
        "number",
        "give the photograph the painting's colors before painting: 0 = none, 1 = all of them; no effect where "
        "--color keeps the photograph's; less below a strength of 0.5",
        low=0.0,
        high=1.0,
    )
    placement: float = option(
        0.0,
        "number",
        "how much recoloring heeds places, so that a sky takes the colors of the painting's sky: 0 = not at all, "
        "1 = as much as colors",
        low=0.0,
        high=2.0,
    )
    proportions: float = option(
        1.0,
        "number",
        "how far the painting's colors and strokes keep the shares that they have in it: 1 = wholly; below, those most "
        "like the photograph count more, as warm colors for a face",
        low=0.0,
        high=1.0,
    )
    color_map: Literal["cholesky", "pca", "monge"] = option(
        "monge",
        "choice",
        "linear map of match and oklab; monge changes colors least (cholesky, pca, monge)",
        choices=("cholesky", "pca", "monge"),
    )
    guide_mode: Literal["simple", "inside", "all"] = option(
        "simple",
        "choice",
        "positions of a layer that a mask selects: "
        + "; ".join(f"{name} = {what}" for name, what in GUIDE_MODES.items()),
        choices=tuple(GUIDE_MODES),
    )
    guide_dilation: int = option(
        0, "integer", "positions by which masks grow in each layer; below 0 they shrink", low=-32, high=32
    )
    region_weights: tuple[float, ...] = option(
        (), "numbers", "one weight per region, multiplied by its share of the area; empty: all 1", low=0.0
    )
    region_statistics: tuple[str, ...] = option(
        (), "statistics", "one statistic per region, such as gram,nearest; empty: --statistic for all", empty=True
    )
    gamut: Literal["keep", "free"] = option(
        "keep",
        "choice",
        "keep: colors stay in range while painting; free: they are clamped when saved",
        choices=("keep", "free"),
    )
    optimizer: Literal["lbfgs", "adam"] = option("lbfgs", "choice", "lbfgs or adam", choices=("lbfgs", "adam"))
    steps: int = option(120, "integer", "optimizer updates, divided among the scales", low=1)
    finer_steps: float = option(
        1.0, "number", "ratio of steps between a scale and the coarser one before it; below 1 is faster", above=0.0
    )
    first_scale: int = option(
        128, "integer", "approximate long edge of the first scale, doubled up to size; 0: one scale only", low=0
    )
    finest_layer: str = option(
        "all",
        "choice",
        "deepest layer at the last of several scales, where coarse shapes are painted already: conv3_1 takes half the "
        "time there; all: every layer at every scale",
        choices=("all", *LAYERS),
    )
    carried_detail: float = option(
        1.0,
        "number",
        "amount of the photograph's fine detail added when a scale begins; 0: none, 1: unchanged",
        low=0.0,
        high=4.0,
    )
    frames: int = option(
        1, "integer", "number of pictures of a morph through all styles; 1: one pastiche", low=1
    )
    frame_steps: int | None = option(
        None,
        "integer",
        "steps of each frame after the first; none: an eighth of steps, of a film 20",
        low=1,
        optional=True,
    )
    float32_share: float = option(
        0.0,
        "number",
        "share of the steps, the last ones, computed in float32; the others may use bfloat16 where it is faster",
        low=0.0,
        high=1.0,
    )
    learning_rate: float | None = option(
        None, "number", "step length; none: 1 for lbfgs, 0.02 of the color range for adam", above=0.0, optional=True
    )
    history: int = option(50, "integer", "number of past steps that lbfgs stores", low=1)
    fourier_exponent: float = option(
        0.4,
        "number",
        "preconditioning of lbfgs: spatial frequency f is scaled by f^-exponent; 0: none",
        low=0.0,
        high=2.0,
    )
    tolerance: float = option(
        0.0, "number", "stop when the loss falls by less than this fraction in 10 steps; 0: never", low=0.0, high=1.0
    )
    seed: int = option(0, "integer", "seed of the white noise", low=0)
    only_feather: int = option(
        4, "integer", "width in pixels of the transition inside the mask --only", low=0
    )
    protect_strength: float = option(
        6.0, "number", "added to the weights of content layers, conv2_2 and conv3_2 where --protect is white", low=0.0
    )
    depth: Literal[8, 16] | None = option(
        None,
        "integer",
        "bits per channel, 16 for .png and .tif; none: as the photograph where the format allows",
        among=(8, 16),
        optional=True,
    )
    dpi: float | None = option(
        None,
        "number",
        "pixels per inch, written into the file; none: the photograph's, 300 if --size is a print",
        low=1.0,
        high=65535.0,
        optional=True,
    )
    keep_profile: bool = option(False, "flag", "write in the photograph's ICC profile, not sRGB")
    strip: bool = option(
        False,
        "flag",
        "leave out the photograph's EXIF (copyright, artist, camera, date, GPS position) and the names and SHA-256 of "
        "all inputs; the recipe stays, with the network's name",
    )

    def __post_init__(self) -> None:
        fields = {field.name: field for field in dataclasses.fields(self)}
        if is_print(self.size):
            dpi = check_value(fields["dpi"], self.dpi) or PRINT_DPI
            object.__setattr__(self, "dpi", dpi)
            object.__setattr__(self, "size", print_pixels(str(self.size), dpi))
        for field in fields.values():
            object.__setattr__(self, field.name, check_value(field, getattr(self, field.name)))
        check_together(self)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """Return the preset of that name, with some fields changed. Raises RecipeError, which lists the presets."""
        texts = preset_texts()
        if not isinstance(name, str) or name not in texts:
            raise RecipeError(
                f"preset {shown(name)} does not exist; expected one of {', '.join(sorted(texts))}.",
                f"{nearest_name(str(name), sorted(texts))}--recipe reads a file of your own.",
            )
        return cls.from_toml(texts[name], name=f"preset {name}").replace(**changes)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a recipe from a TOML file; fields that the file leaves out are those of `standard`.

        A byte order mark, with which editors on Windows begin a file, is left aside.
        """
        try:
            text = to_path(path, "recipe file", RecipeError).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(
                f"recipe file {os.fspath(path)!r} cannot be read ({error}).",
                path_hint(path, "Give a TOML text file of recipe fields."),
            ) from error
        return cls.from_toml(text, name=f"recipe file {os.fspath(path)!r}")

    @classmethod
    def from_toml(cls, text: str, *, name: str = "recipe") -> Self:
        """Parse a recipe from a TOML text. Raises RecipeError with the name of the text."""
        if not isinstance(text, str):
            raise RecipeError(f"{name} is {shown(text)}; expected a TOML text.", "Recipe.read reads a file.")
        try:
            values = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # ValueError: also of a number of over 4300 digits
            raise RecipeError(
                f"{name} is not TOML ({error}).", 'Write one field a line, such as: init = "noise".'
            ) from error
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build a recipe from field names and values, as `to_dict` returns them. Raises RecipeError."""
        if not isinstance(values, Mapping):
            raise RecipeError(
                f"recipe is a {type(values).__name__}; expected field names with their values.",
                'Give a dict such as {"strength": 0.7}.',
            )
        changes = dict(values)
        version = changes.pop("format_version", FORMAT_VERSION)
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            raise RecipeError(
                f"recipe has format_version {version!r}; expected a whole number from 1 to {FORMAT_VERSION}.",
                f"Write format_version = {FORMAT_VERSION}, or leave it out.",
            )
        if version > FORMAT_VERSION:
            raise RecipeError(
                f"recipe has format_version {version!r}; this impasto reads up to {FORMAT_VERSION}.",
                "Install a newer impasto to read it.",
            )
        if wrong := [name for name in changes if not isinstance(name, str)]:
            raise RecipeError(
                f"recipe has the field {shown(wrong[0])}; expected names of fields.", 'Write {"strength": 0.7}, say.'
            )
        check_written_size(changes.get("size"))
        return cls().replace(**changes)

    def replace(self, **changes: Any) -> Self:
        """Return this recipe with some fields changed.

        A weight clears `strength`, and `strength` clears the weights. New layers clear the layer weights, which belong
        to the old ones.
        """
        check_names(changes, field_names(), "recipe has no field")
        changes = {name: to_plain(value) for name, value in changes.items()}
        for kind in ("content", "style"):
            layers = changes.get(f"{kind}_layers")
            if isinstance(layers, (list, tuple)) and tuple(layers) != getattr(self, f"{kind}_layers"):
                changes.setdefault(f"{kind}_layer_weights", ())
        weights = {name for name in ("content_weight", "style_weight") if changes.get(name) is not None}
        if weights and "strength" not in changes:
            changes["strength"] = None
            for name in {"content_weight", "style_weight"} - weights:
                changes[name] = 1.0 if getattr(self, name) is None else getattr(self, name)
        elif changes.get("strength") is not None and not weights:
            changes["content_weight"] = changes["style_weight"] = None
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields that are set as JSON values, with the format's version first."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if isinstance(self.size, tuple):
            values["size"] = f"{self.size[1]}x{self.size[0]}"
        plain = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items() if v is not None}
        return {"format_version": FORMAT_VERSION, **plain}

    def to_toml(self) -> str:
        """Return the recipe as a TOML text that `from_toml` reads."""
        return format_toml(self.to_dict())

    def hash(self) -> str:
        """Return the SHA-256 of the recipe's canonical JSON, in hexadecimal: equal recipes have equal hashes."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def field_names() -> tuple[str, ...]:
    """Return the names of the recipe's fields, in the order of the class."""
    return tuple(field.name for field in dataclasses.fields(Recipe))


ONE_PASS = Recipe(strength=1.0, recolor=0.0)
"""What a picture that a network paints in one pass has by default: the style alone, of the photograph as it is."""


def every_statistic(recipe: Recipe) -> list[tuple[str, tuple[str, ...]]]:
    """Return name and layers of the statistics of the recipe and of its regions, each once."""
    parts = map(split_statistic, dict.fromkeys(recipe.statistic + recipe.region_statistics))
    return [(name, layers or recipe.style_layers) for name, _, layers in parts]


def format_toml(values: Mapping[str, Any]) -> str:
    """Return the values of `Recipe.to_dict` as a TOML text."""
    # A JSON string, number, boolean or flat list is written the same way in TOML, but for letters beyond 16 bits, which
    # JSON escapes in two, and DEL, which it does not escape.
    text = "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())
    return text.replace("\x7f", "\\u007f")


def parse_field(name: str, text: str) -> Any:
    """Parse the text of a field's value, such as `"conv1_1,conv2_1"`, `"0.5"`, `"none"`, `"yes"`. Raises RecipeError.
    """
    return parse_text(next(field for field in dataclasses.fields(Recipe) if field.name == name), text)

"""Apply: photographs painted in one pass by a network that was trained for some styles."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack

import torch
from torch import Tensor

from impasto.control.color import finish_colors, is_grey, mean_channels, prepare_colors
from impasto.control.masks import keep_photograph
from impasto.control.regions import Masks, build_regions
from impasto.control.sizes import picture_size
from impasto.errors import RecipeError
from impasto.fast.export import OnnxNetwork, check_onnx, encode_onnx
from impasto.fast.model import Model, read_style_or_model
from impasto.fast.network import MULTIPLE, PHOTOGRAPH
from impasto.fast.result import OnePassResult
from impasto.fast.strips import StripPainter, count_bytes
from impasto.features.guides import resize_guide
from impasto.images.io import ImageSource
from impasto.images.resize import resize_image
from impasto.painting.inputs import Inputs, check_given, read_inputs
from impasto.painting.options import ImageSources, RunOptions
from impasto.recipe.checks import check_aspect, check_blend
from impasto.recipe.fields import check_names, nearest_name, to_plain
from impasto.recipe.recipe import ONE_PASS, Recipe
from impasto.runs.record import Input
from impasto.system.device import peak_bytes, resolve_device
from impasto.system.memory import memory_limit, used_bytes
from impasto.system.torch_settings import default_threads, products_in, running, torch_defaults


class PainterFields(TypedDict, total=False):
    """The keyword arguments of a `Painter`.

    style: a name, or several; the first of the network's if left out. style_blend: the share of each, equal if left
    out. content_masks: instead of a blend, where each style is painted, as for `impasto.stylize`; what no mask covers
    is painted in the last style if there is one more than masks, else in the first. only: a mask, outside which the
    photograph stays as it is.
    strength: 1 by default, the style as it was trained; below 1 its parameters are mixed with those that repeat the
    photograph. size: "content" by default, the photograph's own. color: by default as it was trained.
    The others are those of `Recipe` and `RunOptions`.
    """

    style: str | Sequence[str]
    style_blend: tuple[float, ...]
    content_masks: ImageSources
    only: ImageSource | None
    only_feather: int
    strength: float | None
    size: int | tuple[int, int] | str
    resampling: Literal["bicubic", "bilinear"]
    color: Literal["content-luma", "style", "match", "histogram", "oklab", "content"]
    color_map: Literal["cholesky", "pca", "monge"]
    depth: Literal[8, 16] | None
    dpi: float | None
    keep_profile: bool
    strip: bool
    max_pixels: int
    max_memory: int | str | None


OTHER_FIELDS = ("style", "content_masks", "only")

RUN_FIELDS = ("max_pixels", "max_memory")

RECIPE_FIELDS = tuple(name for name in PainterFields.__annotations__ if name not in (*OTHER_FIELDS, *RUN_FIELDS))
"""Fields of a recipe that a network heeds."""


ENGINES = ("torch", "onnxruntime")

ONNX_PIXELS = 2**21
"""Pixels of the largest picture that onnxruntime paints: it keeps all maps in memory. Strips take less, and as long."""


class Painter:
    """A trained network that paints pictures. network: on its device. styles: their names."""

    def __init__(
        self, model: Model, *, device: str = "auto", threads: int | None = None, engine: str = "torch"
    ) -> None:
        """device, threads: as of `impasto.RunOptions`. engine: "onnxruntime" paints pictures of up to 2 megapixels, in
        one style or mixture, by onnxruntime on the CPU, after a moment for each mixture; the others as "torch" does.
        Raises DeviceError, RecipeError, MissingExtraError."""
        if engine not in ENGINES:
            raise RecipeError(f"engine is {engine!r}; expected one of {', '.join(ENGINES)}.", "Choose one of these.")
        if engine == "onnxruntime":
            check_onnx("the engine onnxruntime")
            device = "cpu" if device == "auto" else device
        self._device = resolve_device(device)
        self._options: dict[str, Any] = {"device": device, "threads": threads}
        RunOptions(**self._options)
        self._model = model
        self.network = model.network.to(self._device)
        self._strips = StripPainter(self.network)
        self._engine, self._sessions = engine, dict[tuple[float, ...], OnnxNetwork]()
        self.styles = model.names

    @torch_defaults()
    def __call__(self, content_image: ImageSource, **fields: Unpack[PainterFields]) -> OnePassResult:
        """Paint a photograph of any size, in strips if it is large: the result is the same.

        content_image: as `read_image` takes it. Raises ImageReadError, ImageSizeError, ImageRangeError, MaskError,
        RecipeError, OutOfMemoryError, DiskError.
        """
        check_names(fields, tuple(PainterFields.__annotations__), "a painter has no keyword")
        recipe, names = self.choose(fields)
        options = RunOptions(**self._options, **{name: fields[name] for name in RUN_FIELDS if name in fields})  # type: ignore[literal-required]
        check_given("content image", content_image)
        inputs = read_inputs(
            *(recipe, options, content_image),
            content_masks=fields.get("content_masks", ()),
            only=fields.get("only"),
        )
        start_s = time.perf_counter()
        pastiche, shares = self.paint(recipe, names, inputs, options)
        return OnePassResult(
            pastiche=pastiche,
            recipe=recipe,
            seconds=time.perf_counter() - start_s,
            peak_bytes=peak_bytes(self._device),
            inputs=tuple(Input.of(role, picture) for role, picture in inputs.by_role()),
            carried=inputs.carried,
            network=self._model.name,
            sha256=self._model.sha256,
            styles=shares,
        )

    def choose(self, fields: Mapping[str, Any]) -> tuple[Recipe, list[str]]:
        """Return the recipe and the names of the styles that these keywords mean. Raises RecipeError."""
        given = fields.get("style", self.styles[:1])
        names = [given] if isinstance(given, str) else list(given)
        for name in names:
            if name not in self.styles:
                raise RecipeError(
                    f"style {name!r} is not in {self._model.name or 'the network'}; expected one of "
                    f"{', '.join(self.styles)}.",
                    f"{nearest_name(str(name), self.styles)}Choose one of these.",
                )
        if not names:
            raise RecipeError("no style is given; expected a name.", f"Choose one of {', '.join(self.styles)}.")
        look = self._model.look
        default = ONE_PASS.replace(size="content", color=look.color, color_map=look.color_map)
        recipe = default.replace(**{name: to_plain(fields[name]) for name in RECIPE_FIELDS if name in fields})
        if recipe.strength is None:
            raise RecipeError("strength is none; expected a number from 0 to 1.", "Or leave it out.")
        check_aspect(recipe.size)
        check_blend(recipe.style_blend, len(names))
        return recipe, names

    @torch_defaults()
    def paint(
        self, recipe: Recipe, names: Sequence[str], inputs: Inputs, options: RunOptions
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the picture, (1, 3, H, W) in [0, 1], sRGB, on the CPU, and the share of each style in it.

        recipe, names: from `choose`. inputs: from `read_inputs`. Raises OutOfMemoryError, DiskError, MaskError.
        """
        threads = options.threads if options.threads is not None else default_threads()
        with running(self._device, threads, "Lower --size, or close other programs."), products_in("float32"):
            return self._paint(recipe, names, inputs, options)

    def _paint(
        self, recipe: Recipe, names: Sequence[str], inputs: Inputs, options: RunOptions
    ) -> tuple[Tensor, dict[str, float]]:
        content = inputs.content
        assert content is not None
        icons = [self._model.icons[self.styles.index(name)] for name in names]
        size = picture_size(recipe.size, content.size)
        shares = self._shares(recipe, names, inputs, size)
        image = resize_image(content.image, size, recipe.resampling).to(self._device)
        painted = self._run(image, shares, options).to("cpu").contiguous()
        if all(map(is_grey, (content.image, *icons))):
            painted = mean_channels(painted).contiguous()
        finished = _finish(recipe, painted, inputs, icons).contiguous()
        means = shares.mean((0, 2, 3)).tolist()
        return finished, {name: round(means[1 + self.styles.index(name)], 4) for name in names}

    def _run(self, image: Tensor, shares: Tensor, options: RunOptions) -> Tensor:
        """Return what the network makes of the image."""
        height, width = image.shape[-2:]
        is_small = min(height, width) > MULTIPLE and height * width <= ONNX_PIXELS
        if self._engine == "onnxruntime" and self._device.type == "cpu" and shares.shape[-1] == 1 and is_small:
            mixture = tuple(shares.flatten().tolist())
            if mixture not in self._sessions:
                data = encode_onnx(self.network, shares.flatten())
                self._sessions[mixture] = OnnxNetwork(data, options.threads)
            return self._sessions[mixture].paint(image)
        needed = count_bytes(self.network, (height, width))
        on_disk = used_bytes(self._device) + needed > memory_limit(options.max_memory, self._device)
        return self._strips.paint(image, shares.to(self._device), on_disk=on_disk)

    def mix(self, recipe: Recipe, names: Sequence[str]) -> Tensor:
        """Return the shares of the photograph and of each style of the network, (rows,), summing to 1.

        recipe, names: from `choose`.
        """
        assert recipe.strength is not None
        shares = torch.zeros(1 + len(self.styles))
        for name, share in zip(names, check_blend(recipe.style_blend, len(names)), strict=True):
            shares[1 + self.styles.index(name)] += recipe.strength * share
        shares[PHOTOGRAPH] = 1 - recipe.strength
        return shares

    def _shares(self, recipe: Recipe, names: Sequence[str], inputs: Inputs, size: tuple[int, int]) -> Tensor:
        """Return the shares of the rows of parameters, (1, rows, 1, 1), or by place, (1, rows, H, W)."""
        if not inputs.content_masks:
            return self.mix(recipe, names)[None, :, None, None]
        assert recipe.strength is not None
        rows = [1 + self.styles.index(name) for name in names]
        masks = Masks(
            size=size,
            style_sizes=[(1, 1)] * len(names),
            content_masks=[mask.image for mask in inputs.content_masks],
            style_alphas=[None] * len(names),
            of_film=inputs.of_film,
        )
        shares = torch.zeros(1, 1 + len(self.styles), *size)
        for region in build_regions(recipe, masks):
            (own,) = (index for index, guide in enumerate(region.styles) if guide is not None)
            shares[:, rows[own]] += region.content[0]
        # What lies between two masks is of the first style.
        shares[:, rows[0]] += (1 - shares.sum(1)).clamp_min(0)
        shares *= recipe.strength / shares.sum(1, keepdim=True)
        shares[:, PHOTOGRAPH] = 1 - recipe.strength
        return shares


def load_painter(
    model: str | os.PathLike[str],
    *,
    device: str = "auto",
    threads: int | None = None,
    engine: str = "torch",
) -> Painter:
    """Load a shipped style by its name, or a network that `impasto train` wrote: load_painter("starry-night")(image).

    A text that names a shipped style wins over a file of that name. engine: as of `Painter`. Raises WeightsError,
    DeviceError, RecipeError, MissingExtraError.
    """
    return Painter(read_style_or_model(model), device=device, threads=threads, engine=engine)


def _finish(recipe: Recipe, painted: Tensor, inputs: Inputs, icons: Sequence[Tensor]) -> Tensor:
    """Return what was painted in its final colors, with the photograph outside `only`."""
    content = inputs.content
    assert content is not None
    if recipe.color in ("match", "histogram"):
        alpha = None if content.alpha is None else resize_guide(content.alpha, (painted.shape[-2], painted.shape[-1]))
        painted = prepare_colors(recipe, content.image, [painted], content.alpha, [alpha])[1][0]
    else:
        painted = finish_colors(recipe, painted, content.image, icons, content.alpha)
    if inputs.only is None:
        return painted
    return keep_photograph(painted, content, inputs.only.image, recipe.only_feather)

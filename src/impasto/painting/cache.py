"""A cache for the pictures of a batch: networks, style images and the statistics of these."""

import os
from collections import OrderedDict
from collections.abc import Hashable, Sequence

from torch import Tensor

from impasto.features.encoder import build_encoder
from impasto.features.vgg import Vgg, check_layers
from impasto.features.weights import WeightsRecord
from impasto.images.io import ImageSource, read_picture
from impasto.images.picture import Picture
from impasto.losses.target_cache import TargetCache
from impasto.recipe.recipe import Recipe
from impasto.system.torch_settings import Precision

NETWORKS = 2
"""Networks that stay loaded; Oxford's takes 80 MB, and 40 MB more in bfloat16."""

STYLE_BYTES = 2**28
"""Bytes of style images that stay loaded: two of 12 megapixels."""


class Cache:
    """Networks, style images and their statistics, for every picture of a batch that gets it as `cache=`.

    The results are the same as without. Bounded in memory; the least recently used is dropped first. Files are
    recognized by path, size and time of change.
    """

    def __init__(self) -> None:
        self.descriptions = TargetCache()
        self._networks: OrderedDict[Hashable, tuple[dict[Precision, Vgg], WeightsRecord]] = OrderedDict()
        self._styles: OrderedDict[Hashable, Picture] = OrderedDict()

    def encoders(
        self, recipe: Recipe, precision: Precision, images: Sequence[Tensor] = ()
    ) -> tuple[dict[Precision, Vgg], WeightsRecord]:
        """Return the recipe's encoder in float32, and in bfloat16 if that is the precision, and the weights' record.

        images: as for `build_encoder`, whose errors are raised. A network that is rescaled by them is not cached.
        """
        key = (
            *(recipe.weights, _stamp(recipe.weights), recipe.weights_preprocessing),
            *(recipe.pooling, recipe.padding, recipe.rescaled_network),
        )
        if recipe.rescaled_network and recipe.weights != "oxford":
            encoder, record = build_encoder(recipe, images)
            lowered: dict[Precision, Vgg] = {"bfloat16": encoder.to_bfloat16()} if precision == "bfloat16" else {}
            return {"float32": encoder, **lowered}, record
        if key not in self._networks:
            encoder, record = build_encoder(recipe)
            self._networks[key] = {"float32": encoder}, record
        self._networks.move_to_end(key)
        while len(self._networks) > NETWORKS:
            self._networks.popitem(last=False)
        encoders, record = self._networks[key]
        check_layers(encoders["float32"], recipe.content_layers + recipe.style_layers, record.architecture)
        if precision == "bfloat16" and "bfloat16" not in encoders:
            encoders["bfloat16"] = encoders["float32"].to_bfloat16()
        return {name: encoder for name, encoder in encoders.items() if name in ("float32", precision)}, record

    def read_style(self, source: ImageSource, max_pixels: int) -> Picture:
        """Return a style image, read from its file once. Raises what `read_picture` raises."""
        stamp = _stamp(source) if isinstance(source, (str, os.PathLike)) else None
        key = (os.path.abspath(source), stamp, max_pixels) if isinstance(source, (str, os.PathLike)) else None
        if stamp is not None and key in self._styles:
            self._styles.move_to_end(key)
            return self._styles[key]
        picture = read_picture(source, name="style_image", max_pixels=max_pixels)
        if stamp is not None:
            self._styles[key] = picture
        while sum(style.image.numel() * 4 for style in self._styles.values()) > STYLE_BYTES:
            self._styles.popitem(last=False)
        return picture


def _stamp(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Return the size and the time of change of a file; None if there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns

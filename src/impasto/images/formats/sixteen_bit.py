"""Decode PNG and TIFF files of 16 bits a channel, of which Pillow keeps 8. Needs the extra `deep`."""

import importlib
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, PngImagePlugin, TiffImagePlugin
from torch import Tensor

from impasto.errors import ImageReadError
from impasto.images.formats.profiles import unit_to_srgb

_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_PREMULTIPLIED, _STRAIGHT = 1, 2
_WHITE = 65535

Levels = npt.NDArray[np.uint16]
"""(H, W, C), straight: C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA."""


def is_deep(picture: Image.Image) -> bool:
    """Whether the opened, not yet loaded file holds 16 bits a channel that `decode_deep` can read."""
    if isinstance(picture, PngImagePlugin.PngImageFile):
        return any(str(tile.args).endswith(";16B") for tile in picture.tile)
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        return False
    tags = picture.tag_v2
    return (
        set(np.atleast_1d(tags.get(_BITS, 1))) == {16}
        and set(np.atleast_1d(tags.get(_SAMPLE_FORMAT, 1))) == {1}
        and tags.get(_PHOTOMETRIC) in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
    )


def decode_deep(data: bytes, picture: Image.Image, label: str) -> Levels:
    """Decode the pixels of a file that `is_deep`, as they are stored. data: its bytes; picture: as Pillow opened it.

    Raises ImageReadError (a layout that is no picture), and whatever the decoders raise of damaged bytes.
    """
    # A transparent color of a PNG (tRNS) comes as alpha.
    decode = _decode_tiff if picture.format == "TIFF" else importlib.import_module("imagecodecs").png_decode
    levels: npt.NDArray[Any] = decode(data)
    levels = levels if levels.ndim == 3 else levels[:, :, None]
    if levels.ndim != 3 or levels.dtype != np.uint16 or levels.shape[2] not in (1, 2, 3, 4):
        raise ImageReadError(
            f"{label} holds {levels.dtype} pixels of shape {levels.shape}; expected 16-bit grey or RGB.",
            "Save it as RGB of 16 bits.",
        )
    return levels


def levels_to_layers(levels: Levels, profile: bytes | None, label: str) -> tuple[Tensor, Tensor | None]:
    """Return color (1, 3, H, W) in sRGB and alpha (1, 1, H, W), None if there is none; float32 in [0, 1]."""
    unit = levels.astype(np.float32) / np.float32(_WHITE)
    has_alpha = unit.shape[2] in (2, 4)
    colors = unit_to_srgb(unit[:, :, :-1] if has_alpha else unit, profile, label)
    color = torch.from_numpy(np.ascontiguousarray(colors.transpose(2, 0, 1)))[None]
    return color, torch.from_numpy(np.ascontiguousarray(unit[:, :, -1]))[None, None] if has_alpha else None


def _decode_tiff(data: bytes) -> npt.NDArray[Any]:
    with importlib.import_module("tifffile").TiffFile(BytesIO(data)) as file:
        page: Any = file.pages[0]
        levels: npt.NDArray[Any] = page.asarray()
        extra = [int(kind) for kind in page.extrasamples]
        colors = 3 if page.photometric == _RGB else 1
        if page.planarconfig == 2 and levels.ndim == 3:
            levels = np.moveaxis(levels, 0, 2)
        is_inverted = page.photometric == _WHITE_IS_ZERO
    levels = levels if levels.ndim == 3 else levels[:, :, None]
    if levels.ndim != 3 or levels.dtype != np.uint16 or levels.shape[2] < colors:
        return levels
    if is_inverted:
        levels = np.concatenate([_WHITE - levels[:, :, :1], levels[:, :, 1:]], axis=2)
    # Four channels without a declared kind are RGBA to Pillow, and to us.
    kind = extra[0] if extra else _STRAIGHT
    if levels.shape[2] == colors or kind not in (_PREMULTIPLIED, _STRAIGHT):
        return levels[:, :, :colors]
    levels = levels[:, :, : colors + 1]
    return _unmultiply(levels) if kind == _PREMULTIPLIED else levels


def _unmultiply(levels: Levels) -> Levels:
    alpha = levels[:, :, -1:].astype(np.float64)
    straight = np.round(levels[:, :, :-1] * (_WHITE / np.maximum(alpha, 1)))
    return np.concatenate([np.minimum(straight, _WHITE).astype(np.uint16), levels[:, :, -1:]], axis=2)

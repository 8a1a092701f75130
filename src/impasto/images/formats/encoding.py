"""Encode an image, and what its photograph carried, as the bytes of a file."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from impasto.errors import OutputError
from impasto.images.carried import Carried, Depth
from impasto.images.formats.exif import JPEG_EXIF_BYTES, set_resolution
from impasto.images.formats.png import encode_png
from impasto.images.formats.profiles import picture_from_srgb, srgb_profile, srgb_to_unit
from impasto.images.formats.tiff import encode_tiff
from impasto.images.pixels import composite_on_white, to_uint8
from impasto.images.resize import resize_image

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format we write: PIL's name for it, its longest side in pixels, and the options of PIL's `save`."""

    pillow_name: str
    max_side: int
    options: Mapping[str, Any]
    is_deep: bool = False
    has_alpha: bool = True


_JPEG = FileFormat("JPEG", 65_500, {"quality": 95, "subsampling": "4:4:4"}, has_alpha=False)
_TIFF = FileFormat("TIFF", 2**31 - 1, {}, is_deep=True)
FORMATS: Mapping[str, FileFormat] = {
    ".png": FileFormat("PNG", 2**31 - 1, {"compress_level": 6}, is_deep=True),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": FileFormat("WEBP", 16_383, {"quality": 95}),
    ".tif": _TIFF,
    ".tiff": _TIFF,
}


def check_depth(suffix: str, depth: int | None, label: str) -> None:
    """Accept a depth that files of this suffix can have; None always. Raises OutputError."""
    if depth not in (None, 8, 16):
        raise OutputError(f"depth is {depth!r}; expected 8 or 16 bits a channel.", "Give --depth 8 or --depth 16.")
    if depth == 16 and not FORMATS[suffix].is_deep:
        raise OutputError(
            f"{label} cannot hold --depth 16; only PNG and TIFF files can.", "Write it as .png, or give --depth 8."
        )


def encode_image(
    image: Tensor,
    file_format: FileFormat,
    options: Mapping[str, Any],
    label: str,
    *,
    carried: Carried,
    depth: Depth | None,
    keep_profile: bool,
    strip: bool,
    dpi: float | None,
) -> BytesIO:
    """Return the file. image: (1, 3, H, W) in [0, 1], sRGB, checked. label: the file, in messages.

    options: those of PIL's `save`, the metadata among them; the other parameters are those of `write_image`.
    Raises OSError and ValueError, as PIL's `save` does.
    """
    if depth is None:
        depth = carried.depth if file_format.is_deep else 8
    if keep_profile and not carried.keepable:
        logger.warning("%s: the photograph's ICC profile is not a sound one of RGB pixels; written in sRGB.", label)
    image = image.detach().cpu()
    alpha = None if carried.alpha is None else resize_image(carried.alpha, (image.shape[-2], image.shape[-1]))
    if alpha is not None and not file_format.has_alpha:
        image, alpha = composite_on_white(image, alpha, label), None
    levels, profile = _to_profile(image, depth, carried.profile if keep_profile else None, label)
    if alpha is not None:
        levels = np.concatenate([levels, _to_levels(alpha, depth)], axis=2)
    exif = None if strip else carried.exif
    resolution = carried.dpi if dpi is None else (dpi, dpi)
    # WebP has no resolution outside EXIF; elsewhere EXIF must say the same as the file.
    if resolution is not None and (exif is not None or file_format.pillow_name in ("WEBP", "TIFF")):
        exif = set_resolution(exif, resolution)
    if file_format.pillow_name == "TIFF":
        return encode_tiff(levels, profile=profile, exif=exif, tags=options.get("tiffinfo", {}))
    if depth == 16:
        texts = options.get("pnginfo", PngImagePlugin.PngInfo()).chunks
        chunks = [(kind, data) for kind, data, *_ in texts]
        return encode_png(levels, profile=profile, exif=exif, dpi=resolution, chunks=chunks)
    if exif is not None and file_format.pillow_name == "JPEG" and len(exif) > JPEG_EXIF_BYTES:
        logger.warning("%s: the photograph's EXIF, %d bytes, is more than a JPEG holds; left out.", label, len(exif))
        exif = None
    if exif is not None:
        options = {**options, "exif": exif}
    if resolution is not None:
        options = {**options, "dpi": resolution}
    encoded = BytesIO()
    Image.fromarray(levels).save(encoded, file_format.pillow_name, icc_profile=profile, **options)
    return encoded


def _to_profile(image: Tensor, depth: Depth, profile: bytes | None, label: str) -> tuple[npt.NDArray[Any], bytes]:
    """Return the color levels (H, W, 3) and the profile they are in: this one if it can be converted to, else sRGB."""
    if profile is not None:
        try:
            if depth == 8:
                return np.asarray(picture_from_srgb(Image.fromarray(_to_levels(image, 8)), profile)), profile
            unit = srgb_to_unit(image[0].permute(1, 2, 0).numpy(), profile)
            return _to_levels(torch.from_numpy(unit).permute(2, 0, 1)[None], 16), profile
        except ValueError as error:
            logger.warning(
                "%s: colors cannot be converted to the photograph's ICC profile (%s); written in sRGB.", label, error
            )
    return _to_levels(image, depth), srgb_profile()


def _to_levels(values: Tensor, depth: Depth) -> npt.NDArray[Any]:
    """Return (H, W, C) uint8 or uint16, nearest to values (1, C, H, W) in [0, 1]."""
    if depth == 8:
        return to_uint8(values).numpy()
    # float64: float32 has 24 bits, and half a level of 16 needs 17 of them exactly.
    return np.round(values[0].permute(1, 2, 0).double().numpy() * 65535).astype(np.uint16)

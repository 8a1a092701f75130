"""Decode PNG and TIFF files of 16 bits a channel, of which Pillow keeps 8, and TIFF files that it cannot open.

Needs the extra `deep`.
"""

import importlib
import logging
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError
from torch import Tensor

from impasto.errors import ImageRangeError, ImageReadError
from impasto.images.formats.decoding import TIFF_HEADS, check_pixel_count, read_tiff_tags
from impasto.images.formats.profiles import INSTALL_DEEP, has_deep, lab_to_srgb, unit_to_srgb

logger = logging.getLogger(__name__)

_BITS, _PHOTOMETRIC, _SAMPLES, _SAMPLE_FORMAT = 258, 262, 277, 339
_WIDTH, _HEIGHT, _XMP, _PROFILE = 256, 257, 700, 34675
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _LAB, _ICC_LAB = 0, 1, 2, 8, 9
_COLORS = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "Lab", 9: "Lab", 32803: "raw"}
_NUMBERS = {1: "", 2: "signed ", 3: "float ", 5: "complex ", 6: "complex "}
_PREMULTIPLIED, _STRAIGHT = 1, 2

_MOST_SAMPLES = 16
"""Channels of a TIFF; a damaged number of them would take any memory."""

SLACK = 0.01
"""Floats this far beyond [0, 1] are clipped, as sharpening and resizing leave them."""

Levels = npt.NDArray[Any]
"""(H, W, C), straight: C = 1 grey, 2 grey and alpha, 3 RGB or Lab, 4 with alpha."""


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
    unit = _divide(levels)
    has_alpha = unit.shape[2] in (2, 4)
    colors = unit_to_srgb(unit[:, :, :-1] if has_alpha else unit, profile, label)
    color = torch.from_numpy(np.ascontiguousarray(colors.transpose(2, 0, 1)))[None]
    return color, torch.from_numpy(np.ascontiguousarray(unit[:, :, -1]))[None, None] if has_alpha else None


def open_foreign_tiff(data: bytes) -> Image.Image | None:
    """Return a stand-in of 1 x 1 pixel, with EXIF, profile and XMP, for a TIFF that Pillow cannot open; else None."""
    if not data.startswith(TIFF_HEADS):
        return None
    try:
        with Image.open(BytesIO(data)):
            return None
    except UnidentifiedImageError:
        pass
    header = Image.new("RGB", (1, 1))
    tags = read_tiff_tags(BytesIO(data))
    if data.startswith(TIFF_HEADS[:2]):
        header.info["exif"] = data
    else:  # Pillow reads no EXIF of a BigTIFF, whose own tags have the same numbers
        header.getexif().update({tag: tags[tag] for tag in tags if tag not in (0x8769, 0x8825)})
    for name, tag in (("icc_profile", _PROFILE), ("xmp", _XMP)):
        if tag in tags:
            header.info[name] = tags[tag]
    return header


def decode_foreign_tiff(data: bytes, header: Image.Image, label: str, max_pixels: int) -> tuple[Tensor, Tensor | None]:
    """Return color and alpha, as `levels_to_layers`, of a TIFF of floats, of Lab or of 32 bits.

    header: from `open_foreign_tiff`. Raises ImageReadError (another kind, or the extra `deep` is missing),
    ImageSizeError, ImageRangeError (floats beyond [0, 1]), and whatever the decoders raise of damaged bytes.
    """
    tags = header.getexif()
    check_pixel_count(int(tags[_HEIGHT]) * int(tags[_WIDTH]), label, max_pixels)
    kind = _describe_tiff(tags)
    refusal = f"{label} is {kind}; expected grey, RGB, Lab or CMYK of 8 or 16 bits a channel."
    if not has_deep():
        raise ImageReadError(refusal, f"Save it as RGB of 16 bits, or run: {INSTALL_DEEP}")
    levels = _decode_tiff(data)
    is_lab = tags.get(_PHOTOMETRIC) in (_LAB, _ICC_LAB)
    is_read = is_lab or tags.get(_PHOTOMETRIC) in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
    if not is_read or levels.dtype.kind not in "uf" or levels.ndim != 3 or levels.shape[2] not in (1, 2, 3, 4):
        raise ImageReadError(refusal, "Save it as RGB of 16 bits.")
    if is_lab:
        return levels_to_layers(_lab_to_unit(levels, tags[_PHOTOMETRIC]), None, label)
    if levels.dtype.kind == "f":
        low, high = float(levels.min()), float(levels.max())
        if not (low >= -SLACK and high <= 1 + SLACK):  # NaN compares false
            raise ImageRangeError(
                f"{label} is {kind} over [{low:.4g}, {high:.4g}]; expected [0, 1].",
                "Bring its light into that range (tone mapping), or save it as RGB of 16 bits.",
            )
        levels = levels.astype(np.float32).clip(0, 1)
    return levels_to_layers(levels, header.info.get("icc_profile"), label)


def _describe_tiff(tags: Image.Exif) -> str:
    bits, numbers = (np.atleast_1d(tags.get(tag, 1))[0] for tag in (_BITS, _SAMPLE_FORMAT))
    colors = _COLORS.get(tags.get(_PHOTOMETRIC, -1), "unknown colors")
    extra = ", with channels beside these" if colors == "CMYK" and tags.get(_SAMPLES, 4) > 4 else ""
    return f"a TIFF of {bits}-bit {_NUMBERS.get(int(numbers), '')}{colors}{extra}"


def _decode_tiff(data: bytes) -> Levels:
    with importlib.import_module("tifffile").TiffFile(BytesIO(data)) as file:
        page: Any = file.pages[0]
        if page.samplesperpixel > _MOST_SAMPLES:
            raise ValueError(f"it has {page.samplesperpixel} channels")
        levels: Levels = page.asarray()
        extra = [int(kind) for kind in page.extrasamples]
        colors = 3 if page.photometric in (_RGB, _LAB, _ICC_LAB) else 1
        if page.planarconfig == 2 and levels.ndim == 3:
            levels = np.moveaxis(levels, 0, 2)
        is_inverted = page.photometric == _WHITE_IS_ZERO
    levels = levels if levels.ndim == 3 else levels[:, :, None]
    if levels.ndim != 3 or levels.dtype.kind not in "uf" or levels.shape[2] < colors:
        return levels
    if is_inverted:
        levels = np.concatenate([_white(levels) - levels[:, :, :1], levels[:, :, 1:]], axis=2)
    # Four channels without a declared kind are RGBA to Pillow, and to us.
    kind = extra[0] if extra else _STRAIGHT
    if levels.shape[2] == colors or kind not in (_PREMULTIPLIED, _STRAIGHT):
        return levels[:, :, :colors]
    levels = levels[:, :, : colors + 1]
    return _unmultiply(levels) if kind == _PREMULTIPLIED else levels


def _unmultiply(levels: Levels) -> Levels:
    white = _white(levels)
    alpha = levels[:, :, -1:].astype(np.float64)
    straight = np.minimum(levels[:, :, :-1] * (white / np.maximum(alpha, white / 65535)), white)
    straight = straight if levels.dtype.kind == "f" else np.round(straight)
    return np.concatenate([straight.astype(levels.dtype), levels[:, :, -1:]], axis=2)


def _lab_to_unit(levels: Levels, photometric: int) -> Levels:
    """Return 16-bit or float Lab, (H, W, 3|4), as sRGB in [0, 1]: TIFF 6.0, section 23, and TIFF Technical Note 4."""
    lab = levels[:, :, :3].astype(np.float32)
    if levels.dtype.kind == "u":
        signed = levels[:, :, 1:3].astype(np.int32) - (32768 if photometric == _ICC_LAB else 0)
        lab = np.dstack([lab[:, :, :1] * (100 / 65535), signed.astype(np.int16) / np.float32(256)])
    return np.dstack([lab_to_srgb(lab), _divide(levels[:, :, 3:])])


def _white(levels: Levels) -> int:
    return 1 if levels.dtype.kind == "f" else int(np.iinfo(levels.dtype).max)


def _divide(levels: Levels) -> Levels:
    return levels.astype(np.float32) / np.float32(_white(levels))

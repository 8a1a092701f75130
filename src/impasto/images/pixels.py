"""Convert PIL pictures, arrays and tensors to images, (1, 3, H, W) float32 in [0, 1], sRGB, and back.

`label` names the picture in messages: "content_image" or "content_image 'photo.jpg'".
"""

import logging
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from impasto.errors import ImageRangeError, ImageReadError
from impasto.images.formats.profiles import picture_to_srgb

logger = logging.getLogger(__name__)

Layers = tuple[Tensor, Tensor | None]
"""Color (1, 3, H, W) and alpha (1, 1, H, W), None where there is none; float32 in [0, 1]."""

SHOWN = 1024
"""Pixels at most of the long edge of a picture that a notebook shows."""

_WHITE_OF_16_BITS = 65535

_WHITES: dict[object, int] = {
    **{np.uint8: 255, np.uint16: _WHITE_OF_16_BITS},
    **{torch.uint8: 255, torch.uint16: _WHITE_OF_16_BITS},
}
"""The level of white in each type of whole numbers; that of bool and floats is 1."""


def check_image(image: Tensor, label: str) -> None:
    """Accept a tensor that is an image: (1, 3, H, W), floating, H and W at least 1, all values in [0, 1].

    Raises ImageRangeError.
    """
    if not isinstance(image, Tensor) or image.layout != torch.strided or image.is_meta:
        raise ImageRangeError(
            f"{label} is a {type(image).__name__}; expected a dense tensor (1, 3, H, W) with values.",
            "impasto.read_image makes one of any picture.",
        )
    shape = tuple(image.shape)
    if len(shape) != 4 or shape[:2] != (1, 3) or image.numel() == 0:
        raise ImageRangeError(
            f"{label} is a tensor of shape {shape}; expected (1, 3, H, W) with H and W at least 1.",
            "Bring it to that shape; .permute(2, 0, 1) turns (H, W, 3) into (3, H, W).",
        )
    if not image.is_floating_point():
        raise ImageRangeError(
            f"{label} is a tensor of {image.dtype}; expected floats in [0, 1].", "Divide bytes by 255."
        )
    low, high = (float(bound) for bound in torch.aminmax(image.detach()))
    if not (low >= 0.0 and high <= 1.0):  # written so that NaN, which compares false, is refused too
        if np.isnan(low) or np.isnan(high):
            raise ImageRangeError(
                f"{label} holds NaN; expected numbers in [0, 1].", "Look at the step that made it, or replace the NaN."
            )
        raise ImageRangeError(
            f"{label} ranges over [{low:.4g}, {high:.4g}]; expected [0, 1].",
            "If these are bytes, divide by 255, or give them as uint8.",
        )


def array_to_layers(array: npt.NDArray[Any], label: str) -> Layers:
    """Convert an array to color and alpha. Of two possible layouts the channels are last. As for `tensor_to_layers`."""
    array = np.asarray(array)  # a matrix stays two-dimensional whatever is done to it
    white = _WHITES.get(array.dtype.type, 1)
    if white == 1 and array.dtype.kind not in "bf":
        raise _dtype_error(label, f"an array of {array.dtype}")
    with np.errstate(over="ignore"):  # a float64 too large for float32 becomes inf, and inf is refused below
        channels = _arrange(array, "an array", label).astype(np.float32, order="C")
    if white != 1:
        channels /= white
    return _split(torch.from_numpy(channels), label)


def tensor_to_layers(tensor: Tensor, label: str) -> Layers:
    """Convert a tensor to float32 color and alpha, without its gradient, on its device; grey becomes three channels.

    tensor: (H, W), (C, H, W), (1, C, H, W) or (H, W, C), C = 1 grey, 3 RGB, 4 RGBA; uint8, uint16, bool, or floating in
    [0, 1]. Of two possible layouts the channels are first. Raises ImageRangeError.
    """
    white = _WHITES.get(tensor.dtype, 1)
    if tensor.layout != torch.strided or tensor.is_meta:
        raise ImageRangeError(
            f"{label} is a tensor of layout {tensor.layout} on {tensor.device}; expected a dense one with values.",
            "Call .to_dense() of a sparse tensor.",
        )
    if white == 1 and not tensor.is_floating_point() and tensor.dtype != torch.bool:
        raise _dtype_error(label, f"a tensor of {tensor.dtype}")
    arranged = _arrange(tensor.detach(), "a tensor", label)
    channels = arranged.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    return _split(channels if white == 1 else channels.div_(white), label)


def _arrange(pixels: Any, kind: str, label: str) -> Any:
    """Return a view of an array or a tensor, (C, H, W). Raises ImageRangeError."""
    shape = tuple(pixels.shape)
    if len(shape) == 4 and shape[0] == 1:
        pixels = pixels[0]
    elif len(shape) == 2:
        pixels = pixels[None]
    is_first, is_last = (len(pixels.shape) == 3 and pixels.shape[axis] in (1, 3, 4) for axis in (0, -1))
    if 0 in shape or not (is_first or is_last):
        raise ImageRangeError(
            f"{label} is {kind} of shape {shape}; expected (H, W), or 1, 3 or 4 channels first or last.",
            "Give one picture at a time.",
        )
    if is_first and (not is_last or len(shape) == 2 or isinstance(pixels, Tensor)):
        return pixels
    return pixels.permute(2, 0, 1) if isinstance(pixels, Tensor) else pixels.transpose(2, 0, 1)


def _split(channels: Tensor, label: str) -> Layers:
    """Check color and alpha of (C, H, W), and return them."""
    image = channels[None]
    alpha = image[:, 3:].contiguous() if image.shape[1] == 4 else None
    if alpha is not None:
        check_image(alpha.expand(-1, 3, -1, -1), f"the alpha of {label}")
    image = image.repeat(1, 3, 1, 1) if image.shape[1] == 1 else image[:, :3].contiguous()
    check_image(image, label)
    return image, alpha


def _dtype_error(label: str, what: str) -> ImageRangeError:
    return ImageRangeError(
        f"{label} is {what}; expected uint8, uint16, bool, or floats in [0, 1].", "Convert it to one of these."
    )


def picture_to_layers(picture: Image.Image, label: str) -> Layers:
    """Convert a loaded PIL picture of any mode to color and alpha, from its ICC profile to sRGB.

    Raises ImageRangeError (float or 32-bit grey out of range), ImageReadError (a mode that has no way to RGB).
    """
    profile = picture.info.get("icc_profile")
    if picture.mode == "F" or picture.mode.startswith("I"):
        if profile:
            logger.warning("%s: its ICC profile is left aside; we convert profiles of 8-bit pictures only.", label)
        return array_to_layers(_deep_grey(picture, label), label)
    try:
        if not picture.has_transparency_data:
            return array_to_layers(np.array(picture_to_srgb(_to_opaque(picture), profile, label)), label)
        straight = (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")  # La goes no other way
        grey = picture.mode in ("L", "LA", "La")  # a grey profile fits grey pixels only
        srgb = picture_to_srgb(straight.getchannel("R") if grey else straight.convert("RGB"), profile, label)
        srgb.putalpha(straight.getchannel("A"))
    except ValueError as error:
        if isinstance(error, ImageRangeError):
            raise
        raise ImageReadError(
            f"{label} has the pixel mode {picture.mode}, which has no way to RGB; expected grey, RGB or CMYK.",
            "Save it as RGB first.",
        ) from error
    return array_to_layers(np.array(srgb), label)


def image_to_picture(image: Tensor) -> Image.Image:
    """Return the nearest PIL picture, 8-bit RGB, to a checked image, (1, 3, H, W) in [0, 1]."""
    return Image.fromarray(to_uint8(image.detach()).cpu().numpy())


def encode_shown(image: Tensor) -> bytes:
    """Return the PNG by which a notebook shows a checked image, (1, 3, H, W) in [0, 1]: at most SHOWN pixels a side."""
    picture, file = image_to_picture(image), BytesIO()
    picture.thumbnail((SHOWN, SHOWN))
    picture.save(file, "PNG")
    return file.getvalue()


def to_uint8(values: Tensor) -> Tensor:
    """Return the nearest 8-bit levels, (H, W, C) uint8, to values (1, C, H, W) in [0, 1]."""
    return values[0].mul(255).round_().to(torch.uint8).permute(1, 2, 0).contiguous()


def composite_on_white(color: Tensor, alpha: Tensor, label: str) -> Tensor:
    """Return the color as it looks on white paper, with a warning if any of it is transparent."""
    if bool((alpha < 1).any()):
        logger.warning("%s: its transparent parts were composited on white.", label)
        return color * alpha + (1 - alpha)
    return color


def _deep_grey(picture: Image.Image, label: str) -> npt.NDArray[Any]:
    # np.array, not picture.convert("L"): convert clips 16 bits at 255.
    grey = np.array(picture)
    if picture.mode == "F":
        return grey
    low, high = int(grey.min()), int(grey.max())
    if low < 0 or high > _WHITE_OF_16_BITS:
        raise ImageRangeError(
            f"{label} holds 32-bit grey over [{low}, {high}]; expected 16-bit grey, [0, {_WHITE_OF_16_BITS}].",
            "Save it with 8 or 16 bits.",
        )
    grey = grey.astype(np.uint16)
    clear = picture.info.get("transparency")  # PNG may name one grey level as transparent
    if not isinstance(clear, int):
        return grey
    alpha = np.where(grey == clear, 0, _WHITE_OF_16_BITS).astype(np.uint16)
    return np.stack([grey, grey, grey, alpha], axis=2)


def _to_opaque(picture: Image.Image) -> Image.Image:
    if picture.mode in ("L", "RGB", "CMYK"):
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")

"""ICC profiles: convert a photograph's colors to sRGB, and a pastiche's from sRGB to the photograph's profile."""

import functools
import importlib
import importlib.util
import logging
import struct
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

logger = logging.getLogger(__name__)

INSTALL_DEEP = 'pip install "impasto[deep]"'

Levels = npt.NDArray[Any]
"""Pixels as a file holds them: (H, W, C)."""

_HEADER_BYTES = 128
_SPACES = {1: "GRAY", 3: "RGB"}


def has_deep() -> bool:
    """Whether the extra `deep` is installed: imagecodecs and tifffile."""
    return all(importlib.util.find_spec(name) is not None for name in ("imagecodecs", "tifffile"))


@functools.cache
def srgb_profile() -> bytes:
    """Return the profile of sRGB, the same bytes at any time."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)  # its date, which lcms takes from the clock
    return bytes(profile)


def is_srgb(profile: bytes) -> bool:
    """Whether the profile is ours, apart from its header, so that nothing has to be converted, nor rounded."""
    return profile[_HEADER_BYTES:] == srgb_profile()[_HEADER_BYTES:]


def is_rgb(profile: bytes | None) -> bool:
    """Whether it is a sound profile of RGB pixels."""
    return profile is not None and _space_of(profile) == "RGB"


def picture_to_srgb(picture: Image.Image, profile: bytes | None, label: str) -> Image.Image:
    """Convert a picture (L, RGB or CMYK) to 8-bit RGB in sRGB.

    A profile that cannot be used is ignored, with a warning; so is CMYK without one, of which no one knows the inks.
    """
    if profile and not is_srgb(profile):
        try:
            return _convert(picture, BytesIO(profile), ImageCms.createProfile("sRGB"))
        except ImageCms.PyCMSError as error:
            logger.warning("%s: its ICC profile was left aside (%s); the colors are taken as sRGB.", label, error)
    if picture.mode == "CMYK":
        logger.warning("%s: it is CMYK without a usable ICC profile; its press colors are only approximated.", label)
    return picture.convert("RGB")


def unit_to_srgb(colors: Levels, profile: bytes | None, label: str) -> Levels:
    """Convert colors to sRGB in float32; a profile that cannot be used is ignored, with a warning.

    colors: (H, W, 1|3) float32 in [0, 1]. Returns (H, W, 3) float32 in [0, 1]. Needs the extra `deep` for a profile.
    """
    count = colors.shape[2]
    if profile and not is_srgb(profile):
        if _space_of(profile) == _SPACES[count]:
            try:
                return _transform(colors, profile, srgb_profile())
            except Exception as error:  # imagecodecs' errors are of no common kind
                reason = str(error)
        else:
            reason = f"it is no {_SPACES[count]} profile"
        logger.warning("%s: its ICC profile was left aside (%s); the colors are taken as sRGB.", label, reason)
    return np.repeat(colors, 3, axis=2) if count == 1 else colors


def lab_to_srgb(colors: Levels) -> Levels:
    """Convert CIELAB under D50, (H, W, 3) float32 with L in [0, 100], to sRGB in [0, 1]. Needs the extra `deep`."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    return _transform(colors, profile, srgb_profile(), space="lab")


def srgb_to_unit(colors: Levels, profile: bytes) -> Levels:
    """Convert sRGB colors, (H, W, 3) float32 in [0, 1], to an RGB profile; colors beyond its gamut are clipped.

    In 8 bits without the extra `deep`. Raises ValueError for a profile that cannot be converted to.
    """
    if has_deep():
        try:
            return _transform(colors, srgb_profile(), profile)
        except Exception as error:
            raise ValueError(str(error)) from error
    logger.warning("the photograph's ICC profile is applied in 8 bits, without the extra 'deep'. Run: %s", INSTALL_DEEP)
    picture = Image.fromarray(np.round(colors * 255).astype(np.uint8))
    return np.asarray(picture_from_srgb(picture, profile)) / np.float32(255)


def picture_from_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Convert an 8-bit sRGB picture to an RGB profile. Raises ValueError for one that cannot be converted to."""
    try:
        return _convert(picture, ImageCms.createProfile("sRGB"), BytesIO(profile))
    except ImageCms.PyCMSError as error:
        raise ValueError(str(error)) from error


def _convert(picture: Image.Image, source: Any, target: Any) -> Image.Image:
    converted: Image.Image | None = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    assert converted is not None  # None is for inPlace only
    return converted


def _transform(colors: Levels, source: bytes, target: bytes, space: str = "rgb") -> Levels:
    # float32: in 16 bits lcms uses tables, which near black are off by 149 of 65535 levels (measured); float32 by 0.5.
    imagecodecs = importlib.import_module("imagecodecs")
    grey = colors.shape[2] == 1
    pixels = np.ascontiguousarray(colors[:, :, 0] if grey else colors, dtype=np.float32)
    space = "gray" if grey else space
    converted = imagecodecs.cms_transform(pixels, source, target, colorspace=space, outcolorspace="rgb", intent=0)
    clipped: Levels = np.clip(converted, 0, 1)
    return clipped


def _space_of(profile: bytes) -> str | None:
    """Return the color space of the pixels, as the profile names it; None for a broken profile."""
    try:
        opened = ImageCms.getOpenProfile(BytesIO(profile))
    except ImageCms.PyCMSError:
        return None
    try:
        return str(opened.profile.xcolor_space).strip()
    except UnicodeDecodeError:
        return None

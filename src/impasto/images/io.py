"""Pictures in and out: read_image, write_image, and the checks before slow work."""

import difflib
import hashlib
import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from impasto.errors import ImageRangeError, OutputError
from impasto.images.carried import NOTHING, Carried, Depth
from impasto.images.fill import fill_transparent
from impasto.images.formats.decoding import (
    check_pixel_count,
    load_upright,
    one_line,
    open_picture,
    read_file,
    reading,
)
from impasto.images.formats.encoding import FORMATS, Finish, check_depth, encode_image
from impasto.images.formats.exif import carry_exif
from impasto.images.formats.metadata import add_metadata, find_metadata
from impasto.images.formats.png import drop_damaged_chunks
from impasto.images.formats.profiles import INSTALL_DEEP, has_deep, is_rgb
from impasto.images.formats.sixteen_bit import is_deep, levels_to_layers, read_levels, read_orientation
from impasto.images.picture import Picture, hash_pixels
from impasto.images.pixels import (
    Layers,
    array_to_layers,
    check_image,
    picture_to_layers,
    tensor_to_image,
)
from impasto.system.disk import check_folder, check_not_input, is_folder, replace_file

logger = logging.getLogger(__name__)

MAX_PIXELS = 200_000_000

ImageSource = str | os.PathLike[str] | Image.Image | npt.NDArray[Any] | Tensor


def read_image(source: ImageSource, *, name: str = "image", max_pixels: int = MAX_PIXELS) -> Tensor:
    """The image in a file, a PIL picture, an array or a tensor, as (1, 3, H, W) float32 in [0, 1], sRGB.

    source: a path; a PIL picture; an array (H, W) or (H, W, 1|3|4) of uint8, uint16 or floats in [0, 1]; or a
    tensor (3, H, W) or (1, 3, H, W) of floats in [0, 1], whose device is kept. It is never changed in place.
    name: what messages call it, such as "content_image". max_pixels: the largest H*W that is decoded.

    EXIF orientation is applied, an ICC profile converted to sRGB, the first of several frames taken; what is lost by
    that is logged as a warning. Transparent parts continue smoothly what is seen around them: any color of their own,
    white too, would be a stroke of the style. PNG and TIFF files of 16 bits a channel are read
    in 16 bits with the extra `deep`, in 8 without it.
    Raises ImageReadError (missing, damaged, not a picture), ImageSizeError (more than `max_pixels`, judged by the
    header), ImageRangeError (shape, type or range of an array or tensor; a float file beyond [0, 1]).
    """
    return read_picture(source, name=name, max_pixels=max_pixels).image


def read_photograph(
    source: ImageSource, *, name: str = "image", max_pixels: int = MAX_PIXELS
) -> tuple[Tensor, Carried]:
    """Return the image as `read_image` does, and what else the picture carries, alpha too, for `write_image`."""
    picture = read_picture(source, name=name, max_pixels=max_pixels)
    return picture.image, picture.carried


def read_picture(source: ImageSource, *, name: str = "image", max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture with all that it carries, its orientation, name, path and SHA-256; a file is read once.

    Parameters, warnings and errors are those of `read_image`.
    """
    picture = _read(source, name, max_pixels)
    alpha = picture.alpha
    if alpha is None:
        return picture
    color = picture.image
    return replace(picture, image=fill_transparent(color, alpha), carried=replace(picture.carried, color=color))


def _read(source: ImageSource, name: str, max_pixels: int) -> Picture:
    """Read a picture, its transparent parts in their own colors."""
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        label = f"{name} {str(path)!r}"
        data = read_file(path, label, max_pixels)
        sha256 = hashlib.sha256(data).hexdigest()
        return replace(_decode(data, label, max_pixels), name=path.name, path=os.path.abspath(path), sha256=sha256)
    if isinstance(source, Image.Image):
        with reading(name, max_pixels):
            upright, exif, orientation = _load(source, name, max_pixels)
        return replace(
            _to_picture(picture_to_layers(upright, name), upright, exif, orientation), sha256=hash_pixels(source)
        )
    if isinstance(source, np.ndarray):
        check_pixel_count(math.prod(source.shape[:2]), name, max_pixels)
        color, alpha = array_to_layers(source, name)
        return Picture(image=color, carried=Carried(alpha=alpha), sha256=hash_pixels(source))
    if isinstance(source, Tensor):
        check_pixel_count(math.prod(source.shape[-2:]), name, max_pixels)
        return Picture(image=tensor_to_image(source, name), sha256=hash_pixels(source))
    raise ImageRangeError(
        f"{name} is a {type(source).__name__}; expected a path, a PIL picture, a numpy array or a torch tensor.",
        "Give one picture, not a list; wrap bytes with PIL.Image.open(io.BytesIO(...)).",
    )


def _decode(data: bytes, label: str, max_pixels: int) -> Picture:
    with reading(label, max_pixels):
        data = drop_damaged_chunks(data, label)
    with open_picture(BytesIO(data), label, max_pixels) as opened:
        deep = is_deep(opened)
        # Pillow decodes 16-bit files too: its checks for damage are the best, and it reads the EXIF.
        upright, exif, orientation = _load(opened, label, max_pixels)
        levels = read_levels(data, opened, orientation, label) if deep and has_deep() else None
    if levels is not None:
        layers = levels_to_layers(levels, upright.info.get("icc_profile"), label)
        return _to_picture(layers, upright, exif, orientation, 16)
    if deep and not upright.mode.startswith("I"):  # Pillow keeps the 16 bits of grey alone
        logger.warning(
            "%s: its 16 bits a channel are read as 8, without the extra 'deep'. Run: %s", label, INSTALL_DEEP
        )
    return _to_picture(
        picture_to_layers(upright, label), upright, exif, orientation, 16 if upright.mode.startswith("I") else 8
    )


def _load(opened: Image.Image, label: str, max_pixels: int) -> tuple[Image.Image, bytes | None, int]:
    """Decode with Pillow: the upright picture, the EXIF to carry and the orientation that was applied."""
    is_tiff = opened.format == "TIFF"
    turned = read_orientation(opened) if is_tiff else 1  # Pillow turns a TIFF, and forgets it, when it loads it
    upright = load_upright(opened, label, max_pixels)
    return upright, carry_exif(opened, label), turned if is_tiff else read_orientation(opened)


def _to_picture(
    layers: Layers, upright: Image.Image, exif: bytes | None, orientation: int, depth: Depth = 8
) -> Picture:
    color, alpha = layers
    profile = upright.info.get("icc_profile") or None
    sound = profile if is_rgb(profile) else None
    keepable = profile is None or sound is not None
    carried = Carried(profile=sound, exif=exif, alpha=alpha, depth=depth, keepable=keepable)
    return Picture(image=color, carried=carried, orientation=orientation)


def read_metadata(path: str | os.PathLike[str]) -> dict[str, object] | None:
    """Return what `write_image` put into the picture as `metadata`, or None where there is nothing of ours.

    No pixel is decoded, so that a picture of any size is safe to ask.
    Raises ImageReadError (missing or damaged, or metadata beyond 16 MB).
    """
    return find_metadata(Path(path), f"picture {str(Path(path))!r}")


def write_image(
    image: Tensor,
    path: str | os.PathLike[str],
    *,
    metadata: Mapping[str, object] | None = None,
    carried: Carried = NOTHING,
    depth: Depth | None = None,
    keep_profile: bool = False,
    strip: bool = False,
) -> None:
    """Write the image in the format of the suffix, with its ICC profile; the same image gives the same bytes.

    image: (1, 3, H, W) in [0, 1], sRGB. metadata: a JSON-able object that goes into the file.
    carried: what `read_photograph` found: EXIF goes into the file unless `strip`, alpha where the format has it (it is
    composited on white elsewhere, with a warning), exactly if the sizes are equal.
    depth: 8 or 16 bits a channel, 16 for PNG and TIFF; None: as the photograph had, where the format can.
    keep_profile: colors in the photograph's ICC profile instead of sRGB.
    The file appears under its name whole or not at all; one that stood there is replaced in one atomic move.
    Raises ImageRangeError (not an image), OutputError (a path, size or depth that the format cannot hold), DiskError.
    """
    check_image(image, "the image to write")
    size = (image.shape[2], image.shape[3])
    path = check_output(path, inputs=(), size=size, depth=depth)
    file_format = FORMATS[path.suffix.lower()]
    label = f"output {str(path)!r}"
    options = dict(file_format.options)
    if metadata is not None:
        options = add_metadata(options, file_format.pillow_name, metadata)
    finish = Finish(depth=depth, keep_profile=keep_profile, strip=strip)
    try:
        encoded = encode_image(image, file_format, options, carried, finish, label)
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{label} could not be encoded as {file_format.pillow_name} ({one_line(error)}).", "Write it as .png."
        ) from error
    replace_file(path, encoded)


def check_output(
    path: str | os.PathLike[str],
    *,
    inputs: Sequence[object],
    size: tuple[int, int] | None = None,
    depth: int | None = None,
    name: str = "output",
) -> Path:
    """The path, if a picture can be written there; to be asked before slow work. Leaves nothing on the disk.

    inputs: what the run reads; those that are paths must not be overwritten, the others are ignored.
    size: (height, width) of the picture, where known. depth: its bits a channel, if chosen. Raises OutputError.
    """
    path = Path(path)
    label = f"{name} {str(path)!r}"
    if is_folder(path, label):
        raise OutputError(f"{label} is a folder; expected a file.", f"Write {str(path / 'pastiche.png')!r}.")
    _check_suffix(path, label)
    check_depth(path.suffix.lower(), depth, label)
    check_folder(path.parent, label)
    check_not_input(path, label, inputs)
    max_side = FORMATS[path.suffix.lower()].max_side
    if size is not None and max(size) > max_side:
        raise OutputError(
            f"{label} would be {size[1]} x {size[0]} pixels; {path.suffix} files hold at most {max_side} a side.",
            "Write it as .png.",
        )
    return path


def _check_suffix(path: Path, label: str) -> None:
    suffix = path.suffix.lower()
    if suffix in FORMATS:
        return
    close = difflib.get_close_matches(suffix, FORMATS, n=1)
    hint = str(path.with_suffix(close[0] if close else ".png")) if path.name else "pastiche.png"
    found = f"the unknown suffix {path.suffix!r}" if suffix else "no suffix"
    raise OutputError(f"{label} has {found}; expected one of {', '.join(FORMATS)}.", f"Did you mean {hint!r}?")

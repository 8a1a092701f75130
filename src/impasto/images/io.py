"""Pictures in and out: read_image, write_image, and the checks before slow work."""

import difflib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from impasto.errors import ImageRangeError, ImageReadError, OutputError
from impasto.images.chunks import read_texts
from impasto.images.disk import check_folder, check_not_input, replace_file
from impasto.images.files import check_file, check_pixel_count, load_upright, one_line, open_picture, reading
from impasto.images.metadata import add_metadata, find_metadata
from impasto.images.pixels import array_to_image, check_image, image_to_picture, picture_to_image, tensor_to_image

MAX_PIXELS = 200_000_000

ImageSource = str | os.PathLike[str] | Image.Image | npt.NDArray[Any] | Tensor


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format we write: PIL's name for it, its longest side in pixels, and the options of PIL's `save`."""

    pillow_name: str
    max_side: int
    options: Mapping[str, Any]


_JPEG = FileFormat("JPEG", 65_500, {"quality": 95, "subsampling": "4:4:4"})
# Predictor (317) = 2 stores differences of neighbors: 20 to 28 % less than plain LZW on four pastiches.
_TIFF = FileFormat("TIFF", 2**31 - 1, {"compression": "tiff_lzw", "tiffinfo": {317: 2}})
FORMATS: Mapping[str, FileFormat] = {
    ".png": FileFormat("PNG", 2**31 - 1, {"compress_level": 6}),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": FileFormat("WEBP", 16_383, {"quality": 95}),
    ".tif": _TIFF,
    ".tiff": _TIFF,
}


def read_image(source: ImageSource, *, name: str = "image", max_pixels: int = MAX_PIXELS) -> Tensor:
    """The image in a file, a PIL picture, an array or a tensor, as (1, 3, H, W) float32 in [0, 1], sRGB.

    source: a path; a PIL picture; an array (H, W) or (H, W, 1|3|4) of uint8, uint16 or floats in [0, 1]; or a
    tensor (3, H, W) or (1, 3, H, W) of floats in [0, 1], whose device is kept. It is never changed in place.
    name: what messages call it, such as "content_image". max_pixels: the largest H*W that is decoded.

    EXIF orientation is applied, an ICC profile converted to sRGB, transparency composited on white, the first of
    several frames taken; what is lost by that is logged as a warning.
    Raises ImageReadError (missing, damaged, not a picture), ImageSizeError (more than `max_pixels`, judged by the
    header), ImageRangeError (shape, type or range of an array or tensor; a float file beyond [0, 1]).
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        label = f"{name} {str(path)!r}"
        with open_picture(path, label, max_pixels) as picture:
            upright = load_upright(picture, label, max_pixels)
        return picture_to_image(upright, label)
    if isinstance(source, Image.Image):
        with reading(name, max_pixels):
            upright = load_upright(source, name, max_pixels)
        return picture_to_image(upright, name)
    if isinstance(source, np.ndarray):
        check_pixel_count(math.prod(source.shape[:2]), name, max_pixels)
        return array_to_image(source, name)
    if isinstance(source, Tensor):
        check_pixel_count(math.prod(source.shape[-2:]), name, max_pixels)
        return tensor_to_image(source, name)
    raise ImageRangeError(
        f"{name} is a {type(source).__name__}; expected a path, a PIL picture, a numpy array or a torch tensor.",
        "Give one picture, not a list; wrap bytes with PIL.Image.open(io.BytesIO(...)).",
    )


def read_metadata(path: str | os.PathLike[str]) -> dict[str, object] | None:
    """What write_image put into the picture as `metadata`, or None where there is nothing of ours.

    Only the file's texts are read, never its pixels, so that a picture of any size is safe to ask.
    Raises ImageReadError (missing, or a text that is damaged or beyond 16 MB).
    """
    path = Path(path)
    label = f"picture {str(path)!r}"
    check_file(path, label)
    try:
        return find_metadata(read_texts(path, label))
    except ValueError as error:
        raise ImageReadError(
            f"{label} holds damaged impasto metadata ({error}); expected a JSON object.",
            "Use the picture as impasto wrote it, before another program changed it.",
        ) from error


def write_image(image: Tensor, path: str | os.PathLike[str], *, metadata: Mapping[str, object] | None = None) -> None:
    """Write the image, rounded to 8 bits, in the format of the suffix; the same image gives the same bytes.

    image: (1, 3, H, W) in [0, 1], sRGB. metadata: a JSON-able object that goes into the file.
    The file appears under its name whole or not at all; one that stood there is replaced in one atomic move.
    Raises ImageRangeError (not an image), OutputError (a path or size that the format cannot hold), DiskError.
    """
    check_image(image, "the image to write")
    size = (image.shape[2], image.shape[3])
    path = check_output(path, inputs=(), size=size)
    file_format = FORMATS[path.suffix.lower()]
    options = dict(file_format.options)
    if metadata is not None:
        options = add_metadata(options, file_format.pillow_name, metadata)
    encoded = BytesIO()
    try:
        image_to_picture(image).save(encoded, file_format.pillow_name, **options)
    except (OSError, ValueError) as error:
        raise OutputError(
            f"output {str(path)!r} could not be encoded as {file_format.pillow_name} ({one_line(error)}).",
            "Write it as .png.",
        ) from error
    replace_file(path, encoded)


def check_output(
    path: str | os.PathLike[str],
    *,
    inputs: Sequence[object],
    size: tuple[int, int] | None = None,
    name: str = "output",
) -> Path:
    """The path, if a picture can be written there; to be asked before slow work. Leaves nothing on the disk.

    inputs: what the run reads; those that are paths must not be overwritten, the others are ignored.
    size: (height, width) of the picture, where known. Raises OutputError.
    """
    path = Path(path)
    label = f"{name} {str(path)!r}"
    try:
        if path.is_dir():
            raise OutputError(f"{label} is a folder; expected a file.", f"Write {str(path / 'pastiche.png')!r}.")
        _check_suffix(path, label)
        check_folder(path.parent, label)
        check_not_input(path, label, inputs)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"{label} cannot be written ({error.strerror or error}); expected a place for a file.",
            "Choose another name.",
        ) from error
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
    mend = str(path.with_suffix(close[0] if close else ".png")) if path.name else "pastiche.png"
    found = f"the unknown suffix {path.suffix!r}" if suffix else "no suffix"
    raise OutputError(f"{label} has {found}; expected one of {', '.join(FORMATS)}.", f"Did you mean {mend!r}?")

"""Read and write pictures, and check an output before slow work."""

import difflib
import hashlib
import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from numbers import Integral, Real
from pathlib import Path
from typing import IO, Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from impasto.errors import ImageRangeError, ImageReadError, OutputError
from impasto.images.carried import NOTHING, Carried, Depth
from impasto.images.fill import fill_transparent
from impasto.images.formats.decoding import (
    check_pixel_count,
    guarded_pillow,
    load_upright,
    one_line,
    open_picture,
    read_file,
)
from impasto.images.formats.encoding import FORMATS, check_depth, encode_image
from impasto.images.formats.exif import carry_exif, read_orientation, read_resolution, turn_upright
from impasto.images.formats.metadata import add_metadata, find_metadata
from impasto.images.formats.png import apply_gamma, drop_damaged_chunks
from impasto.images.formats.profiles import INSTALL_DEEP, has_deep, is_rgb
from impasto.images.formats.sixteen_bit import (
    decode_deep,
    decode_foreign_tiff,
    is_deep,
    levels_to_layers,
    open_foreign_tiff,
)
from impasto.images.picture import Picture, file_base_name, hash_pixels, read_bytes
from impasto.images.pixels import (
    Layers,
    array_to_layers,
    check_image,
    picture_to_layers,
    tensor_to_layers,
)
from impasto.system.disk import check_file_place, check_not_input, is_folder, replace_file, to_path
from impasto.system.torch_settings import products_in, torch_defaults

logger = logging.getLogger(__name__)

MAX_PIXELS = 200_000_000

ImageSource = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image | npt.NDArray[Any] | Tensor
)


def read_image(source: ImageSource, *, name: str = "image", max_pixels: int = MAX_PIXELS) -> Tensor:
    """Read a file, a PIL picture, an array or a tensor as an image, (1, 3, H, W) float32 in [0, 1], sRGB.

    source: a path; a file's bytes, or an open file or upload with `read`, which is read from its beginning; a PIL
    picture; an array or a tensor, (H, W), or with 1, 3 or 4 channels first or last, of uint8, uint16, bool or floats in
    [0, 1]. It is never changed in place; a tensor's device is kept.
    name: what messages call it, such as "content_image". max_pixels: the largest H*W that is decoded.

    EXIF orientation is applied, an ICC profile or a PNG's gamma converted to sRGB, the first of several frames taken;
    what is lost by that is logged as a warning. A PIL picture that was made from another, as by `copy`, `crop` or
    `transpose`, is not turned: its pixels are as the caller holds them. Transparent parts are filled smoothly from
    their surroundings: any color of their own, white too, would be a stroke of the style. PNG and TIFF files of 16 bits
    a channel are read in 16 bits with the extra `deep`, in 8 without it; TIFF files of floats or 16-bit Lab need it.
    Raises ImageReadError (missing, damaged, not a picture), ImageSizeError (more than `max_pixels`, judged by the
    header), ImageRangeError (shape, type or range of an array or tensor; a float file beyond [0, 1]).
    """
    return read_picture(source, name=name, max_pixels=max_pixels).image


@torch_defaults()
@products_in("float32")
def read_picture(source: ImageSource, *, name: str = "image", max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture together with what it carries, its orientation, name, path and SHA-256; a file is read once.

    Parameters, warnings and errors are those of `read_image`.
    """
    if not isinstance(max_pixels, Integral) or max_pixels < 1:
        raise ImageRangeError(
            f"max_pixels is {max_pixels!r:.100}; expected a whole number of at least 1.", "Or leave it out."
        )
    picture = _read(source, name, max_pixels)
    alpha = picture.alpha
    if alpha is None:
        return picture
    color = picture.image
    return replace(picture, image=fill_transparent(color, alpha), carried=replace(picture.carried, color=color))


def _read(source: ImageSource, name: str, max_pixels: int) -> Picture:
    """Read a picture, its transparent parts in their own colors."""
    if isinstance(source, (str, os.PathLike)):
        path = to_path(source, name, ImageReadError)
        label = f"{name} {str(path)!r}"
        data = read_file(path, label, max_pixels)
        sha256 = hashlib.sha256(data).hexdigest()
        return replace(_decode(data, label, max_pixels), name=path.name, path=os.path.abspath(path), sha256=sha256)
    if isinstance(source, Image.Image):
        with guarded_pillow(name, max_pixels):
            # Pillow knows the format of a picture that it opened, not of one that was made from it.
            loaded = _load(source if source.format else _without_orientation(source), name, max_pixels)
        picture = _to_picture(picture_to_layers(loaded.upright, name), loaded, 8, name)
        return replace(picture, sha256=hash_pixels(source))
    if isinstance(source, np.ndarray):
        _check_array(source, name, max_pixels)
        color, alpha = array_to_layers(source, name)
        return Picture(image=color, carried=Carried(alpha=alpha), sha256=hash_pixels(source))
    if isinstance(source, Tensor):
        _check_array(source, name, max_pixels)
        color, alpha = tensor_to_layers(source, name)
        return Picture(image=color, carried=Carried(alpha=alpha), sha256=hash_pixels(source))
    if (stream := read_bytes(source, name)) is not None:
        file_name = file_base_name(source)
        label = f"{name} {file_name!r}" if file_name else name
        picture = _decode(stream, label, max_pixels)
        return replace(picture, name=file_name, sha256=hashlib.sha256(stream).hexdigest())
    raise ImageRangeError(
        f"{name} is a {type(source).__name__}; expected a path, an open file, bytes, a PIL picture, an array or a "
        "tensor.",
        "Give one picture, not a list.",
    )


def _check_array(source: npt.NDArray[Any] | Tensor, name: str, max_pixels: int) -> None:
    if isinstance(source, Tensor) and source.is_nested:
        raise ImageRangeError(f"{name} is a nested tensor; expected a dense one.", "Give one picture at a time.")
    if np.ma.is_masked(source):
        raise ImageRangeError(
            f"{name} is a masked array with masked pixels; expected a value in each.", "Call .filled(0), say."
        )
    check_pixel_count(math.prod(sorted(source.shape)[-2:]), name, max_pixels)


def _without_orientation(picture: Image.Image) -> Image.Image:
    copy = picture.copy()
    try:
        copy.getexif()[274] = 1
    except Exception:  # damaged EXIF, of which `load_upright` warns
        copy.info.pop("exif", None)
    return copy


def _decode(data: bytes, label: str, max_pixels: int) -> Picture:
    with guarded_pillow(label, max_pixels):
        data = drop_damaged_chunks(data, label)
        if (header := open_foreign_tiff(data)) is not None:
            layers = decode_foreign_tiff(data, header, label, max_pixels)
            loaded = _Loaded.of(header, header, read_orientation(header), label)
            return _to_picture(_turn(layers, loaded.orientation), loaded, 16, label)
    with open_picture(BytesIO(data), label, max_pixels) as opened:
        deep = is_deep(opened)
        # Pillow decodes 16-bit files too: its checks for damage are the best, and it reads the EXIF.
        loaded = _load(opened, label, max_pixels)
        levels = decode_deep(data, opened, label) if deep and has_deep() else None
    if levels is not None:
        layers = levels_to_layers(levels, loaded.profile, label)
        return _to_picture(_turn(layers, loaded.orientation), loaded, 16, label)
    is_deep_grey = loaded.upright.mode.startswith("I")  # of 16-bit files Pillow keeps all bits of these alone
    if deep and not is_deep_grey:
        logger.warning(
            "%s: its 16 bits a channel are read as 8, without the extra 'deep'. Run: %s", label, INSTALL_DEEP
        )
    return _to_picture(picture_to_layers(loaded.upright, label), loaded, 16 if is_deep_grey else 8, label)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What Pillow decoded: the picture, turned by its EXIF orientation, that orientation, and what it carries."""

    upright: Image.Image
    orientation: int
    exif: bytes | None
    dpi: tuple[float, float] | None

    @classmethod
    def of(cls, opened: Image.Image, upright: Image.Image, orientation: int, label: str) -> Self:
        return cls(upright, orientation, carry_exif(opened, label), read_resolution(opened, orientation))

    @property
    def profile(self) -> bytes | None:
        return self.upright.info.get("icc_profile") or None


def _load(opened: Image.Image, label: str, max_pixels: int) -> _Loaded:
    is_tiff = opened.format == "TIFF"
    before = read_orientation(opened) if is_tiff else 1
    upright = load_upright(opened, label, max_pixels)
    return _Loaded.of(opened, upright, before if is_tiff else read_orientation(opened), label)


def _turn(layers: Layers, orientation: int) -> Layers:
    color, alpha = layers
    return turn_upright(color, orientation), None if alpha is None else turn_upright(alpha, orientation)


def _to_picture(layers: Layers, loaded: _Loaded, depth: Depth, label: str) -> Picture:
    color, alpha = layers
    color = apply_gamma(color, loaded.upright.info, label)
    profile = loaded.profile if is_rgb(loaded.profile) else None
    keepable = loaded.profile is None or profile is not None
    carried = Carried(
        profile=profile, exif=loaded.exif, alpha=alpha, depth=depth, keepable=keepable, dpi=loaded.dpi
    )
    return Picture(image=color, carried=carried, orientation=loaded.orientation)


def read_metadata(source: str | os.PathLike[str] | bytes | BinaryIO) -> dict[str, object] | None:
    """Return what `write_image` put into the picture as `metadata`, or None where there is nothing of ours.

    source: a path, an open file, or the file's bytes.
    No pixel is decoded, so that a picture of any size is safe to ask.
    Raises ImageReadError (missing or damaged, or metadata beyond 16 MB).
    """
    if (data := read_bytes(source, "picture")) is not None:
        return find_metadata(data, "the picture")
    path = to_path(source, "picture", ImageReadError)
    return find_metadata(path, f"picture {str(path)!r}")


@torch_defaults()
@products_in("float32")
def write_image(
    image: Tensor,
    path: str | os.PathLike[str],
    *,
    metadata: Mapping[str, object] | None = None,
    carried: Carried = NOTHING,
    depth: Depth | None = None,
    keep_profile: bool = False,
    strip: bool = False,
    dpi: float | None = None,
) -> None:
    """Write the image in the format of the suffix, with its ICC profile; the same image gives the same bytes.

    image: (1, 3, H, W) in [0, 1], sRGB. metadata: a JSON-able object that goes into the file.
    carried: that of the photograph's `Picture`: EXIF goes into the file unless `strip`, alpha where the format has it
    (elsewhere it is composited on white, with a warning), exactly if the sizes are equal.
    depth: 8 or 16 bits a channel, 16 for PNG and TIFF; None: the photograph's, where the format can hold it.
    keep_profile: colors in the photograph's ICC profile instead of sRGB.
    dpi: pixels per inch to be written into the file, 1 to 65535; None: the photograph's, `strip` or not.
    The file appears whole or not at all; an existing one is replaced in one atomic move.
    Raises ImageRangeError (not an image), OutputError (a path, size or depth that the format cannot hold), DiskError.
    """
    check_image(image, "the image to write")
    for name, value, is_good, expected in (
        ("carried", carried, isinstance(carried, Carried), "that of a Picture"),
        ("keep_profile", keep_profile, isinstance(keep_profile, bool), "True or False"),
        ("strip", strip, isinstance(strip, bool), "True or False"),
        ("dpi", dpi, dpi is None or (isinstance(dpi, Real) and 1 <= dpi <= 65535), "a number from 1 to 65535"),
    ):
        if not is_good:
            raise OutputError(f"{name} is {value!r:.100}; expected {expected}.", "Or leave it out.")
    size = (image.shape[2], image.shape[3])
    path = check_output(path, inputs=(), size=size, depth=depth)
    file_format = FORMATS[path.suffix.lower()]
    label = f"output {str(path)!r}"
    options = file_format.options
    try:
        if metadata is not None:
            options = add_metadata(options, file_format.pillow_name, metadata)
    except (TypeError, ValueError, RecursionError) as error:
        raise OutputError(
            f"metadata cannot be written ({one_line(error)}); expected what JSON can hold.",
            "Give names with text, finite numbers, lists and dicts.",
        ) from error
    try:
        encoded = encode_image(
            *(image, file_format, options, label),
            carried=carried,
            depth=depth,
            keep_profile=keep_profile,
            strip=strip,
            dpi=dpi,
        )
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{label} could not be encoded as {file_format.pillow_name} ({one_line(error)}).", "Write it as .png."
        ) from error
    replace_file(path, encoded.getbuffer())


def check_output(
    path: str | os.PathLike[str],
    *,
    inputs: Sequence[object],
    size: tuple[int, int] | None = None,
    depth: int | None = None,
    name: str = "output",
) -> Path:
    """Return the path if a picture can be written there; call it before slow work. Leaves nothing on the disk.

    inputs: what the run reads; the paths among them must not be overwritten.
    size: (height, width) of the picture, where known. depth: its bits a channel, if chosen. Raises OutputError.
    """
    path = to_path(path, name)
    label = f"{name} {str(path)!r}"
    if is_folder(path, label):
        raise OutputError(f"{label} is a folder; expected a file.", f"Write {str(path / 'pastiche.png')!r}.")
    _check_suffix(path, label)
    check_depth(path.suffix.lower(), depth, label)
    check_file_place(path, label)
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

"""Open and decode picture files with Pillow, quietly, its errors raised as ours."""

import difflib
import functools
import importlib
import logging
import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from impasto.errors import ImageReadError, ImageSizeError, ImpastoError
from impasto.images.formats.png import MAX_TEXT_BYTES
from impasto.system.disk import path_hint

logger = logging.getLogger(__name__)

_DRAWINGS = ("EPS", "WMF")  # Pillow runs Ghostscript for EPS: no place for a stranger's file
_HINTS = {
    "it is an HEIC photograph": 'Run: pip install "impasto[heif]", or convert it to JPEG.',
    "it is AVIF, which this Pillow does not read": "Run: pip install --upgrade pillow, or convert it to JPEG.",
}
_HEIC, _AVIF = _HINTS
_KINDS = "a PNG, JPEG, WebP, TIFF or another picture file"

_HEADS = {
    b"\x89PNG": "it is a PNG with a damaged header",
    b"\xff\xd8": "it is a JPEG with a damaged header",
    b"GIF8": "it is a GIF with a damaged header",
    b"MM\0+": "it is a big-endian BigTIFF, which Pillow does not read",
}

TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0")

LARGE_FILE_BYTES = 2**28
"""A larger file is judged by its header before it is read into memory."""

# Pillow's limits and Python's warning filters belong to the whole process: one thread changes them at a time.
_pillow_lock = threading.RLock()


def read_file(path: Path, label: str, max_pixels: int) -> bytes:
    """Return the bytes of a picture file.

    Raises ImageReadError (missing, empty, not readable); for a file beyond LARGE_FILE_BYTES also what `open_picture`
    and `check_pixel_count` raise.
    """
    check_file(path, label)
    if path.stat().st_size > LARGE_FILE_BYTES:
        with path.open("rb") as file:
            check_pixel_count(_header_pixels(file, label, max_pixels), label, max_pixels)
    return path.read_bytes()


def _header_pixels(file: BinaryIO, label: str, max_pixels: int) -> int:
    head = file.read(4)
    file.seek(0)
    try:
        with open_picture(file, label, max_pixels) as picture:
            return picture.height * picture.width
    except ImageReadError:
        if not head.startswith(TIFF_HEADS):
            raise
    with guarded_pillow(label, max_pixels):
        tags = read_tiff_tags(file)  # of one that Pillow cannot open
        return int(tags[256]) * int(tags[257])


def read_tiff_tags(file: BinaryIO) -> TiffImagePlugin.ImageFileDirectory_v2:
    """Return the tags of a TIFF file's first page by number. Raises whatever Pillow raises of damaged bytes."""
    file.seek(0)
    head = file.read(8)
    is_big = head.startswith(TIFF_HEADS[2])
    tags = TiffImagePlugin.ImageFileDirectory_v2(head + file.read(8) if is_big else head)
    file.seek(tags.next)
    tags.load(file)
    return tags


@contextmanager
def open_picture(file: BinaryIO, label: str, max_pixels: int) -> Iterator[Image.Image]:
    """Open a picture without decoding it; the block runs in `guarded_pillow`.

    max_pixels: as in `read_image`. Raises ImageReadError (damaged, not a picture), ImageSizeError.
    """
    _register_heif()
    head = file.read(32)
    file.seek(0)
    with guarded_pillow(label, max_pixels, head), Image.open(file) as picture:
        if picture.format in _DRAWINGS:
            raise ImageReadError(
                f"{label} is an {picture.format} drawing; expected {_KINDS}.", "Export it as PNG first."
            )
        yield picture


@functools.cache
def _register_heif() -> None:
    """Let Pillow open HEIC where the package pillow-heif is installed. AVIF it opens by itself."""
    try:
        plugin = importlib.import_module("pillow_heif")
    except ImportError:
        return
    plugin.register_heif_opener()


@contextmanager
def guarded_pillow(label: str, max_pixels: int, head: bytes = b"\0") -> Iterator[None]:
    """Run a block with our limits in place of Pillow's, its warnings logged and its errors raised as ours.

    head: the first bytes of the file, to name its kind in an error. Raises ImageReadError, ImageSizeError.
    """
    try:
        with _our_limits(label, max_pixels):
            yield
    except (ImpastoError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        found = re.search(r"\d+", str(error))  # its first number is the pixels; the sides are not in it
        raise _size_error(label, int(found[0]) if found else None, max_pixels) from error
    except UnidentifiedImageError as error:
        kind = _sniff_kind(head)
        other = "Copy or download it again." if "damaged header" in kind else "Convert it to PNG or JPEG."
        hint = _HINTS.get(kind, other)
        raise ImageReadError(f"{label} is not a picture we can read: {kind}; expected {_KINDS}.", hint) from error
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged bytes
        raise ImageReadError(
            f"{label} is damaged or cut short ({one_line(error)}); expected a whole picture.",
            "Copy or download it again.",
        ) from error


@contextmanager
def _our_limits(label: str, max_pixels: int) -> Iterator[None]:
    # Pillow's own size limit warns at 89 and fails at 179 megapixels. With ours it fails at twice max_pixels, and
    # check_pixel_count at once; without any, an ICO would be decoded while it is opened.
    with _pillow_lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        limits = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
        Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = max_pixels, MAX_TEXT_BYTES
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = limits
    for warning in caught:
        logger.warning("%s: %s", label, one_line(warning.message))


def load_upright(picture: Image.Image, label: str, max_pixels: int) -> Image.Image:
    """Return a decoded copy, turned by its EXIF orientation. Call it within `open_picture` or `guarded_pillow`.

    Raises ImageSizeError, from the header, before anything is decoded.
    """
    check_pixel_count(picture.height * picture.width, label, max_pixels)
    frames = getattr(picture, "n_frames", 1)
    if frames > 1:
        logger.warning("%s: it holds %d frames; we take number %d.", label, frames, picture.tell() + 1)
    picture.load()
    try:
        return ImageOps.exif_transpose(picture)
    except Exception as error:  # of damaged EXIF, nearly anything; the pixels are sound
        logger.warning("%s: its EXIF data are damaged (%s); the picture is not turned.", label, one_line(error))
        return picture.copy()


def check_pixel_count(pixels: int, label: str, max_pixels: int) -> None:
    """Accept at most `max_pixels` pixels. Raises ImageSizeError."""
    if pixels > max_pixels:
        raise _size_error(label, pixels, max_pixels)


def _size_error(label: str, pixels: int | None, max_pixels: int) -> ImageSizeError:
    count = "too many" if pixels is None else f"{pixels:,}"
    allowed = "" if pixels is None else pixels
    return ImageSizeError(
        f"{label} has {count} pixels; expected at most {max_pixels:,}.",
        f"Shrink it first, or allow it with --max-pixels {allowed} (Python: max_pixels={allowed}).",
    )


def one_line(message: object) -> str:
    """Return the text of another library's error or warning without line breaks."""
    return " ".join(str(message).split())


def check_file(
    path: Path, label: str, kinds: str = _KINDS, read_error: type[ImpastoError] = ImageReadError
) -> None:
    """Accept a file that exists, can be opened and is not empty. Raises `read_error`, which says "expected {kinds}"."""
    expected = f"expected {kinds}."
    try:
        if path.is_dir():
            raise read_error(f"{label} is a folder; {expected}", "Name one file in it; `impasto batch` paints all.")
        if path.is_symlink() and not path.exists():
            fact = f"{label} is a link to {os.readlink(path)!r}, where no file is"
            raise read_error(f"{fact}; {expected}", "Name the picture itself.")
        if not path.exists():
            raise read_error(f"{label} does not exist; {expected}", _nearest_file(path))
        if not path.is_file():
            raise read_error(f"{label} is a device or a pipe; {expected}", "Save it to a file first.")
        if path.stat().st_size == 0:
            raise read_error(f"{label} is empty, 0 bytes; {expected}", "Copy or download it again.")
        with path.open("rb"):
            pass
    except OSError as error:
        if isinstance(error, ImpastoError):
            raise
        raise read_error(
            f"{label} cannot be opened ({error.strerror or error}); {expected}", "Check its name and its permissions."
        ) from error


def _nearest_file(path: Path) -> str:
    if not path.parent.is_dir():
        return path_hint(path, f"Check the path: the folder {str(path.parent)!r} does not exist either.")
    close = difflib.get_close_matches(path.name, (entry.name for entry in path.parent.iterdir()), n=1)
    return f"Did you mean {str(path.with_name(close[0]))!r}?" if close else "Check the path."


def _sniff_kind(head: bytes) -> str:
    brands = {head[8:12], *(head[place : place + 4] for place in range(16, 32, 4))} if head[4:8] == b"ftyp" else set()
    if brands & {b"avif", b"avis"}:
        return _AVIF
    if brands & {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}:
        return _HEIC
    for begin, kind in _HEADS.items():
        if head.startswith(begin):
            return kind
    text = head.decode("ascii", "replace")
    if all(letter.isascii() and (letter.isprintable() or letter.isspace()) for letter in text):
        return f"it is text that begins {text.strip()!r}"
    return "its first bytes are of no format we know, or it is damaged"

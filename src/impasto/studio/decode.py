"""Decode a picture that was sent, in a process of its own with limits of memory and time, and encode it anew."""

import contextlib
import json
import logging
import multiprocessing
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from PIL import Image

from impasto.errors import ImageSizeError, ImpastoError
from impasto.images.carried import Carried
from impasto.images.formats.encoding import FORMATS, encode_image
from impasto.images.io import read_picture
from impasto.images.picture import Picture
from impasto.images.pixels import image_to_picture
from impasto.images.resize import resize_long_edge
from impasto.runs.recipes import recipe_inside
from impasto.studio.limits import Limits
from impasto.studio.refusal import Refusal
from impasto.system.device import is_out_of_memory

UPLOAD, PAINTING, SHOWN_JPEG, SHOWN_PNG, THUMBNAIL = "upload", "picture.png", "shown.jpg", "shown.png", "thumbnail.jpg"
"""Files in a picture's folder: as it was sent, which is deleted; painted from; shown by the page."""

KINDS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
}
"""The first bytes of the files that are decoded; WebP, AVIF and HEIC have theirs further on."""

BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

PLUGINS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "GIF", "AVIF", "HEIF")
"""The formats that Pillow may open in that process."""

THUMBNAIL_SIDE = 256

START_S = 240.0
"""Seconds that a process may take to begin."""

_BEGUN = b"!"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What a picture is: size, name of its file to show, the recipe's values inside it or None, and warnings."""

    width: int
    height: int
    shown: str
    recipe: Mapping[str, Any] | None
    warnings: tuple[str, ...]


def check_kind(head: bytes, name: str) -> None:
    """Accept the first 32 bytes of a PNG, JPEG, WebP, TIFF, AVIF, GIF or HEIC file. Raises Refusal."""
    if any(head.startswith(begin) for begin in KINDS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return
    if head[4:8] == b"ftyp" and any(head[place : place + 4] in BRANDS for place in (8, *range(16, 32, 4))):
        return
    raise Refusal(
        f"{name!r} is no picture that is taken here; expected PNG, JPEG, WebP, TIFF, AVIF, GIF or HEIC.",
        "Save it as PNG or JPEG, and send that.",
        field="file",
        status=415,
        key="upload-kind",
    )


def decode(folder: Path, name: str, limits: Limits) -> Decoded:
    """Decode the file UPLOAD in a folder, and write the others beside it.

    The process that does it may be taken over by a picture made for that: it gets no more memory, time and disk than
    the limits say, and its answer is read as JSON. Raises Refusal.
    """
    context = _context()
    connection, child = context.Pipe(duplex=False)
    process = context.Process(target=_decode_alone, args=(child, str(folder), name, limits), daemon=True)
    process.start()
    child.close()
    try:
        # On a busy machine it takes a while until it begins; its time counts from then.
        is_begun = connection.poll(START_S) and connection.recv_bytes(1) == _BEGUN
        answer = json.loads(connection.recv_bytes(2**24)) if is_begun and connection.poll(limits.decode_s) else None
    except (EOFError, OSError, ValueError):  # it was killed, by its limits or by its picture
        raise _too_much(name, f"{limits.decode_bytes:,} bytes") from None
    finally:
        connection.close()
        process.kill()
        process.join()
    if answer is None:
        raise _too_much(name, f"{limits.decode_s:g} s")
    if "error" in answer:
        raise Refusal(answer["error"], answer["hint"], field="file", status=int(answer["status"]), key=answer["key"])
    return Decoded(**{**answer, "warnings": tuple(answer["warnings"])})


def start_decoding() -> None:
    """Load what decoding needs, so that the first picture does not wait for it. Returns at once."""
    if _context().get_start_method() == "forkserver":
        from multiprocessing import forkserver  # not on Windows

        forkserver.ensure_running()


def _too_much(name: str, limit: str) -> Refusal:
    return Refusal(
        f"{name!r} takes more than {limit} to decode; expected less.",
        "Shrink it, save it as PNG or JPEG, and send that.",
        field="file",
        status=413,
        key="upload-decoding",
    )


def _context() -> Any:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")  # its processes begin with everything loaded
    context.set_forkserver_preload(["__main__", __name__, "tifffile", "imagecodecs", "pillow_heif"])
    return context


def _decode_alone(connection: Connection, folder: str, name: str, limits: Limits) -> None:
    _limit_process(limits)
    connection.send_bytes(_BEGUN)
    try:
        answer = encode_anew(Path(folder), name, limits)
    except ImageSizeError as error:
        answer = {"status": 413, "key": "upload-pixels", "error": error.error, "hint": "Shrink it first."}
    except ImpastoError as error:
        answer = {"status": 422, "key": type(error).__name__, "error": error.error, "hint": error.hint}
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return  # its end says it
    connection.send_bytes(json.dumps(answer).encode())
    connection.close()


def _limit_process(limits: Limits) -> None:
    """Limit this process's memory, CPU time and files, where the system can; and forget all other formats."""
    Image.init()
    Image.ID[:] = [kind for kind in Image.ID if kind in PLUGINS]
    if sys.platform == "win32":
        return
    import resource

    used = 0
    with contextlib.suppress(OSError):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for what, most in (
        (resource.RLIMIT_AS, used + limits.decode_bytes),
        (resource.RLIMIT_CPU, int(limits.decode_s) + 1),
        (resource.RLIMIT_FSIZE, limits.decode_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some
            resource.setrlimit(what, (most, most))


def encode_anew(folder: Path, name: str, limits: Limits) -> dict[str, Any]:
    """Read the file UPLOAD, write the others beside it, and return the fields of `Decoded` as JSON values.

    In this process, without its limits; `decode` is for files of others. Raises what `read_picture` raises.
    """
    data = (folder / UPLOAD).read_bytes()
    with _warnings() as warnings:
        picture = read_picture(data, name=f"picture {name!r}", max_pixels=limits.pixels)
        recipe = None
        try:
            recipe = recipe_inside(data)
        except ImpastoError as error:
            warnings.append(str(error))
    height, width = picture.size
    _write(picture, folder / PAINTING)
    is_jpeg = picture.alpha is None and max(height, width) <= FORMATS[".jpg"].max_side
    shown = SHOWN_JPEG if is_jpeg else SHOWN_PNG
    visible = Carried(alpha=picture.alpha, color=picture.carried.color)
    _write(replace(picture, carried=visible), folder / shown)
    small = resize_long_edge(picture.image, min(THUMBNAIL_SIDE, max(picture.size)))
    image_to_picture(small).save(folder / THUMBNAIL, quality=85)
    values = None if recipe is None else recipe.to_dict()
    return {"width": width, "height": height, "shown": shown, "recipe": values, "warnings": warnings}


def _write(picture: Picture, path: Path) -> None:
    color = picture.image if picture.carried.color is None else picture.carried.color
    file_format = FORMATS[path.suffix]
    options = {"compress_level": 1} if path.suffix == ".png" else file_format.options
    encoded = encode_image(
        *(color, file_format, options, path.name),
        carried=picture.carried,
        depth=None,
        keep_profile=False,
        strip=False,
        dpi=None,
    )
    path.write_bytes(encoded.getbuffer())


@contextlib.contextmanager
def _warnings() -> Iterator[list[str]]:
    """Yield a list that the library's warnings are added to."""
    found: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    collector, logger = Collector(logging.WARNING), logging.getLogger("impasto")
    logger.addHandler(collector)
    try:
        yield found
    finally:
        logger.removeHandler(collector)

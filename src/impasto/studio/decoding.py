"""What the process that decodes a picture does: it limits itself, reads the picture, and encodes it anew."""

import contextlib
import logging
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from impasto.errors import ImageSizeError, ImpastoError, VideoReadError
from impasto.images.carried import Carried
from impasto.images.faces import Box
from impasto.images.formats.encoding import FORMATS, encode_image
from impasto.images.io import read_picture
from impasto.images.picture import Picture
from impasto.images.pixels import image_to_picture
from impasto.images.resize import resize_long_edge
from impasto.runs.recipes import recipe_inside
from impasto.studio.folder import PAINTING, SHOWN_JPEG, SHOWN_PNG, THUMBNAIL, UPLOAD
from impasto.studio.limits import Limits
from impasto.system.device import is_out_of_memory

PLUGINS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "GIF", "AVIF", "HEIF")
"""The formats that Pillow may open in that process."""

THUMBNAIL_SIDE = 256


def limit_process(limits: Limits) -> None:
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


def answer_decoded(
    folder: Path, name: str, limits: Limits, box: Box | None = None, time_s: float | None = None
) -> dict[str, Any] | None:
    """Decode the file UPLOAD in a folder and write the others; return what it is, or an error. None: no memory."""
    try:
        return encode_anew(folder, name, limits, box, time_s)
    except ImageSizeError as error:
        return {"status": 413, "key": "upload-pixels", "error": error.error, "hint": "Shrink it first."}
    except ImpastoError as error:
        return {"status": 422, "key": type(error).__name__, "error": error.error, "hint": error.hint}
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return None


def encode_anew(
    folder: Path, name: str, limits: Limits, box: Box | None = None, time_s: float | None = None
) -> dict[str, Any]:
    """Read the file UPLOAD, cropped to a box if any, write the others beside it; return the fields of `Decoded`.

    In this process, without its limits; `decode` is for files of others. Raises what `read_picture` raises.
    """
    recipe, film = None, None
    with _warnings() as warnings:
        if time_s is not None:
            picture, film = read_still(folder / UPLOAD, name, limits, time_s)
        else:
            data = (folder / UPLOAD).read_bytes()
            picture = read_picture(data, name=f"picture {name!r}", max_pixels=limits.pixels)
            try:
                recipe = recipe_inside(data)
            except ImpastoError as error:
                warnings.append(str(error))
    if box is not None:
        picture = crop_picture(picture, box)
    height, width = picture.size
    _write(picture, folder / PAINTING)
    is_jpeg = picture.alpha is None and max(height, width) <= FORMATS[".jpg"].max_side
    shown = SHOWN_JPEG if is_jpeg else SHOWN_PNG
    visible = Carried(alpha=picture.alpha, color=picture.carried.color)
    _write(replace(picture, carried=visible), folder / shown)
    small = resize_long_edge(picture.image, min(THUMBNAIL_SIDE, max(picture.size)))
    image_to_picture(small).save(folder / THUMBNAIL, quality=85)
    values = None if recipe is None else recipe.to_dict()
    return {"width": width, "height": height, "shown": shown, "recipe": values, "warnings": warnings, "film": film}


def read_still(path: Path, name: str, limits: Limits, time_s: float) -> tuple[Picture, dict[str, Any]]:
    """Return the picture on the screen at a time of a film, and what is known of the film, as JSON values.

    Raises VideoReadError (not a film, too long), ImageSizeError (too large), MissingExtraError.
    """
    from impasto.video.source import open_source

    try:
        source = open_source(path)
        height, width = source.size
        _check_pixels(width, height, name, limits)
        length_s = source.duration_s or 0.0
        _check_length(length_s, 0, name, limits)
        if time_s == 0:  # as it is sent
            check_packets(path, name, limits)
        frame = next(source.frames(min(time_s, max(0.0, length_s - 0.1))))
    except VideoReadError as error:
        raise VideoReadError(error.error.replace(str(path), name), error.hint) from error
    film = {"duration_s": length_s, "fps": float(source.rate or 0), "frames": source.frame_count}
    return Picture(image=frame.image, name=name), {**film, "sound": source.has_sound, "time_s": float(frame.time)}


def check_packets(path: Path, name: str, limits: Limits) -> None:
    """Accept a film that has no more pixels, pictures and seconds than the limits say, whatever its header names.

    Raises VideoReadError, ImageSizeError.
    """
    from av import FFmpegError

    from impasto.video.film import find_pictures, open_container

    with open_container(path) as container, contextlib.suppress(FFmpegError):  # damaged; it is read up to there
        stream = find_pictures(container, path)
        _check_pixels(stream.codec_context.width, stream.codec_context.height, name, limits)
        begin_s = math.inf
        for count, packet in enumerate(container.demux(stream)):
            if packet.pts is not None:
                now_s = float(packet.pts * packet.time_base)
                begin_s = min(begin_s, now_s)
                _check_length(now_s - begin_s, count, name, limits)


def _check_pixels(width: int, height: int, name: str, limits: Limits) -> None:
    if height * width > limits.film_pixels:
        raise ImageSizeError(
            f"film {name!r} has {width}x{height} pixels; expected at most {limits.film_pixels:,} of them.",
            "Make it smaller first.",
        )


def _check_length(seconds: float, frames: int, name: str, limits: Limits) -> None:
    if seconds > limits.film_s:
        raise VideoReadError(
            f"film {name!r} is {seconds:.0f} s long; expected at most {limits.film_s:g} s.", "Cut it first."
        )
    if frames > limits.film_frames:
        raise VideoReadError(
            f"film {name!r} has more than {limits.film_frames:,} frames; expected at most that.", "Cut it first."
        )


def crop_picture(picture: Picture, box: Box) -> Picture:
    """Return the part of a picture in a box that lies inside it, with what it carries."""
    left, top, width, height = box

    def crop(image: Tensor) -> Tensor:
        return image[..., top : top + height, left : left + width]

    carried = picture.carried
    alpha, color = (None if each is None else crop(each) for each in (carried.alpha, carried.color))
    return replace(picture, image=crop(picture.image), carried=replace(carried, alpha=alpha, color=color))


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

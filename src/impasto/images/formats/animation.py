"""Write animations: small 8-bit frames, as WebP or GIF."""

import os
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from impasto.errors import OutputError
from impasto.images.formats.decoding import one_line
from impasto.images.formats.metadata import add_metadata
from impasto.images.pixels import to_uint8
from impasto.images.resize import fit_long_edge, resize_image
from impasto.system.disk import check_file_place, is_folder, is_same_file, replace_file

FORMATS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    ".webp": ("WEBP", {"quality": 80, "method": 3}),
    ".gif": ("GIF", {"optimize": False}),
}
"""By suffix: Pillow's name of the format, and the options of its `save`."""

LONG_EDGE = 512
FRAMES_PER_SECOND = 12


def to_frame(image: Tensor, *, long_edge: int = LONG_EDGE) -> Tensor:
    """Return an image as a frame of an animation: shrunk to at most `long_edge` pixels, in 8 bits, on the CPU.

    image: (1, 3, H, W) float32 in [0, 1], sRGB. Returns (h, w, 3) uint8.
    """
    height, width = image.shape[-2:]
    size = fit_long_edge(height, width, min(long_edge, max(height, width)))
    return to_uint8(resize_image(image.detach().to("cpu"), size))


def check_animation(path: str | os.PathLike[str], *, inputs: Sequence[str | os.PathLike[str]]) -> Path:
    """Return the path if an animation can be written there; call it before slow work. Raises OutputError."""
    path = Path(path)
    label = f"animation {str(path)!r}"
    if path.suffix.lower() not in FORMATS:
        raise OutputError(
            f"{label} has the suffix {path.suffix!r}; expected {' or '.join(FORMATS)}.",
            f"Did you mean {str(path.with_suffix('.webp')) if path.name else 'evolution.webp'!r}?",
        )
    if is_folder(path, label):
        raise OutputError(f"{label} is a folder; expected a file.", f"Write {str(path / 'evolution.webp')!r}.")
    check_file_place(path, label)
    for other in inputs:
        if is_same_file(path, other) or path.absolute() == Path(other).absolute():
            raise OutputError(
                f"{label} is also the input or output {str(other)!r}; expected another file.", "Choose another name."
            )
    return path


def write_animation(
    frames: Sequence[Tensor],
    path: str | os.PathLike[str],
    *,
    frames_per_second: float = FRAMES_PER_SECOND,
    hold_s: float = 2.0,
    metadata: Mapping[str, object] | None = None,
) -> None:
    """Write the frames as an endless animation, all at the size of the last one, which stays for `hold_s` seconds.

    frames: at least one, each (h, w, 3) uint8 as `to_frame` gives it. metadata: a JSON-able object that goes into a
    WebP; a GIF has no place for it. The file appears whole or not at all.
    Raises OutputError (suffix, folder, or what the format cannot hold), DiskError.
    """
    path = check_animation(path, inputs=())
    pillow_name, options = FORMATS[path.suffix.lower()]
    if metadata is not None and pillow_name == "WEBP":
        options = add_metadata(options, pillow_name, metadata)
    height, width = frames[-1].shape[:2]
    pictures = [_to_picture(frame, (width, height)) for frame in frames]
    durations_ms = [round(1000 / frames_per_second)] * (len(pictures) - 1) + [round(1000 * hold_s)]
    encoded = BytesIO()
    try:
        pictures[0].save(
            encoded,
            pillow_name,
            save_all=True,
            append_images=pictures[1:],
            duration=durations_ms if len(pictures) > 1 else durations_ms[0],
            loop=0,
            **options,
        )
    except (OSError, ValueError) as error:
        raise OutputError(
            f"animation {str(path)!r} could not be encoded as {pillow_name} ({one_line(error)}).",
            "Try the other of .webp and .gif.",
        ) from error
    replace_file(path, encoded.getbuffer())


def _to_picture(frame: Tensor, size: tuple[int, int]) -> Image.Image:
    picture = Image.fromarray(frame.numpy())
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)

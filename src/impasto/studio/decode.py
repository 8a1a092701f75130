"""Decode a picture that was sent, in a process of its own with limits of memory and time, and encode it anew."""

import json
import multiprocessing
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from impasto.studio.limits import Limits
from impasto.studio.refusal import Refusal

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

FILMS = (b"\x1a\x45\xdf\xa3", b"RIFF")
"""The first bytes of WebM, Matroska and AVI films; MP4 and MOV have theirs at the fifth."""

BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

Box = tuple[int, int, int, int]
"""A part of a picture: left, top, width, height, in pixels."""

START_S = 240.0
"""Seconds that a process may take to begin."""

_BEGUN = b"!"

DECODING = "impasto.studio.decoding"
"""What that process runs. This one does without it, as it brings torch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What a picture is: size, name of its file to show, the recipe's values inside it or None, and warnings.

    film: of a still, what is known of its film: `duration_s`, `fps`, `frames`, `sound`, and the still's `time_s`.
    """

    width: int
    height: int
    shown: str
    recipe: Mapping[str, Any] | None
    warnings: tuple[str, ...]
    film: Mapping[str, Any] | None = None


def check_film_kind(head: bytes, name: str) -> None:
    """Accept the first 32 bytes of an MP4, MOV, WebM, Matroska or AVI file. Raises Refusal."""
    is_avi = head[:4] == FILMS[1] and head[8:11] == b"AVI"
    is_mp4 = head[4:8] == b"ftyp" and not any(head[place : place + 4] in BRANDS for place in (8, *range(16, 32, 4)))
    if not (is_avi or is_mp4 or head.startswith(FILMS[0])):
        raise Refusal(
            f"{name!r} is no film that is taken here; expected MP4, MOV, WebM, MKV or AVI.",
            "Save it as MP4, and send that.",
            field="file",
            status=415,
            key="film-kind",
        )


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


def decode(folder: Path, name: str, limits: Limits, box: Box | None = None, time_s: float | None = None) -> Decoded:
    """Decode the file UPLOAD in a folder, cropped to a box if there is one, and write the others beside it.

    time_s: the file is a film, of which the picture on the screen at that time is taken.

    The process that does it may be taken over by a picture made for that: it gets no more memory, time and disk than
    the limits say, and its answer is read as JSON. Raises Refusal.
    """
    context = _context()
    connection, child = context.Pipe(duplex=False)
    process = context.Process(target=_decode_alone, args=(child, str(folder), name, limits, box, time_s), daemon=True)
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
    context.set_forkserver_preload(["__main__", DECODING, "tifffile", "imagecodecs", "pillow_heif"])
    return context


def _decode_alone(
    connection: Connection, folder: str, name: str, limits: Limits, box: Box | None, time_s: float | None
) -> None:
    from impasto.studio.decoding import answer_decoded, limit_process

    limit_process(limits)
    connection.send_bytes(_BEGUN)
    answer = answer_decoded(Path(folder), name, limits, box, time_s)
    if answer is not None:  # else its end says it
        connection.send_bytes(json.dumps(answer).encode())
    connection.close()

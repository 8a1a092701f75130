"""Limits of the studio: what one request, one picture, one job and all of them together may take."""

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server takes at most; beyond it a request is answered with 413, 422, 429, 408 or 503 and the limit.

    upload_bytes: of one picture's file; pixels: of a picture that is sent. film_bytes, film_s, film_frames,
    film_pixels: of a film, its file, seconds, frames, and pixels of one. body_bytes: of any other request.
    size: long edge of a picture to paint, in pixels; steps: of a job; memory: bytes that a job may be planned for, None
    for what the machine has. styles, masks: pictures of a job. jobs: those that wait, of all galleries.
    form_parts: of an upload. streams: event streams open at once.
    request_s: seconds from a request to the beginning of its answer; idle_s: between two parts of its body, and for a
    part of the answer to be taken. decoders: pictures decoded at once; decode_s, decode_bytes: seconds and memory of
    one. free_bytes: room on the disk below which no picture is taken and no job begun.
    """

    upload_bytes: int = 128 * 2**20
    film_bytes: int = 2**30
    film_s: float = 600.0
    film_frames: int = 36_000
    film_pixels: int = 9_000_000
    body_bytes: int = 2**20
    pixels: int = 50_000_000
    size: int = 16_384
    steps: int = 5_000
    memory: int | None = None
    styles: int = 8
    masks: int = 16
    jobs: int = 1_000
    form_parts: int = 4
    streams: int = 64
    request_s: float = 300.0
    idle_s: float = 30.0
    decoders: int = 2
    decode_s: float = 120.0
    decode_bytes: int = 4 * 2**30
    free_bytes: int = 512 * 2**20

    def to_dict(self) -> dict[str, int | float | None]:
        """Return all limits as JSON values."""
        return dataclasses.asdict(self)

"""The limits of the studio, of requests and jobs."""

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that one request or job may take."""

    upload_bytes: int = 64 * 2**20
    pixels: int = 100_000_000
    size: int = 8192
    steps: int = 5000
    jobs: int = 1000
    streams: int = 32
    free_bytes: int = 256 * 2**20

    def to_dict(self) -> dict[str, int]:
        """Return all limits as JSON values."""
        return dataclasses.asdict(self)

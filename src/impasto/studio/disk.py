"""The room on the studio's disk: below a limit nothing is painted."""

import shutil
import time
from pathlib import Path
from typing import Any

from impasto.studio.job import Message

LOOK_S = 2.0
"""Seconds between two looks."""

KEY = "disk-full"


class Disk:
    """The disk of a folder. least: bytes that are to stay free. is_full: whether they were not, at the last look."""

    def __init__(self, folder: Path, least: int) -> None:
        self.is_full = False
        self._folder, self._least = folder, least
        self._looked_s = -LOOK_S

    def has_changed(self) -> bool:
        """Look, if it is time; return whether the disk has become full, or has room again."""
        if time.monotonic() - self._looked_s < LOOK_S:
            return False
        self._looked_s = time.monotonic()
        was_full, self.is_full = self.is_full, self.free_bytes() < self._least
        return self.is_full != was_full

    def free_bytes(self) -> int:
        """Return the free bytes now."""
        return shutil.disk_usage(self._folder).free

    def to_dict(self) -> dict[str, Any]:
        """Return the free bytes, and a message where they are too few."""
        return {"free": self.free_bytes(), "message": self.message if self.is_full else None}

    @property
    def message(self) -> Message:
        """What the page shows where it is full: text, hint, key and values."""
        return {
            "text": f"the disk is nearly full; expected {self._least / 2**20:.0f} MB free to paint.",
            "hint": "Free some space, or delete pictures here; what was paused then goes on by itself.",
            "key": KEY,
            "values": {"least": self._least},
        }

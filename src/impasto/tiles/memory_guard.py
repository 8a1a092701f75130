"""The memory limit of the process while it computes in tiles."""

import sys
from dataclasses import dataclass

import torch

from impasto.system.memory import format_memory, used_bytes
from impasto.system.process import return_freed_memory

CPU = torch.device("cpu")

GROWTH = 4
"""A tile after the first of a pass takes at most this part of its memory anew, since the tile before it freed as much.
Measured: docs/experiments.md, "Held memory"."""


@dataclass(frozen=True, slots=True)
class MemoryGuard:
    """Keeps the process below a memory limit.

    The process holds freed memory for the next tile, since returning it costs the time in which the system makes new
    pages. But pictures and features free it in pieces, over all of which the next ones spread. So it is returned before
    work that could exceed the limit, and only then.
    limit_bytes: the most that the process may use. features_bytes: what the features of a tile need at the peak.
    """

    limit_bytes: int = sys.maxsize
    features_bytes: int = 0

    def before_tile(self, *, first: bool) -> None:
        """Return freed memory where a tile could exceed the limit. first: of a pass over the picture.

        Raises MemoryError, before the limit is exceeded, where a tile's features do not fit beside what is in use.
        """
        if self._has_room(self.features_bytes if first else self.features_bytes // GROWTH):
            return
        return_freed_memory()
        if not self._has_room(self.features_bytes):
            limit, features = format_memory(self.limit_bytes), format_memory(self.features_bytes)
            raise MemoryError(f"{format_memory(used_bytes(CPU))} of {limit} are in use, and {features} are needed")

    def before_update(self) -> None:
        """Return freed memory where the pictures of an optimizer's update could exceed the limit."""
        if not self._has_room(self.features_bytes // GROWTH):
            return_freed_memory()

    def _has_room(self, size: int) -> bool:
        return used_bytes(CPU) + size <= self.limit_bytes

"""The heap while a picture is painted in tiles: what is free in it is given back before the process passes its plan."""

import sys

import torch

from impasto.system.memory import used_bytes
from impasto.system.process import give_back

CPU = torch.device("cpu")

GROWTH = 4
"""A tile's features take at most this part of their memory anew where those of the tile before were; and an update's
pictures at most this part of what is held."""


class Heap:
    """Keeps a settled process within its plan.

    The heap holds on to what is freed, so that the next tile's features find it. But pictures and features leave it in
    pieces, over all of which the next ones spread. To give all back costs the time in which the system makes as many
    new pages. Measured: docs/experiments.md, "Held memory".
    """

    def __init__(self, held_bytes: int = sys.maxsize, needed_bytes: int = sys.maxsize, most_bytes: int = sys.maxsize):
        """As in `MemoryPlan`. held_bytes, needed_bytes: that the process is planned to hold without a tile's features,
        and with them. most_bytes: that it may come to."""
        self.held_bytes = held_bytes
        self.most_bytes = most_bytes
        self.features = needed_bytes - held_bytes
        self._live = used_bytes(CPU)
        self._is_tight = False

    def before_tile(self, *, first: bool) -> None:
        """Before a tile is seen. first: of a pass over all, whose features may be larger than those of the last."""
        used = used_bytes(CPU)
        filled = not first or used - self._live >= self.features // 2
        if used > (self.most_bytes - self.features // GROWTH if filled else self.held_bytes):
            self._give_back()
            self._is_tight |= filled

    def before_update(self) -> None:
        """When the gradient is there, and the pictures of the optimiser's update come.

        Where it was tight before, the next tiles begin with all that is free given back, and fill it once more.
        """
        if self._is_tight or used_bytes(CPU) > self.most_bytes - self.held_bytes // GROWTH:
            self._give_back()
        self._is_tight = False

    def _give_back(self) -> None:
        give_back()
        self._live = used_bytes(CPU)

"""Tensors stored on disk between the uses of their tile, so that a picture may be larger than the memory."""

import tempfile
import threading
import weakref
from collections.abc import Hashable

import torch
from torch import Tensor

from impasto.errors import DiskError


class Spill:
    """Tensors by key, in one temporary file that is deleted with this object. Safe to use from several threads."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._lock = threading.Lock()
        self._places: dict[Hashable, tuple[int, torch.Size, torch.dtype]] = {}
        weakref.finalize(self, self._file.close)

    def put(self, key: Hashable, tensor: Tensor) -> None:
        """Write a tensor, in place of an earlier one of the same key, which must have the same shape.

        Raises DiskError where the disk is full.
        """
        values = tensor.detach().to("cpu").contiguous()
        with self._lock:
            place = self._places.get(key)
            try:
                offset = self._file.seek(place[0]) if place is not None else self._file.seek(0, 2)
                self._file.write(_bytes(values))
                self._file.flush()
            except OSError as error:
                needed = values.numel() * values.element_size()
                raise DiskError(
                    f"the temporary folder {tempfile.gettempdir()} cannot take {needed:,} more bytes ({error}).",
                    "Free some space, or set TMPDIR to a folder on a larger disk.",
                ) from error
            self._places[key] = (offset, values.shape, values.dtype)

    def get(self, key: Hashable, device: torch.device | str = "cpu") -> Tensor:
        """Return a tensor exactly as it was written."""
        offset, shape, dtype = self._places[key]
        values = torch.empty(shape, dtype=dtype)
        with self._lock:
            self._file.seek(offset)
            self._file.readinto(_bytes(values))
        return values.to(device)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._places


def _bytes(values: Tensor) -> memoryview:
    return values.view(-1).numpy().data.cast("B")

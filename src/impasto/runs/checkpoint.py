"""Checkpoints: a run's state on the disk, whole at every moment, at the cost of what changed since the last one.

The state is a tree of JSON values and tensors. Its tensors are appended in files that are never written again, each by
what is new since the checkpoint before: most of a state is the history of L-BFGS, of which a step changes one pair.
The tree itself is a small JSON file that names their places; it is replaced in one atomic move, once the tensors are
safely on the disk. Files that it does not name any more are then removed. So whenever the process dies, or the disk is
full, the tree of the last good checkpoint and all its tensors are there.
"""

import contextlib
import json
import os
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from impasto.errors import RunError
from impasto.system.disk import replace_file

FORMAT_VERSION = 2
"""Version 1 had no checksum of the tree."""

STATE_NAME = "state.json"
_TENSOR = "$tensor"

State = dict[str, Any]
_Place = tuple[weakref.ref[Tensor], int, dict[str, Any]]
"""A tensor, its version, which changes where it is written in place, and where its bytes lie."""


class Checkpoints:
    """The checkpoints in one folder, which is made by the first one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0
        self._places: dict[int, _Place] = {}  # by id, those of the last good checkpoint

    def write(self, state: State) -> None:
        """Write the state as the last good checkpoint. Raises OSError; the one before then stays the last good one."""
        self.folder.mkdir(exist_ok=True)
        self._count += 1
        path = self.folder / f"{self._count:06d}.tensors"
        places: dict[int, _Place] = {}
        try:
            with open(path, "xb") as file:

                def write_once(tensor: Tensor) -> dict[str, Any]:
                    written = places.get(id(tensor)) or self._places.get(id(tensor))
                    if written is None or written[0]() is not tensor or written[1] != tensor._version:
                        written = (weakref.ref(tensor), tensor._version, _append(file, path.name, tensor))
                    places[id(tensor)] = written
                    return {_TENSOR: written[2]}

                placed = map_tensors(state, write_once)
                tree = {"format_version": FORMAT_VERSION, "crc32": _tree_crc32(placed), "state": placed}
                file.flush()
                os.fsync(file.fileno())
            replace_file(self.folder / STATE_NAME, json.dumps(tree).encode())
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            raise
        _flush_folder(self.folder)
        self._places = places
        self._remove_but({place["file"] for _, _, place in places.values()})

    def read(self) -> State | None:
        """Return the last good checkpoint, its tensors on the CPU, or None; remove all other files of the folder.

        Raises RunError where it is damaged or of a newer version.
        """
        path = self.folder / STATE_NAME
        loaded: dict[tuple[str, int], Tensor] = {}

        def load(tree: dict[str, Any]) -> Any:
            if _TENSOR not in tree:
                return tree
            key = (str(tree[_TENSOR]["file"]), int(tree[_TENSOR]["offset"]))
            if key not in loaded:
                loaded[key] = _load(self.folder, tree[_TENSOR])
            return loaded[key]

        try:
            if not path.is_file():  # never begun, or killed before the first tree was written
                self.clear()
                return None
            text = path.read_text("utf-8")
            tree = json.loads(text)
            version = tree["format_version"]
            if version > FORMAT_VERSION:
                raise RunError(
                    f"checkpoint {str(path)!r} has format_version {version}; this impasto reads up to "
                    f"{FORMAT_VERSION}.",
                    "Install a newer impasto to resume.",
                )
            if type(version) is not int or version < 1 or (version > 1 and tree["crc32"] != _tree_crc32(tree["state"])):
                raise ValueError("it was changed")
            state: State = json.loads(text, object_hook=load)["state"]
        except RunError:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise RunError(
                f"checkpoint {str(path)!r} is damaged ({type(error).__name__}: {error}); expected it as it was "
                "written.",
                f"Remove {str(self.folder)!r} to paint the run from its beginning.",
            ) from error
        used = {file for file, _ in loaded}
        self._count = max((int(name.partition(".")[0]) for name in used), default=0)
        self._remove_but(used)
        return state

    def clear(self) -> None:
        """Remove all checkpoints."""
        with contextlib.suppress(OSError):
            (self.folder / STATE_NAME).unlink(missing_ok=True)
            self._remove_but(set())
            self.folder.rmdir()

    def _remove_but(self, used: set[str]) -> None:
        for path in self.folder.iterdir():
            if path.name not in used and path.name != STATE_NAME:
                with contextlib.suppress(OSError):
                    path.unlink()


def map_tensors(tree: Any, change: Callable[[Tensor], Any]) -> Any:
    """Return the same tree with its tensors changed; tuples become lists."""
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, dict):
        return {name: map_tensors(branch, change) for name, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [map_tensors(branch, change) for branch in tree]
    return tree


def _tree_crc32(tree: Any) -> int:
    return zlib.crc32(json.dumps(tree).encode())


def _append(file: BinaryIO, name: str, tensor: Tensor) -> dict[str, Any]:
    """Write the tensor's bytes and return their place."""
    values = tensor.detach().to("cpu")
    # The order in memory is kept, since a convolution of the other one may differ in its last digits.
    lasts = not values.is_contiguous() and values.is_contiguous(memory_format=torch.channels_last)
    data = _bytes((values.permute(0, 2, 3, 1) if lasts else values).contiguous())
    place = {"file": name, "offset": file.tell(), "crc32": zlib.crc32(data)}
    file.write(data)
    return {
        **place,
        "dtype": str(values.dtype).removeprefix("torch."),
        "shape": list(values.shape),
        "channels_last": lasts,
    }


def _load(folder: Path, place: dict[str, Any]) -> Tensor:
    layout = torch.channels_last if place["channels_last"] else torch.contiguous_format
    values = torch.empty(place["shape"], dtype=getattr(torch, place["dtype"]), memory_format=layout)
    data = _bytes(values.permute(0, 2, 3, 1) if place["channels_last"] else values)
    with open(folder / Path(place["file"]).name, "rb") as file:
        file.seek(place["offset"])
        if file.readinto(data) != len(data) or zlib.crc32(data) != place["crc32"]:
            raise ValueError(f"{place['file']} is cut short or changed")
    return values


def _bytes(values: Tensor) -> memoryview:
    """Return the memory of a contiguous tensor."""
    return values.view(-1).view(torch.uint8).numpy().data


def _flush_folder(folder: Path) -> None:
    """Flush the folder's own entries to the disk, where the system can, before files are removed from it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

"""A worker on a Ray cluster: items come with the bytes of their files, and results go back as bytes."""

import hashlib
import os
import tempfile
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from impasto.errors import ImpastoError
from impasto.system.process import settle_process
from impasto.workers.pool import READY, Factory, Failed, Finished, Item, Share, perform_item

MOST_SHARED = 16
"""Shared files that stay on the worker's disk."""


class RayWorker:
    """Becomes a Ray actor in `RayPool`."""

    def __init__(self, factory: Factory, cores: int | None) -> None:
        """cores: of this worker; None where it has a GPU and all memory of its machine."""
        settle_process()
        self._folder = tempfile.TemporaryDirectory(prefix="impasto-")
        self._shared: OrderedDict[str, Path] = OrderedDict()
        self._progress: Any = None
        memory = 1.0 if cores is None else min(1.0, cores / (os.cpu_count() or 1))
        try:
            self._perform: Any = factory(Share(threads=cores, memory=memory))
        except ImpastoError as error:
            self._perform = error

    def start(self) -> Any:
        """Return READY, or the error by which this worker cannot perform any item."""
        return self._perform if isinstance(self._perform, ImpastoError) else READY

    def perform(self, item: Item, *contents: bytes) -> Finished | Failed:
        """Return what `perform_item` returns. contents: of the item's files, then of its shared files."""
        self._progress = None
        paths = (*item.files, *item.shared_files)
        count = len(item.files)
        with tempfile.TemporaryDirectory(dir=self._folder.name) as folder:
            # File names stay, since results and messages contain them.
            copies = [Path(folder, str(number), PurePath(path).name) for number, path in enumerate(item.files)]
            for copy, content in zip(copies, contents[:count], strict=True):
                copy.parent.mkdir()
                copy.write_bytes(content)
            copies += map(self._store, item.shared_files, contents[count:])
            names = [str(copy) for copy in copies]
            outcome = perform_item(self._perform, item.with_files(names[:count], names[count:]), self._set_progress)

        def restore_paths(text: str) -> str:
            for name, path in zip(names, paths, strict=True):
                text = text.replace(name, path)
            return text

        if isinstance(outcome, Failed):
            return Failed(restore_paths(outcome.error), restore_paths(outcome.hint))
        return replace(outcome, warnings=tuple(map(restore_paths, outcome.warnings)))

    def progress(self) -> Any:
        """Return the last progress of the present item; None before the first."""
        return self._progress

    def _set_progress(self, value: Any) -> None:
        self._progress = value

    def _store(self, path: str, content: bytes) -> Path:
        digest = hashlib.sha256(content).hexdigest()[:16]
        copy = self._shared.setdefault(path + digest, Path(self._folder.name, digest, PurePath(path).name))
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(content)
        self._shared.move_to_end(path + digest)
        while len(self._shared) > MOST_SHARED:
            self._shared.popitem(last=False)[1].unlink(missing_ok=True)
        return copy

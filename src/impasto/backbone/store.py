"""The prepared data set: an LMDB of small square pictures, and a description of all of them."""

import io
import json
import logging
import os
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from impasto.errors import DataSetError, MissingExtraError

logger = logging.getLogger(__name__)

Kind = Literal["jpeg", "raw"]

FORMAT = "impasto-pictures-1"
JPEG_QUALITY = 95
_ABOUT = b"about"
_LABEL = struct.Struct("<i")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The description of a complete data set.

    size: their edge in pixels. kind: how they are stored. classes: names, a label is an index into them.
    mean, std: of the training pictures by channel, RGB in [0, 1].
    train, validation: picture numbers; labels: of all numbers, -1 where a picture was broken.
    """

    size: int
    kind: Kind
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    labels: NDArray[np.int64]

    def describe(self) -> dict[str, Any]:
        """Return what a training depends on, as JSON values: the pictures only by their number."""
        return {
            "size": self.size,
            "kind": self.kind,
            "classes": list(self.classes),
            "train": len(self.train),
            "validation": len(self.validation),
            "mean": list(self.mean),
            "std": list(self.std),
        }


def import_lmdb() -> ModuleType:
    """Import the package lmdb. Raises MissingExtraError."""
    try:
        import lmdb
    except ImportError as error:
        raise MissingExtraError(
            "the package lmdb is not installed; training pictures are stored in it.",
            'Run: pip install "impasto[train]"',
        ) from error
    return lmdb


def key_of(number: int) -> bytes:
    """Return the key of a picture."""
    return b"%010d" % number


def encode_picture(picture: Image.Image, label: int, kind: Kind) -> bytes:
    """Return a record: the label, then the pixels. picture: RGB."""
    if kind == "raw":
        return _LABEL.pack(label) + picture.tobytes()
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return _LABEL.pack(label) + file.getvalue()


def broken_record(reason: str) -> bytes:
    """Return the record of a picture that cannot be read."""
    return _LABEL.pack(-1) + reason.encode("utf-8", "backslashreplace")


def read_label(record: bytes | memoryview) -> int:
    """Return the label of a record, -1 for a broken picture."""
    return int(_LABEL.unpack_from(record)[0])


def read_reason(record: bytes) -> str:
    """Return why the picture of a broken record cannot be read."""
    return record[_LABEL.size :].decode()


def decode_picture(record: bytes | memoryview, size: int, kind: Kind) -> Image.Image:
    """Return the picture of a record, RGB, size x size. Raises OSError, ValueError or SyntaxError if it is damaged."""
    pixels = memoryview(record)[_LABEL.size :]
    if kind == "raw":
        return Image.frombuffer("RGB", (size, size), pixels, "raw", "RGB", 0, 1)  # type: ignore[arg-type]
    picture = Image.open(io.BytesIO(pixels), formats=("JPEG",))
    picture.load()
    if picture.size != (size, size) or picture.mode != "RGB":
        raise ValueError(f"it is {picture.mode}, {picture.size}")
    return picture


class Store:
    """Reads a prepared data set. An LMDB may be open once a process: share one store within it.

    The LMDB is opened at the first picture, in each worker process anew.
    Raises DataSetError if it is missing, unreadable or unfinished.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._environment: Any = None
        self._transaction: Any = None
        environment = open_environment(self.path)
        values = read_about(environment, self.path)
        environment.close()
        if values is None or "train" not in values:
            raise DataSetError(
                f"data set {str(self.path)!r} is unfinished; expected one that `impasto backbone prepare` completed.",
                "Run `impasto backbone prepare` again with the same arguments; it resumes where it stopped.",
            )
        arrays = {name: np.array(values[name], dtype=np.int64) for name in ("train", "validation", "labels")}
        self.about = About(
            size=values["size"],
            kind=values["kind"],
            classes=tuple(values["classes"]),
            mean=tuple(values["mean"]),
            std=tuple(values["std"]),
            **arrays,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._environment is not None:
            self._environment.close()
            self._environment = None

    def read(self, number: int) -> tuple[Image.Image, int]:
        """Return a picture and its label; for a damaged record the next sound one, with a warning."""
        if self._environment is None:
            self._environment = open_environment(self.path)
            self._transaction = self._environment.begin(buffers=True)
        count = len(self.about.labels)
        for offset in range(count):
            record = self._transaction.get(key_of((number + offset) % count))
            try:
                if record is not None and (label := read_label(record)) >= 0:
                    return decode_picture(record, self.about.size, self.about.kind), label
            except (OSError, ValueError, SyntaxError, struct.error) as error:
                logger.warning("picture %d of %s is damaged (%s); the next is taken.", number, self.path, error)
        raise DataSetError(f"data set {str(self.path)!r} holds no sound picture.", "Prepare it again.")


def open_environment(path: Path, map_size: int | None = None) -> Any:
    """Open the LMDB environment in a folder, for reading, or with a `map_size` for writing.

    Raises DataSetError if it is missing, cut short, or no LMDB.
    """
    lmdb = import_lmdb()
    label, hint = f"data set {str(path)!r}", "Make it with: impasto backbone prepare IMAGES -o DATA"
    if map_size is None and not (path / "data.mdb").is_file():
        fact = "does not exist" if not path.exists() else "holds no LMDB (no data.mdb)"
        raise DataSetError(f"{label} {fact}; expected a folder made by `impasto backbone prepare`.", hint)
    try:
        if map_size is not None:
            return lmdb.open(str(path), map_size=map_size, max_dbs=0)
        environment = lmdb.open(str(path), readonly=True, lock=False, readahead=False, create=False, max_dbs=0)
        # Reading beyond the end of a file that was cut short would kill the process.
        needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
        size = (path / "data.mdb").stat().st_size
    except (lmdb.Error, OSError) as error:
        raise DataSetError(
            f"{label} cannot be opened ({error}); expected an LMDB made by `impasto backbone prepare`.", hint
        ) from error
    if size < needed:
        environment.close()
        raise DataSetError(f"{label} is cut short: expected {needed:,} bytes.", f"Copy it again. {hint}")
    return environment


def read_about(environment: Any, path: Path) -> dict[str, Any] | None:
    """Return what `write_about` wrote, or None for an empty LMDB. Raises DataSetError."""
    with environment.begin() as transaction:
        if transaction.stat()["entries"] == 0:
            return None
        text = transaction.get(_ABOUT, b"")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise DataSetError(
            f"data set {str(path)!r} is an LMDB, but not one that impasto wrote.",
            "Make one with: impasto backbone prepare IMAGES -o DATA",
        )
    return values


def write_about(transaction: Any, values: Mapping[str, Any], about: About | None = None) -> None:
    """Write the settings of the data set, and once it is complete its description."""
    known = {} if about is None else asdict(about)
    transaction.put(_ABOUT, json.dumps({"format": FORMAT, **values, **known}, default=np.ndarray.tolist).encode())

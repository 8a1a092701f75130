"""Preparation of a data set: pictures resized to squares in an LMDB, in parallel, resumed after a stop."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from impasto.backbone.store import (
    About,
    Kind,
    broken_record,
    decode_picture,
    encode_picture,
    import_lmdb,
    key_of,
    open_environment,
    read_about,
    read_label,
    read_reason,
    write_about,
)
from impasto.errors import DataSetError, DiskError, OutputError, RecipeError
from impasto.system.disk import check_folder, path_hint

CHUNK = 256
"""Pictures written at once: the most that an interruption loses."""

MEASURED = 2000
"""Training pictures that mean and standard deviation are computed from."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared data set: its description, how many pictures were found, and the broken ones with the reason."""

    about: About
    pictures: int
    broken: tuple[tuple[str, str], ...]


def find_pictures(images: Path) -> list[tuple[Path, str]]:
    """Return files and their classes, in a fixed order.

    images: a folder of class folders, or a list with a path and a class a line, between them a tab or a comma; paths
    are taken from the list's folder. Hidden files are left out. Raises DataSetError: missing, one class, a class empty.
    """
    found = _read_list(images) if images.is_file() else _walk_classes(images)
    classes = sorted({name for _, name in found})
    if len(classes) < 2:
        raise DataSetError(
            f"pictures {str(images)!r} hold {len(classes)} class{'' if len(classes) == 1 else 'es'}"
            f"{''.join(f' ({name})' for name in classes)}; expected two or more.",
            "Give a folder with a folder of pictures for each class, or a list with a path and a class a line.",
        )
    return sorted(found, key=lambda entry: (entry[1], str(entry[0])))


def prepare(
    images: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    size: int = 256,
    kind: Kind = "jpeg",
    validation: float = 0.1,
    workers: int | None = None,
    on_progress: Callable[[int, int, int], object] | None = None,
) -> Prepared:
    """Store all pictures as squares of `size` pixels; called again, resume where it stopped.

    Each picture is turned upright, put on white where transparent, and resized to the square by linear interpolation,
    as in the student's report. Differs: shrinking averages over all pixels it covers, so that nothing flickers.
    validation: the share of each class held out, at least one picture, chosen by the names alone.
    on_progress: called with pictures done, all pictures, and broken ones; "stop" ends the preparation.
    Raises DataSetError, RecipeError, OutputError, DiskError; KeyboardInterrupt if stopped.
    """
    images, output = Path(images), Path(output)
    if not 0 < validation < 1:
        raise RecipeError(f"validation is {validation:g}; expected a share between 0 and 1.", "Give --validation 0.1.")
    if size < 32:
        raise RecipeError(f"size is {size}; expected 32 or more: VGG halves it five times.", "Give --size 256.")
    lmdb = import_lmdb()
    found = find_pictures(images)
    classes = sorted({name for _, name in found})
    labels = [classes.index(name) for _, name in found]
    root = images if images.is_dir() else images.parent
    names = [os.path.relpath(path, root) for path, _ in found]
    made_from = hashlib.sha256(json.dumps([names, labels, classes, validation]).encode()).hexdigest()
    settings = {"size": size, "kind": kind, "classes": classes, "made_from": made_from}
    if output.resolve().is_relative_to(images.resolve()):
        raise OutputError(
            f"data set {str(output)!r} lies within the pictures; there it would be one of the classes.",
            "Choose an -o beside them.",
        )
    if not output.is_dir():
        check_folder(output.absolute().parent, f"data set {str(output)!r}")
    environment = open_environment(output, map_size=len(found) * (size * size * 3 + 8192) * 5 // 4 + 2**26)
    try:
        begun = read_about(environment, output)
        if begun is None:
            with environment.begin(write=True) as transaction:
                write_about(transaction, settings)
        else:
            _check_settings(begun, settings, output)
        _store_all(environment, [path for path, _ in found], labels, size, kind, workers, on_progress)
        about, broken = _finish(environment, names, labels, settings, validation)
    except lmdb.Error as error:
        raise DiskError(
            f"data set {str(output)!r} was not finished ({error}).",
            "Free some space, and run it again; it resumes where it stopped.",
        ) from error
    finally:
        environment.close()
    return Prepared(about, len(found), broken)


def _walk_classes(images: Path) -> list[tuple[Path, str]]:
    if not images.is_dir():
        raise DataSetError(
            f"pictures {str(images)!r} do not exist; expected a folder of class folders, or a list.",
            path_hint(images, "Check the path."),
        )
    found = []
    for folder in sorted(entry for entry in images.iterdir() if entry.is_dir() and not entry.name.startswith(".")):
        files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
        if not files:
            raise DataSetError(
                f"class {folder.name!r} is empty: no file in {str(folder)!r}; expected pictures.",
                "Put pictures into it, or delete the folder.",
            )
        found += [(path, folder.name) for path in files]
    return found


def _read_list(file: Path) -> list[tuple[Path, str]]:
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataSetError(f"list {str(file)!r} cannot be read ({error}).", "Give a text file in UTF-8.") from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        # The class stands behind the last tab, or the last comma where there is no tab.
        path, mark, name = line.rpartition("\t" if "\t" in line else ",")
        if not mark or not path.strip() or not name.strip():
            raise DataSetError(
                f"line {number} of {str(file)!r} is {line[:60]!r}; expected a path, a tab or a comma, and a class.",
                "Correct the line, or give a folder of class folders.",
            )
        found.append((file.parent / path.strip(), name.strip()))
    return found


def _check_settings(begun: dict[str, Any], settings: dict[str, Any], output: Path) -> None:
    facts = {"made_from": "from other pictures or another --validation", "kind": f"with --store {begun['kind']}"}
    for name, asked in settings.items():
        if begun[name] != asked:
            raise DataSetError(
                f"data set {str(output)!r} was begun {facts.get(name, f'with {name} {begun[name]}')}; expected the "
                "same to resume it.",
                "Choose another -o, or delete that folder.",
            )


def _store_all(
    environment: Any,
    paths: Sequence[Path],
    labels: Sequence[int],
    size: int,
    kind: Kind,
    workers: int | None,
    on_progress: Callable[[int, int, int], object] | None,
) -> None:
    """Store the missing pictures, a chunk a transaction. By threads, since Pillow releases Python's lock."""

    def convert(number: int) -> tuple[int, bytes]:
        try:
            return number, encode_picture(_read_square(paths[number], size), labels[number], kind)
        except Exception as error:  # Pillow's decoders raise nearly anything on damaged bytes
            return number, broken_record(" ".join(str(error).split()) or type(error).__name__)

    missing, broken = [], 0
    with environment.begin(buffers=True) as transaction:
        for number in range(len(paths)):
            record = transaction.get(key_of(number))
            if record is None:
                missing.append(number)
            else:
                broken += read_label(record) < 0
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for start in range(0, len(missing), CHUNK):
            chunk = missing[start : start + CHUNK]
            with environment.begin(write=True) as transaction:
                for number, record in pool.map(convert, chunk):
                    transaction.put(key_of(number), record)
                    broken += read_label(record) < 0
            done = len(paths) - len(missing) + start + len(chunk)
            stopped = on_progress is not None and on_progress(done, len(paths), broken) == "stop"
            if stopped and done < len(paths):
                raise KeyboardInterrupt(f"stopped at {done} of {len(paths)} pictures; run it again to resume.")


def _read_square(path: Path, size: int) -> Image.Image:
    with Image.open(path) as opened:
        picture = ImageOps.exif_transpose(opened)
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        picture = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        picture.alpha_composite(rgba)
    return picture.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)


def _finish(
    environment: Any, names: Sequence[str], labels: Sequence[int], settings: dict[str, Any], validation: float
) -> tuple[About, tuple[tuple[str, str], ...]]:
    """Split the sound pictures, measure them and write the description."""
    found, broken = np.array(labels, dtype=np.int64), []
    with environment.begin() as transaction:
        for number, name in enumerate(names):
            record = transaction.get(key_of(number))
            if read_label(record) < 0:
                found[number] = -1
                broken.append((name, re.sub(r"<_io\.\S+ [^>]*>", "the file", read_reason(record))))
        held_out = _hold_out(names, found, validation)
        for index, name in enumerate(settings["classes"]):
            if np.count_nonzero((found == index) & ~held_out) == 0:
                raise DataSetError(
                    f"class {name!r} has {np.count_nonzero(found == index)} sound pictures; expected two or more, to "
                    "train on one and to hold one out.",
                    "Add pictures to it or leave it out, and choose another -o.",
                )
        train = np.flatnonzero((found >= 0) & ~held_out)
        some = train[np.linspace(0, len(train) - 1, min(len(train), MEASURED)).astype(int)]
        means, squares = [], []
        for number in some:
            picture = decode_picture(transaction.get(key_of(number)), settings["size"], settings["kind"])
            pixels = np.asarray(picture, dtype=np.float64).reshape(-1, 3) / 255
            means.append(pixels.mean(axis=0))
            squares.append((pixels**2).mean(axis=0))
    mean = np.mean(means, axis=0)
    std = np.sqrt(np.maximum(np.mean(squares, axis=0) - mean**2, 1e-4))
    about = About(
        size=settings["size"],
        kind=settings["kind"],
        classes=tuple(settings["classes"]),
        mean=_three(mean),
        std=_three(std),
        train=train,
        validation=np.flatnonzero((found >= 0) & held_out),
        labels=found,
    )
    with environment.begin(write=True) as transaction:
        write_about(transaction, {"made_from": settings["made_from"]}, about)
    return about, tuple(broken)


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (round(float(value), 6) for value in values)
    return red, green, blue


def _hold_out(names: Sequence[str], labels: np.ndarray[Any, np.dtype[np.int64]], share: float) -> Any:
    """Return a mask of the held-out pictures: of each class, those whose names have the smallest hashes."""
    held_out = np.zeros(len(names), dtype=bool)
    for label in range(int(labels.max(initial=-1)) + 1):
        numbers = np.flatnonzero(labels == label)
        ranked = sorted(map(int, numbers), key=lambda number: hashlib.sha256(os.fsencode(names[number])).digest())
        held_out[ranked[: max(1, round(share * len(numbers)))]] = True
    return held_out

"""The record of a run: its inputs, its recipe and plan, the picture to write, and how the run ended."""

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import torch

from impasto import __version__
from impasto.errors import RunError
from impasto.images.faces import Box
from impasto.images.picture import Picture
from impasto.system.disk import replace_file

FORMAT_VERSION = 1
RECORD_NAME = "run.json"

Role = Literal["content", "style", "fine_style", "content_mask", "style_mask", "only", "protect", "init"]
"""The use of a picture in a run."""

NOUNS: Mapping[Role, str] = {
    "content": "content image",
    "style": "style image",
    "fine_style": "fine style",
    "content_mask": "content mask",
    "style_mask": "style mask",
    "only": "mask of --only",
    "protect": "mask of --protect",
    "init": "start image",
}
"""The words for a picture of each role in messages."""

MASKS: tuple[Role, ...] = ("content_mask", "style_mask", "only", "protect")


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A picture that a run read: its role, file name ("" if it was no file) and SHA-256 of the file or the pixels.

    path: its absolute path, "" if it was no file; "beside" in `run.json` is the one from the run's folder, which holds
    where both were moved. copy: the name of its copy in the run's folder, which masks and what was no file have; "kept"
    in `run.json`. boxes: of faces that were found, each (left, top, width, height) in pixels of the upright photograph;
    the name is then "faces", and the SHA-256 that of the mask made of them.
    """

    role: Role
    name: str
    sha256: str
    path: str = ""
    copy: str = ""
    boxes: tuple[Box, ...] = ()

    @classmethod
    def of(cls, role: Role, picture: Picture, copy: str = "") -> Self:
        """Return the record of a picture."""
        name, sha256, path, boxes = picture.name, picture.sha256, picture.path, picture.boxes
        return cls(role=role, name=name, sha256=sha256, path=path, copy=copy, boxes=boxes)

    def to_dict(self, *, strip: bool = False) -> dict[str, Any]:
        """Return role, name, sha256, and boxes if there are any, as JSON values for a picture's metadata.

        strip: name and sha256 are empty; that faces were found stays.
        """
        name, sha256 = (self.name if self.boxes else "", "") if strip else (self.name, self.sha256)
        values: dict[str, Any] = {"role": self.role, "name": name, "sha256": sha256}
        return {**values, "boxes": [list(box) for box in self.boxes]} if self.boxes else values


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that is needed to resume a run, except the checkpoint. All values are as JSON has them.

    kind: the command that began it. recipe: `Recipe.to_dict`. sources: the pictures that it read. files: other files
    that the recipe names, {field: {"path", "sha256"}}: the weights. plan: `RunPlan.to_dict`. device: "cpu",
    "cuda:0,cuda:1". max_pixels: the largest picture read. weights: name and SHA-256.
    delivery: the picture to write, `output`, and how; empty for a run from Python. software: versions of impasto and
    torch. created: local time. finished: None, or what `Result.to_dict` says, `output` and the stored `result`.
    """

    kind: str
    recipe: Mapping[str, Any]
    sources: tuple[Input, ...]
    files: Mapping[str, Mapping[str, str]]
    plan: Mapping[str, Any]
    device: str
    max_pixels: int
    weights: Mapping[str, str]
    delivery: Mapping[str, Any]
    software: Mapping[str, str]
    created: str
    finished: Mapping[str, Any] | None = None

    @property
    def output(self) -> str:
        """The absolute path of the picture to write, or ""."""
        return str(self.delivery.get("output") or "")

    @property
    def steps(self) -> int:
        """The steps of the plan that it began with."""
        return sum(int(part["steps"]) for part in self.plan["parts"])

    @property
    def paths(self) -> list[Path]:
        """The paths of all files that it read."""
        paths = [*(source.path for source in self.sources), *(file["path"] for file in self.files.values())]
        return [Path(path) for path in paths if path]

    def write(self, folder: Path) -> None:
        """Write the record into a run's folder, in one atomic move. Raises DiskError."""
        values = {"format_version": FORMAT_VERSION, **dataclasses.asdict(self)}
        for source in values["sources"]:
            source["kept"] = source.pop("copy")
            source["beside"] = _relative(source["path"], folder)
        replace_file(folder / RECORD_NAME, json.dumps(values, indent=1).encode())

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the record in a run's folder. Raises RunError (none, damaged, or of a newer version)."""
        path = folder / RECORD_NAME
        try:
            values = json.loads(path.read_bytes())
            version = values.pop("format_version")
            if version > FORMAT_VERSION:
                raise RunError(
                    f"run {str(folder)!r} has format_version {version}; this impasto reads up to {FORMAT_VERSION}.",
                    "Install a newer impasto to resume it.",
                )
            sources = tuple(_to_input(source, folder) for source in values.pop("sources"))
            record = cls(sources=sources, **values)
            _check_kinds(record)
        except FileNotFoundError as error:
            raise RunError(
                f"{str(folder)!r} is no run: it has no {RECORD_NAME}; expected a folder that impasto painted in.",
                "`impasto runs list` lists all runs.",
            ) from error
        except RunError:
            raise
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise RunError(
                f"run {str(folder)!r} is damaged ({type(error).__name__}: {error}); expected {RECORD_NAME} as impasto "
                "wrote it.",
                "Paint the picture anew.",
            ) from error
        return record


def _check_kinds(record: Record) -> None:
    """Accept a record whose values are of the kinds that `write` gives them. Raises ValueError, KeyError, TypeError."""
    finished = {"steps": 0, "losses": {}} if record.finished is None else record.finished
    part = record.plan["parts"][-1]
    texts = [record.kind, record.device, record.created, record.weights["sha256"], *record.software.values()]
    texts += [text for each in record.sources for text in (each.role, each.name, each.sha256, each.path, each.copy)]
    texts += [file[name] for file in record.files.values() for name in ("path", "sha256")]
    numbers = [record.steps, record.max_pixels, part["width"], part["height"], finished["steps"]]
    groups = [record.recipe, record.delivery, finished["losses"]]
    for kind, values in ((str, texts), (int, numbers), (dict, groups)):
        for value in values:
            if not isinstance(value, kind):
                raise ValueError(f"{value!r} is no {kind.__name__}")
    roles = {source.role for source in record.sources}
    if not roles <= NOUNS.keys():
        raise ValueError("a source has an unknown role")
    if not roles & {"content", "style"}:
        raise ValueError("it has neither a content image nor a style image")


def _to_input(values: dict[str, Any], folder: Path) -> Input:
    copy, boxes = values.pop("kept", ""), tuple(tuple(box) for box in values.pop("boxes", ()))
    beside = values.pop("beside", "")
    if beside and not Path(values["path"]).exists() and (moved := Path(os.path.abspath(folder / beside))).is_file():
        values["path"] = str(moved)
    return Input(**values, copy=copy, boxes=boxes)


def _relative(path: str, folder: Path) -> str:
    """Return a path relative to the run's folder, by which it is found again where both were moved; "" if none is."""
    try:
        return os.path.relpath(path, folder) if path else ""
    except ValueError:  # on another drive of Windows
        return ""


def software_versions() -> dict[str, str]:
    """Return the versions of the software on which a run's last digits depend."""
    return {"impasto": __version__, "torch": torch.__version__}

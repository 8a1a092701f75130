"""What a run's folder says of the run: what went in, how it is painted, where to, and how it ended."""

import dataclasses
import datetime
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import torch

from impasto import __version__
from impasto.errors import RunError
from impasto.features.weights import RECORDS, WeightsRecord
from impasto.images.faces import Box
from impasto.optimize.schedule import RunPlan
from impasto.recipe.files import init_file
from impasto.recipe.recipe import Recipe
from impasto.system.disk import file_sha256, replace_file

FORMAT_VERSION = 1
RECORD_NAME = "run.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A picture that went in: role, file name, SHA-256, and where it is.

    path: its absolute path; "" for an array or a PIL picture. kept: its file in the run's folder, where it is kept as
    it was read: an array, a PIL picture, a mask. boxes: as of an `Input`.
    """

    role: str
    name: str
    sha256: str
    path: str
    kept: str = ""
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything but the state that a run needs to be gone on with. All values are as JSON has them.

    kind: the command that began it. recipe: `Recipe.to_dict`. files: of the recipe's start image and weights, where
    these are files, {field: {"path", "sha256"}}. plan: `RunPlan.to_dict`. device: "cpu", "cuda:0,cuda:1".
    max_pixels: the largest picture read. weights: name and SHA-256.
    delivery: the picture to write, `output`, and how; empty for a run from Python. software: versions of impasto and
    torch. created: local time. finished: None, or what `Result.to_dict` says, `output` and the `result` kept.
    """

    kind: str
    recipe: Mapping[str, Any]
    sources: tuple[Source, ...]
    files: Mapping[str, Mapping[str, str]]
    plan: Mapping[str, Any]
    device: str
    max_pixels: int
    weights: Mapping[str, str]
    delivery: Mapping[str, Any]
    software: Mapping[str, str]
    created: str
    finished: Mapping[str, Any] | None = field(default=None)

    @property
    def output(self) -> str:
        """The absolute path of the picture to write, or ""."""
        return str(self.delivery.get("output") or "")

    @property
    def steps(self) -> int:
        """Of the plan that it began with."""
        return sum(int(part["steps"]) for part in self.plan["parts"])

    def write(self, folder: Path) -> None:
        """Writes it, in one atomic move. Raises DiskError."""
        values = {"format_version": FORMAT_VERSION, **dataclasses.asdict(self)}
        replace_file(folder / RECORD_NAME, BytesIO(json.dumps(values, indent=1).encode()))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The record in a run's folder. Raises RunError (none, damaged, or of a newer version)."""
        path = folder / RECORD_NAME
        try:
            values = json.loads(path.read_bytes())
            version = values.pop("format_version")
            if version > FORMAT_VERSION:
                raise RunError(
                    f"run {str(folder)!r} has format_version {version}; this impasto reads up to {FORMAT_VERSION}.",
                    "Install a newer impasto to go on with it.",
                )
            sources = tuple(_to_source(source) for source in values.pop("sources"))
            record = cls(sources=sources, **values)
            if not all(isinstance(value, dict) for value in (record.recipe, record.files, record.delivery)):
                raise ValueError("its values are of the wrong kind")
            _ = record.steps
        except FileNotFoundError as error:
            raise RunError(
                f"{str(folder)!r} is no run: it has no {RECORD_NAME}; expected a folder that impasto painted in.",
                "`impasto runs list` lists all runs.",
            ) from error
        except RunError:
            raise
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise RunError(
                f"run {str(folder)!r} is damaged ({type(error).__name__}: {error}); expected {RECORD_NAME} as impasto "
                "wrote it.",
                "Paint the picture anew.",
            ) from error
        return record


def _to_source(values: Mapping[str, Any]) -> Source:
    return Source(**{**values, "boxes": tuple(tuple(box) for box in values.get("boxes", ()))})


def build_record(
    *,
    kind: str,
    recipe: Recipe,
    sources: Sequence[Source],
    plan: RunPlan,
    device: str,
    max_pixels: int,
    weights: WeightsRecord,
    delivery: Mapping[str, Any],
) -> Record:
    """The record of a run that begins now."""
    files = {name: {"path": os.path.abspath(path), "sha256": file_sha256(Path(path))} for name, path in _files(recipe)}
    return Record(
        kind=kind,
        recipe=recipe.to_dict(),
        sources=tuple(sources),
        files=files,
        plan=plan.to_dict(),
        device=device,
        max_pixels=max_pixels,
        weights={"name": weights.name, "sha256": weights.sha256},
        delivery=dict(delivery),
        software=software_versions(),
        created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
    )


def software_versions() -> dict[str, str]:
    """What a run's last digits depend on."""
    return {"impasto": __version__, "torch": torch.__version__}


def _files(recipe: Recipe) -> list[tuple[str, str]]:
    """Fields of the recipe that name a file, with its path."""
    init = init_file(recipe)
    named = [] if init is None else [("init", init)]
    return named if recipe.weights in RECORDS else [*named, ("weights", recipe.weights)]

"""The folder of a training run: what is trained, how far it is, and what it told on the way."""

import io
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from impasto import __version__
from impasto.backbone.recipes import TrainingRecipe
from impasto.backbone.store import About
from impasto.errors import CheckpointError
from impasto.system.disk import check_folder, replace_file

RUN, CHECKPOINT, TRACE, CURVES, BACKBONE = (
    "run.json",
    "checkpoint.pt",
    "trace.jsonl",
    "curves.svg",
    "backbone.safetensors",
)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A folder with run.json, checkpoint.pt, trace.jsonl, curves.svg, and in the end backbone.safetensors."""

    path: Path

    def begin(self, recipe: TrainingRecipe, about: About, precision: str) -> None:
        """Writes what is to be trained, or checks that it is what the folder holds already.

        precision: the network's on this machine; a run keeps that of its first start.
        Raises CheckpointError if the folder holds a run of another recipe, architecture or data; OutputError.
        """
        wanted = {"recipe": recipe.to_dict(), "data": describe_data(about)}
        if not (self.path / RUN).exists():
            if not self.path.exists():
                check_folder(self.path.absolute().parent, f"run {str(self.path)!r}")
                self.path.mkdir()
            check_folder(self.path, f"run {str(self.path)!r}")
            self._write(RUN, {"impasto": __version__, "precision": precision, **wanted})
            return
        found = self.read()
        for part, hint in (("recipe", "Give the same options to go on"), ("data", "Give the same data set to go on")):
            differing = [key for key, value in wanted[part].items() if found[part].get(key) != value]
            if differing:
                told = ", ".join(f"{key} {_brief(found[part].get(key))}" for key in differing)
                asked = ", ".join(f"{key} {_brief(wanted[part][key])}" for key in differing)
                raise CheckpointError(
                    f"run {str(self.path)!r} holds a checkpoint of another training: {told}; asked for is {asked}.",
                    f"{hint}, or choose another -o.",
                )

    def read(self) -> dict[str, Any]:
        """What `begin` wrote. Raises CheckpointError."""
        try:
            values = json.loads((self.path / RUN).read_text("utf-8"))
            if not {"recipe", "data", "precision"} <= values.keys():
                raise ValueError("entries are missing")
        except (OSError, ValueError, AttributeError) as error:
            raise CheckpointError(
                f"{str(self.path / RUN)!r} cannot be read ({error}); expected the folder of a training run.",
                "Choose the folder that `impasto backbone train` wrote.",
            ) from error
        return values  # type: ignore[no-any-return]

    def save(self, state: Mapping[str, Any]) -> None:
        """Writes the checkpoint in one atomic move. Raises DiskError."""
        file = io.BytesIO()
        torch.save(dict(state), file)
        replace_file(self.path / CHECKPOINT, file)

    def load(self) -> dict[str, Any] | None:
        """The checkpoint on the CPU, or None before the first. Raises CheckpointError."""
        path = self.path / CHECKPOINT
        if not path.exists():
            return None
        try:
            return torch.load(path, map_location="cpu", weights_only=True)  # type: ignore[no-any-return]
        except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
            raise CheckpointError(
                f"checkpoint {str(path)!r} is damaged ({type(error).__name__}).",
                "Delete it to begin anew, or choose another -o.",
            ) from error

    def tell(self, values: Mapping[str, Any]) -> None:
        """Adds a line to the trace."""
        with (self.path / TRACE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(values)) + "\n")

    def trace(self) -> list[dict[str, Any]]:
        """All lines of the trace; one that was cut short is left out."""
        if not (self.path / TRACE).exists():
            return []
        found = []
        for line in (self.path / TRACE).read_text("utf-8", "replace").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:  # cut short by a kill
                continue
        return found

    def forget_after(self, step: int) -> None:
        """Takes from the trace what came after this step: it is to be done again."""
        kept = [json.dumps(values) + "\n" for values in self.trace() if values["step"] <= step]
        replace_file(self.path / TRACE, io.BytesIO("".join(kept).encode()))

    def _write(self, name: str, values: Mapping[str, Any]) -> None:
        replace_file(self.path / name, io.BytesIO(json.dumps(dict(values), indent=1).encode()))


def describe_data(about: About) -> dict[str, Any]:
    """What a run must have been begun with to go on, as JSON values."""
    return {
        "size": about.size,
        "kind": about.kind,
        "classes": list(about.classes),
        "train": len(about.train),
        "validation": len(about.validation),
        "mean": list(about.mean),
        "std": list(about.std),
    }


def _brief(value: Any) -> str:
    return f"of {len(value)}" if isinstance(value, list) else f"{value}"

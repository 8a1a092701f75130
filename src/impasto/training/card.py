"""The card of a trained network: its recipe, its data and the versions, as `run.json` and as metadata of its file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto import __version__
from impasto.errors import CheckpointError
from impasto.system.disk import check_folder, replace_file
from impasto.training.peers import Peers

CARD_NAME = "run.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is known of a training before it begins. recipe, data: JSON values by name. impasto: the version."""

    recipe: Mapping[str, Any]
    data: Mapping[str, Any]
    precision: str
    impasto: str = __version__

    def to_metadata(self) -> dict[str, str]:
        """Return recipe and data as text, for the metadata of the network's file."""
        return {"recipe": json.dumps(dict(self.recipe)), "data": json.dumps(dict(self.data))}


def begin_run(folder: Path, card: Card, peers: Peers) -> Card:
    """Return the card of the run in a folder: this one, written, if it is new; that of its first start if resumed.

    peers: all of which call this. Raises CheckpointError for a run of another recipe or other data; OutputError,
    DiskError.
    """
    if peers.rank == 0:
        _write_or_check(folder, card)
    peers.wait()
    return read_card(folder)


def _write_or_check(folder: Path, card: Card) -> None:
    label = f"run {str(folder)!r}"
    if not (folder / CARD_NAME).exists():
        if not folder.exists():
            check_folder(folder.absolute().parent, label)
            folder.mkdir()
        check_folder(folder, label)
        values = {"impasto": card.impasto, "precision": card.precision, "recipe": card.recipe, "data": card.data}
        replace_file(folder / CARD_NAME, json.dumps(values, indent=1).encode())
        return
    found = read_card(folder)
    for old, new, hint in (
        (found.recipe, card.recipe, "Give the same options to resume it"),
        (found.data, card.data, "Give the same data set to resume it"),
    ):
        differing = [key for key, value in new.items() if old.get(key) != value]
        if differing:
            before = ", ".join(f"{key} {_brief(old.get(key))}" for key in differing)
            now = ", ".join(f"{key} {_brief(new[key])}" for key in differing)
            raise CheckpointError(
                f"{label} holds a checkpoint of another training: {before}; asked for is {now}.",
                f"{hint}, or choose another -o.",
            )


def read_card(folder: Path) -> Card:
    """Return the card in a run's folder. Raises CheckpointError."""
    try:
        values = json.loads((folder / CARD_NAME).read_text("utf-8"))
        return Card(
            recipe=dict(values["recipe"]),
            data=dict(values["data"]),
            precision=str(values["precision"]),
            impasto=str(values["impasto"]),
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise CheckpointError(
            f"{str(folder / CARD_NAME)!r} cannot be read ({type(error).__name__}: {error}); expected the folder of a "
            "training run.",
            "Choose the folder of a training run.",
        ) from error


def _brief(value: Any) -> str:
    return f"of {len(value)}" if isinstance(value, list) else f"{value}"

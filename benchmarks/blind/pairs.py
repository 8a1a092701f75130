"""The pairs of pictures that are judged, and where their paintings lie."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PICTURES = FOLDER / "pictures"
"""Finished pictures, NAME/PAIR.jpg; what painted each, and how long, in NAME/made.jsonl."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A photograph and a painting, files of the data folder; the rest as `pairs.toml` says."""

    name: str
    content: Path
    style: Path
    unseen: bool = False
    peers: bool = False
    baseline: bool = False
    ghost: str = ""
    only_ghost: bool = False
    portrait: bool = False
    only_portrait: bool = False


KINDS: dict[str, Callable[[Pair], bool]] = {
    "main": lambda pair: not (pair.only_ghost or pair.only_portrait),
    "seen": lambda pair: not (pair.only_ghost or pair.only_portrait or pair.unseen),
    "peers": lambda pair: pair.peers,
    "baseline": lambda pair: pair.baseline,
    "ghost": lambda pair: bool(pair.ghost),
    "portrait": lambda pair: pair.portrait,
}
"""Which pairs a call paints or shows."""


def read_pairs(data: Path) -> list[Pair]:
    """Return the pairs in the file's order, with paths below the folder `data`."""
    tables = tomllib.loads((FOLDER / "pairs.toml").read_text(encoding="utf-8"))
    return [
        Pair(name, data / "content" / table.pop("content"), data / "paintings" / table.pop("style"), **table)
        for name, table in tables.items()
    ]

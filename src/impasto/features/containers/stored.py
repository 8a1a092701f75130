"""A network as a weights file stores it, and the metadata that impasto adds to its own files."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from impasto.errors import MissingExtraError, WeightsError
from impasto.features.architecture import Layers
from impasto.features.preprocessing import Preprocessing, build_preprocessing

FORMAT = "impasto-backbone-1"
"""Version of the metadata; another is refused."""

_KEYS = (
    *("format", "arch", "width", "channel_order", "scale", "mean", "std"),
    *("licence", "source", "classes", "trained_by"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNetwork:
    """Layers and classifier as `Layers` says, but in any float type and order, and what the file says about them.

    "" or None: the file says nothing. more: entries of the metadata that are not named here.
    """

    layers: Layers
    classifier: Layers
    architecture: str = ""
    width: float | None = None
    preprocessing: Preprocessing | None = None
    license: str = ""
    source: str = ""
    classes: tuple[str, ...] = ()
    trained_by: str = ""
    more: Mapping[str, str] = field(default_factory=dict)


Read = Callable[[Path, bool], StoredNetwork]
"""Reads a file, with its classifier or without. Raises WeightsError, MissingExtraError."""

Encode = Callable[[Layers, Mapping[str, str]], bytes]
"""Returns a file's bytes. Takes the layers with the classifier among them, and the metadata."""


def add_metadata(stored: StoredNetwork, metadata: Mapping[str, Any], label: str) -> StoredNetwork:
    """Return the network with the metadata of `Weights.to_metadata`. Raises WeightsError naming the label."""
    if metadata.get("format") != FORMAT:
        raise WeightsError(
            f"{label} is of format {metadata.get('format')!r}; expected {FORMAT!r}, which `impasto backbone` writes.",
            "Convert it again: impasto backbone convert.",
        )
    try:
        order = {"RGB": "rgb", "BGR": "bgr"}[metadata["channel_order"]]
        numbers = [tuple(map(float, metadata[key].split(","))) for key in ("scale", "mean", "std")]
        return replace(
            stored,
            architecture=metadata["arch"],
            width=float(metadata["width"]) if "width" in metadata else None,
            preprocessing=build_preprocessing(order, *numbers[0], *numbers[1:]),  # type: ignore[arg-type]
            license=metadata.get("licence", ""),
            source=metadata.get("source", ""),
            classes=tuple(map(str, json.loads(metadata.get("classes") or "[]"))),
            trained_by=metadata.get("trained_by", ""),
            more={key: str(value) for key, value in metadata.items() if key not in _KEYS},
        )
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise WeightsError(
            f"{label} has malformed metadata ({type(error).__name__}: {error}); expected arch, channel_order "
            "(RGB, BGR), scale, mean and std.",
            "Convert it again: impasto backbone convert.",
        ) from error


def add_note(
    stored: StoredNetwork, note: str, label: str, order: Literal["rgb", "bgr"] | None = None
) -> StoredNetwork:
    """Return the network with our metadata as JSON in another program's file; unchanged where the note is "".

    order: of the channels in all files of that program; conv1_1 is turned to the order that the metadata names.
    """
    if not note:
        return stored
    try:
        metadata = json.loads(note)
    except (ValueError, RecursionError):
        metadata = {}
    found = add_metadata(stored, metadata if isinstance(metadata, dict) else {}, label)
    assert found.preprocessing is not None
    if order is None or found.preprocessing.order == order or "conv1_1" not in found.layers:
        return found
    kernel, bias = found.layers["conv1_1"]
    return replace(found, layers=found.layers | {"conv1_1": (kernel.flip(1), bias)})


def import_extra(module: str, label: str) -> Any:
    """Import a module of the extra [convert]. Raises MissingExtraError."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{label} needs the package {module.split('.')[0]}, which is not installed.",
            'Run: pip install "impasto[convert]"',
        ) from error


def batch_norm_error(label: str, names: str) -> WeightsError:
    """Return the error for batch normalization in a file where it cannot be folded."""
    return WeightsError(
        f"{label} has batch normalization ({names}); expected plain convolutions.",
        "Fold it into the convolutions first; impasto does that only for torchvision's files.",
    )

"""What a container holds, in our terms: layers by the paper's names, and what it says of itself."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from impasto.errors import MissingExtraError, WeightsError
from impasto.features.architecture import Layers, width_of
from impasto.features.preprocessing import Preprocessing, build_preprocessing

FORMAT = "impasto-backbone-1"
"""Version of the written form; another is refused with a clear message."""

_KEYS = (
    *("format", "arch", "width", "channel_order", "scale", "mean", "std"),
    *("licence", "source", "classes", "trained_by"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Layers and classifier as `Layers` says but in any float type and order; what the file tells, "" or None where it
    does not. more: what else its note says, kept as it is. For writing, everything is told."""

    layers: Layers
    classifier: Layers
    architecture: str = ""
    preprocessing: Preprocessing | None = None
    license: str = ""
    source: str = ""
    classes: tuple[str, ...] = ()
    trained_by: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    def in_channel_order(self, order: Literal["rgb", "bgr"]) -> Layers:
        """The layers for an input whose channels come in this order."""
        assert self.preprocessing is not None
        return self.layers if self.preprocessing.order == order else flip_channels(self.layers)


Read = Callable[[Path, bool], Content]
"""Reads a file, with its classifier or without. Raises WeightsError, MissingExtraError."""

Write = Callable[[Content, Path], None]


def flip_channels(layers: Layers) -> Layers:
    """The same network for an input whose channels come in the other order, RGB or BGR."""
    kernel, bias = layers["conv1_1"]
    return layers | {"conv1_1": (kernel.flip(1).contiguous(), bias)}


def to_note(content: Content) -> dict[str, str]:
    """What is known of a network beside its numbers: the metadata of our own container, the note in others."""
    wanted = content.preprocessing
    assert wanted is not None
    return {
        **content.more,
        "format": FORMAT,
        "arch": content.architecture,
        "width": _plain(width_of(content.layers)),
        "channel_order": wanted.order.upper(),
        "scale": _plain(wanted.scale),
        "mean": ",".join(map(_plain, wanted.mean)),
        "std": ",".join(map(_plain, wanted.std)),
        "licence": content.license,
        "source": content.source,
        "classes": json.dumps(list(content.classes)),
        "trained_by": content.trained_by,
    }


def from_note(note: Mapping[str, str], layers: Layers, classifier: Layers, label: str) -> Content:
    """The layers with what a note tells of them. Raises WeightsError naming the label where it is malformed."""
    if note.get("format") != FORMAT:
        raise WeightsError(
            f"{label} is of format {note.get('format')!r}; expected {FORMAT!r}, which `impasto backbone` writes.",
            "Convert it again: impasto backbone convert.",
        )
    try:
        order = {"RGB": "rgb", "BGR": "bgr"}[note["channel_order"]]
        numbers = [tuple(map(float, note[key].split(","))) for key in ("scale", "mean", "std")]
        classes = json.loads(note.get("classes") or "[]")
        preprocessing = build_preprocessing(order, *numbers[0], *numbers[1:])  # type: ignore[arg-type]
        return Content(
            layers=layers,
            classifier=classifier,
            architecture=note["arch"],
            preprocessing=preprocessing,
            license=note.get("licence", ""),
            source=note.get("source", ""),
            classes=tuple(map(str, classes)),
            trained_by=note.get("trained_by", ""),
            more={key: str(value) for key, value in note.items() if key not in _KEYS},
        )
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(
            f"{label} has malformed metadata ({type(error).__name__}: {error}); expected arch, channel_order "
            "(RGB, BGR), scale, mean and std.",
            "Convert it again: impasto backbone convert.",
        ) from error


def from_foreign(
    note: str, layers: Layers, classifier: Layers, label: str, order: Literal["rgb", "bgr"] | None
) -> Content | None:
    """Layers of another program's container, with our note's word; None where there is no note.

    order: of the channels in every such container; the layers come back in the order that they were written from.
    """
    if not note:
        return None
    try:
        values = json.loads(note)
    except ValueError:
        values = {}
    content = from_note(values if isinstance(values, dict) else {}, layers, classifier, label)
    assert content.preprocessing is not None
    if order is None or content.preprocessing.order == order or "conv1_1" not in layers:
        return content
    return from_note(values, flip_channels(layers), classifier, label)


def import_extra(module: str, label: str) -> Any:
    """A module of the extra [convert]. Raises MissingExtraError."""
    try:
        return import_module(module)
    except ImportError as error:
        package = {"google": "protobuf"}.get(module.split(".")[0], module.split(".")[0])
        raise MissingExtraError(
            f"{label} needs the package {package}, which is not installed.", 'Run: pip install "impasto[convert]"'
        ) from error


def refuse_batch_norm(label: str, names: str) -> WeightsError:
    """The error for a container with batch normalisation that is not folded."""
    return WeightsError(
        f"{label} has batch normalisation ({names}); expected plain convolutions.",
        "Fold it into the convolutions first; of torchvision's containers impasto does it itself.",
    )


def _plain(value: float) -> str:
    return repr(float(value)).removesuffix(".0")

"""The trained network as a file: `.safetensors` with all that is needed to use it, batch norm merged in."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from impasto.backbone.network import Architecture, Network
from impasto.errors import WeightsError
from impasto.features.containers.own import encode
from impasto.system.disk import replace_file

FORMAT = "impasto-backbone-1"
LICENSE = "the trainer's own, and that of the pictures"


@dataclass(frozen=True, slots=True)
class Backbone:
    """Weights by name (`conv1_1.weight` (out, in, 3, 3), ..., `fc8.bias`) and what is known of them, all text."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the last layer."""
        return tuple(json.loads(self.metadata.get("classes", "[]")))

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of numbers of the metadata: `mean` or `std`."""
        return tuple(float(text) for text in self.metadata[name].split(","))

    def network(self) -> Network:
        """The network to judge pictures with. Raises WeightsError if the file holds no classifier."""
        if "fc8.weight" not in self.tensors or not self.classes:
            raise WeightsError(
                "the backbone has no classifier (fc8) with named classes, so there is nothing to judge.",
                "Give a run of `impasto backbone train`, or the backbone.safetensors that it wrote.",
            )
        network = Network(
            Architecture(
                arch=self.metadata["arch"],
                width=float(self.metadata["width"]),
                batch_norm=False,
                classifier="vgg" if "fc6.weight" in self.tensors else "average",
                classes=len(self.classes),
                crop=int(self.metadata["crop"]),
            )
        )
        missing = [name for name in network.folded() if name not in self.tensors]
        if missing:
            raise WeightsError(
                f"the backbone lacks {', '.join(missing)} of {self.metadata['arch']}; expected all of its layers.",
                "Train or copy it again.",
            )
        network.load_folded(self.tensors)
        return network.eval()


def to_backbone(
    network: Network,
    *,
    classes: tuple[str, ...],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    license: str,
    trained_by: str,
    augment: bool,
) -> Backbone:
    """The network as it is written: see `write_backbone`."""
    architecture = network.architecture
    metadata = {
        "format": FORMAT,
        "arch": architecture.arch,
        "width": f"{architecture.width:g}",
        "channel_order": "RGB",
        "scale": "1",
        "mean": ",".join(f"{value:g}" for value in mean),
        "std": ",".join(f"{value:g}" for value in std),
        "licence": license,
        "classes": json.dumps(classes),
        "trained_by": trained_by,
        "crop": str(architecture.crop),
        "augment": "yes" if augment else "no",
    }
    return Backbone(network.folded(), metadata)


def write_backbone(backbone: Backbone, path: Path) -> None:
    """Writes the file in one atomic move; the same weights give the same bytes. Raises DiskError."""
    replace_file(path, BytesIO(encode(backbone.tensors, backbone.metadata)))


def read_backbone(path: str | os.PathLike[str]) -> Backbone:
    """What `write_backbone` wrote. Raises WeightsError."""
    from safetensors import SafetensorError, safe_open

    label = f"backbone {os.fspath(path)!r}"
    if not Path(path).is_file():
        raise WeightsError(f"{label} does not exist; expected a file or the folder of a run.", "Check the path.")
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, ValueError, OSError) as error:
        raise WeightsError(
            f"{label} is damaged or no .safetensors file ({error}).", "Train or copy it again."
        ) from error
    if metadata.get("format") != FORMAT or not {"arch", "width", "mean", "std"} <= metadata.keys():
        raise WeightsError(
            f"{label} is a .safetensors file, but not a backbone that impasto wrote.",
            "Give the backbone.safetensors of a run.",
        )
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise WeightsError(f"{label} holds NaN or infinity.", "Train or copy it again.")
    return Backbone(tensors, metadata)

"""The trained network as a weights file: batch norm merged in, with the metadata to use and to evaluate it."""

import os
from pathlib import Path

from impasto import __version__
from impasto.backbone.network import Architecture, Network
from impasto.backbone.store import About
from impasto.errors import WeightsError
from impasto.features.preprocessing import build_preprocessing
from impasto.features.weights import Weights, WeightsRecord, read_weights
from impasto.system.disk import path_hint
from impasto.training.card import Card

BACKBONE = "backbone.safetensors"
LICENSE = "the trainer's own, and that of the pictures"


def to_backbone(network: Network, about: About, card: Card, license: str) -> Weights:
    """Return the trained network as weights, to be written by `write_safetensors`."""
    architecture, recipe = network.architecture, card.recipe
    record = WeightsRecord(
        name="trained",
        architecture=architecture.arch,
        preprocessing=build_preprocessing("rgb", 1.0, about.mean, about.std),
        license=license,
        source="",
        sha256="",
        width=architecture.width,
        classes=about.classes,
        trained_by=f"impasto {__version__}, preset {recipe['preset']}, {recipe['epochs']} epochs",
    )
    cropping = {"crop": str(architecture.crop), "augment": "yes" if recipe["augment"] else "no"}
    return Weights(record, *network.folded(), {**cropping, **card.to_metadata()})


def to_network(weights: Weights) -> Network:
    """Return the network that classifies pictures. Raises WeightsError if the file holds no classifier."""
    record, layers = weights.record, weights.layers | weights.classifier
    if "fc8" not in weights.classifier or not record.classes or "crop" not in weights.more:
        raise WeightsError(
            "the backbone has no classifier (fc8) with named classes, so there is nothing to evaluate.",
            "Give a run of `impasto backbone train`, or the backbone.safetensors that it wrote.",
        )
    network = Network(
        Architecture(
            arch=record.architecture,
            width=record.width,
            batch_norm=False,
            classifier="vgg" if "fc6" in weights.classifier else "average",
            classes=len(record.classes),
            crop=int(weights.more["crop"]),
        )
    )
    try:
        network.load_folded(layers)
    except (KeyError, RuntimeError) as error:
        raise WeightsError(
            f"the backbone's classifier does not fit {record.architecture} of width {record.width:g} ({error}).",
            "Train or copy it again.",
        ) from error
    return network.eval()


def read_backbone(path: str | os.PathLike[str]) -> Weights:
    """Read a trained network with its classifier. Raises WeightsError."""
    if not Path(path).is_file():
        raise WeightsError(
            f"backbone {os.fspath(path)!r} does not exist; expected a file or the folder of a run.",
            path_hint(path, "Check the path."),
        )
    return read_weights(Path(path), classifier=True)

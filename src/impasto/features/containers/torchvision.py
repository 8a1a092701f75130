"""torchvision's weights files (.pth): a state dict with `features.N.weight` and `classifier.N.weight`.

N counts convolutions, ReLUs, poolings and batch norms together, so the architecture follows from it.
"""

import io
import json
import pickle
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.architecture import DEPTHS, Layers, layers_of
from impasto.features.containers.stored import StoredNetwork, add_note

DENSE = {"fc6": 0, "fc7": 3, "fc8": 6}
"""Places of the dense layers in torchvision's classifier."""

BATCH_NORM_EPSILON = 1e-5
"""torch's default, with which torchvision's networks were trained."""


def read(path: Path, classifier: bool) -> StoredNetwork:
    """Read a state dict, batch norms folded. Only our note says which input it expects."""
    label = f"weights file {str(path)!r}"
    state = load_tensors(path, label)
    if "conv1_1.weight" in state:
        names = [key.removesuffix(".weight") for key in state if key.startswith("conv") and key.endswith(".weight")]
        found = {name: f"{name}." for name in names}
    elif any(key.startswith("features.") and key.endswith(".weight") for key in state):
        found = _name_convolutions(state)
    else:
        raise WeightsError(
            f"{label} has no tensor 'features.0.weight' or 'conv1_1.weight'; expected a state dict of a VGG.",
            "Save it with torch.save(model.state_dict(), path) from a torchvision-like VGG.",
        )
    layers = {name: _convolution(state, prefix, label) for name, prefix in found.items()}
    dense: Layers = {}
    for name, index in DENSE.items() if classifier else ():
        if f"classifier.{index}.bias" in state:
            dense[name] = state[f"classifier.{index}.weight"], state[f"classifier.{index}.bias"]
    note = getattr(state, "_metadata", {}).get("impasto", "")
    return add_note(StoredNetwork(layers=layers, classifier=dense), str(note), label)


def encode(layers: Layers, metadata: Mapping[str, str]) -> bytes:
    """Return a state dict that torchvision's VGG of the architecture loads, where the width is 1.

    layers: with the classifier among them.
    """
    places = convolution_places(DEPTHS[metadata["arch"]], batch_norm=False)
    convolutions = dict(zip(layers_of(metadata["arch"]), places, strict=True))
    state = torch.nn.Module().state_dict()  # empty, with torch's own place for metadata, which loaders ignore
    for name, (weight, bias) in layers.items():
        prefix = f"classifier.{DENSE[name]}" if name in DENSE else f"features.{convolutions[name]}"
        state[f"{prefix}.weight"], state[f"{prefix}.bias"] = weight, bias
    state._metadata["impasto"] = json.dumps(dict(metadata))  # type: ignore[attr-defined]
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def convolution_places(depths: Sequence[int], *, batch_norm: bool) -> list[int]:
    """Return the numbers of the convolutions in torchvision's `features`: 0, 2, 5, 7, 10, ... for VGG-19."""
    places, index = [], 0
    for depth in depths:
        for _ in range(depth):
            places.append(index)
            index += 3 if batch_norm else 2
        index += 1
    return places


def _name_convolutions(state: Mapping[str, Tensor]) -> dict[str, str]:
    """{"conv1_1": "features.0.", ...}: by the architecture whose places differ least from those found."""
    kernels = [key for key in state if re.fullmatch(r"features\.\d+\.weight", key) and state[key].ndim == 4]
    found = {int(key.split(".")[1]) for key in kernels}
    has_norm = any(key.endswith("running_mean") for key in state)
    placed = {name: convolution_places(depths, batch_norm=has_norm) for name, depths in DEPTHS.items()}
    nearest = min(placed, key=lambda name: len(found ^ set(placed[name])))
    names = dict(zip(placed[nearest], layers_of(nearest), strict=True))
    return {names.get(place, f"conv at features.{place}"): f"features.{place}." for place in sorted(found)}


def _convolution(state: Mapping[str, Tensor], prefix: str, label: str) -> tuple[Tensor, Tensor]:
    """Kernel and bias, with the batch norm after it folded in."""
    kernel = state[f"{prefix}weight"]
    bias = state.get(f"{prefix}bias", torch.zeros(len(kernel)))
    start, _, index = prefix.rstrip(".").rpartition(".")
    norm = f"{start}.{int(index) + 1}." if start == "features" else ""
    if not norm or f"{norm}running_mean" not in state:
        return kernel, bias
    try:
        gamma, beta, mean, variance = (
            state[f"{norm}{part}"].double() for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = gamma / (variance + BATCH_NORM_EPSILON).sqrt()
        return kernel.double() * factor.view(-1, 1, 1, 1), (bias.double() - mean) * factor + beta
    except (KeyError, RuntimeError) as error:
        raise WeightsError(
            f"{label}: the batch norm {norm.rstrip('.')} is incomplete or of another shape ({_first_line(error)}).",
            "Get the file again.",
        ) from error


def load_tensors(path: Path, label: str) -> Mapping[str, Tensor]:
    """Load a dict of tensors that torch saved, running no code in it. Raises WeightsError naming the label."""
    try:
        with warnings.catch_warnings(action="ignore"):  # torch asks to report damaged files to it
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of bytes that are no pickle it can be any
        raise WeightsError(
            f"{label} is damaged or no weights file ({_first_line(error)}).",
            "Get it again, or leave --weights out to use the weights that came with the install.",
        ) from error
    if not isinstance(state, dict) or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()):
        raise WeightsError(
            f"{label} is not a state dict of tensors.", "Save it with torch.save(model.state_dict(), path)."
        )
    return state


def _first_line(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):  # torch's text advises to switch its safety off
        return "it holds no plain tensors"
    return (str(error) or type(error).__name__).splitlines()[0]

"""impasto's own weights files (.safetensors): `conv1_1.weight` (out, in, 3, 3), `conv1_1.bias`, ..., and metadata."""

import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.architecture import Layers
from impasto.features.containers.stored import StoredNetwork, add_metadata


def read(path: Path, classifier: bool) -> StoredNetwork:
    """Read a .safetensors file that `encode` made."""
    from safetensors import SafetensorError, safe_open

    label = f"weights file {str(path)!r}"
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            keys = [key for key in file.keys() if classifier or key.startswith("conv")]  # noqa: SIM118 (not a mapping)
            tensors = {key: file.get_tensor(key) for key in keys}
    except (SafetensorError, ValueError, OSError) as error:
        raise WeightsError(f"{label} is damaged ({error}).", "Get or convert it again.") from error
    names = [key.removesuffix(".weight") for key in tensors if key.endswith(".weight")]
    found = {name: (tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in names if f"{name}.bias" in tensors}
    dense = {name: layer for name, layer in found.items() if name.startswith("fc")}
    layers = {name: layer for name, layer in found.items() if name not in dense}
    return add_metadata(StoredNetwork(layers=layers, classifier=dense), metadata, label)


def encode(layers: Layers, metadata: Mapping[str, str]) -> bytes:
    """Return the file's bytes, equal for equal networks.

    layers: with the classifier among them.
    """
    tensors = {}
    for name, (weight, bias) in layers.items():
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = weight, bias
    return encode_tensors(tensors, metadata)


def encode_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """Return the bytes of a .safetensors file; its header is sorted by name, since safetensors shuffles the metadata.
    """
    from safetensors.torch import save

    encoded = save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata=dict(metadata))
    length = int.from_bytes(encoded[:8], "little")
    header = json.dumps(json.loads(encoded[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the numbers begin on a multiple of 8
    return len(header).to_bytes(8, "little") + header + encoded[8 + length :]

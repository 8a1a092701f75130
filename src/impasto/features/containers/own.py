"""Our own container: a .safetensors file with `conv1_1.weight` (OIHW), `conv1_1.bias`, ..., and metadata."""

import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.containers.content import Content, from_note, to_note


def read(path: Path, classifier: bool) -> Content:
    """What the file holds."""
    from safetensors import SafetensorError, safe_open

    label = f"weights file {str(path)!r}"
    try:
        with safe_open(str(path), framework="pt") as file:
            note = file.metadata() or {}
            keys = [key for key in file.keys() if classifier or key.startswith("conv")]  # noqa: SIM118 (not a mapping)
            tensors = {key: file.get_tensor(key) for key in keys}
    except (SafetensorError, ValueError, OSError) as error:
        raise WeightsError(f"{label} is damaged ({error}).", "Get or convert it again.") from error
    names = [key.removesuffix(".weight") for key in tensors if key.endswith(".weight")]
    layers = {n: (tensors[f"{n}.weight"], tensors[f"{n}.bias"]) for n in names if f"{n}.bias" in tensors}
    dense = {name: layer for name, layer in layers.items() if name.startswith("fc")}
    return from_note(note, {n: layer for n, layer in layers.items() if n not in dense}, dense, label)


def write(content: Content, path: Path) -> None:
    """Writes the content."""
    tensors = {}
    for name, (kernel, bias) in (content.layers | content.classifier).items():
        tensors[f"{name}.weight"] = kernel.contiguous()
        tensors[f"{name}.bias"] = bias.contiguous()
    path.write_bytes(encode(tensors, to_note(content)))


def encode(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The file's bytes; equal for equal networks.

    The header is put in alphabetical order, since safetensors shuffles the metadata.
    """
    from safetensors.torch import save

    encoded = save(dict(tensors), metadata=dict(metadata))
    length = int.from_bytes(encoded[:8], "little")
    header = json.dumps(json.loads(encoded[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the numbers begin on a multiple of 8
    return len(header).to_bytes(8, "little") + header + encoded[8 + length :]

"""Which containers there are, and which one a file is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from impasto.errors import OutputError
from impasto.features.containers import caffe, keras, matconvnet, own, torchvision
from impasto.features.containers.content import Read, Write
from impasto.features.preprocessing import OXFORD, OXFORD_RGB, Preprocessing
from impasto.recipe.fields import nearest_name


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of file. suffixes: of its names, the first one the usual. starts: how its bytes begin, "" where not told.
    usual: the input that its networks expect where neither file nor user says."""

    name: str
    suffixes: tuple[str, ...]
    starts: tuple[bytes, ...]
    read: Read
    write: Write
    usual: Preprocessing | None = None


CONTAINERS = {
    container.name: container
    for container in (
        Container("safetensors", (".safetensors",), (), own.read, own.write),
        Container("torchvision", (".pth", ".pt"), (b"PK\x03\x04", b"\x80\x02"), torchvision.read, torchvision.write),
        Container("matconvnet", (".mat",), (b"MATLAB ",), matconvnet.read, matconvnet.write, OXFORD_RGB),
        Container("keras", (".h5", ".hdf5"), (b"\x89HDF\r\n\x1a\n",), keras.read, keras.write, OXFORD),
        Container("caffe", (".caffemodel",), (), caffe.read, caffe.write_new, OXFORD),
        Container("caffe-v1", (".caffemodel",), (), caffe.read, caffe.write_old, OXFORD),
    )
}


def recognise_container(path: Path) -> Container:
    """The kind of a file: by its first bytes, or else by its name; torchvision's where neither tells."""
    with path.open("rb") as file:
        start = file.read(16)
    # A header in JSON after its length; and torch itself takes the suffix for a promise.
    if start[8:9] == b"{" or path.suffix.lower() == ".safetensors":
        return CONTAINERS["safetensors"]
    for container in CONTAINERS.values():
        if any(start.startswith(sign) for sign in container.starts):
            return container
    return _by_suffix(path) or CONTAINERS["torchvision"]


def choose_container(path: Path, name: str | None) -> Container:
    """The kind to write: of that name, or by the path's suffix. Raises OutputError."""
    if name is not None and name in CONTAINERS:
        return CONTAINERS[name]
    known = ", ".join(f"{container.name} ({container.suffixes[0]})" for container in CONTAINERS.values())
    if name is not None:
        raise OutputError(f"container {name!r} is unknown; expected one of {known}.", _nearest(name, [*CONTAINERS]))
    chosen = _by_suffix(path)
    if chosen is None:
        raise OutputError(
            f"output {str(path)!r} has the suffix {path.suffix!r}; expected that of one of {known}.",
            "Change the suffix, or say the container: --to torchvision.",
        )
    return chosen


def _by_suffix(path: Path) -> Container | None:
    return next((each for each in CONTAINERS.values() if path.suffix.lower() in each.suffixes), None)


def _nearest(name: str, known: Sequence[str]) -> str:
    return nearest_name(name, known).strip() or "Choose one of these with --to."

"""The kinds of weights files: which one a file is, and which one is written."""

from dataclasses import dataclass
from pathlib import Path

from impasto.errors import OutputError
from impasto.features.containers import caffe, keras, matconvnet, own, torchvision
from impasto.features.containers.stored import Encode, Read
from impasto.features.preprocessing import OXFORD, OXFORD_RGB, Preprocessing
from impasto.recipe.fields import nearest_name


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of weights file.

    suffixes: of its names, the usual one first. starts: the first bytes, if they are always the same. encode: None if
    such files are only read. usual: the input of its networks where neither file nor user names one.
    """

    name: str
    suffixes: tuple[str, ...]
    starts: tuple[bytes, ...]
    read: Read
    encode: Encode | None = None
    usual: Preprocessing | None = None


CONTAINERS = {
    container.name: container
    for container in (
        Container("safetensors", (".safetensors",), (), own.read, own.encode),
        Container("torchvision", (".pth", ".pt"), (b"PK\x03\x04", b"\x80\x02"), torchvision.read, torchvision.encode),
        Container("matconvnet", (".mat",), (b"MATLAB ",), matconvnet.read, usual=OXFORD_RGB),
        Container("keras", (".h5", ".hdf5"), (b"\x89HDF\r\n\x1a\n",), keras.read, usual=OXFORD),
        Container("caffe", (".caffemodel",), (), caffe.read, usual=OXFORD),
    )
}


def recognise_container(path: Path) -> Container:
    """Return the kind of a file by its first bytes, else by its suffix, else torchvision's."""
    with path.open("rb") as file:
        start = file.read(16)
    # A header in JSON after its length; the suffix too, since torch itself relies on it.
    if start[8:9] == b"{" or path.suffix.lower() == ".safetensors":
        return CONTAINERS["safetensors"]
    for container in CONTAINERS.values():
        if start.startswith(container.starts):
            return container
    return _by_suffix(path) or CONTAINERS["torchvision"]


def choose_container(path: Path, name: str | None) -> tuple[str, Encode]:
    """Return name and encoder of the kind to write: by its name, or by the path's suffix. Raises OutputError."""
    written = {each.name: each.suffixes[0] for each in CONTAINERS.values() if each.encode is not None}
    known = " or ".join(f"{each} ({suffix})" for each, suffix in written.items())
    chosen = CONTAINERS.get(name) if name is not None else _by_suffix(path)
    if chosen is not None and chosen.encode is not None:
        return chosen.name, chosen.encode
    if chosen is not None:
        raise OutputError(
            f"output {str(path)!r} would be a {chosen.suffixes[0]} file ({chosen.name}), which is only read; "
            f"written are {known}.",
            f"Write it as {path.stem}.safetensors.",
        )
    if name is not None:
        hint = nearest_name(name, list(written)).strip() or "Choose one of these with --to."
        raise OutputError(f"container {name!r} is unknown; expected {known}.", hint)
    raise OutputError(
        f"output {str(path)!r} has the suffix {path.suffix!r}; expected that of {known}.",
        "Change the suffix, or name the container: --to torchvision.",
    )


def _by_suffix(path: Path) -> Container | None:
    return next((each for each in CONTAINERS.values() if path.suffix.lower() in each.suffixes), None)

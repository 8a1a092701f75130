"""A trained network in a file (.safetensors): its numbers, the names and pictures of its styles, and its card."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.fast.network import PHOTOGRAPH, Architecture, Network, to_design
from impasto.features.containers import own
from impasto.images.pixels import to_uint8
from impasto.images.resize import fit_long_edge, resize_image
from impasto.recipe.fields import nearest_name
from impasto.recipe.recipe import Recipe
from impasto.recipe.shipped import shipped_styles
from impasto.system.disk import file_sha256, path_hint, replace_file, to_path

FORMAT = "impasto-painter"
FORMAT_VERSION = 1

ICON = 96
"""Long edge of the pictures of the styles in the file, in pixels: enough for their colors, and to show them."""

KIND = "expected a .safetensors that `impasto train` wrote"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A network that paints, and what is known of it.

    names: of its styles. icons: a small picture of each, (1, 3, h, w) in [0, 1]. look: the recipe that it was trained
    by. metadata: its card as text, in the file. name, sha256: of the file that it was read from.
    """

    network: Network
    names: tuple[str, ...]
    icons: tuple[Tensor, ...]
    look: Recipe
    metadata: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    sha256: str = ""

    def select(self, names: Sequence[str]) -> "Model":
        """Return the model with these of its styles, in this order."""
        numbers = [self.names.index(name) for name in names]
        network = Network(self.network.architecture, len(numbers))
        rows = [PHOTOGRAPH, *(1 + number for number in numbers)]
        values = {
            key: tensor[rows] if key.endswith(("scales", "shifts")) else tensor
            for key, tensor in self.network.state_dict().items()
        }
        network.load_state_dict(values)
        icons = tuple(self.icons[number] for number in numbers)
        return replace(self, network=network.eval(), names=tuple(names), icons=icons)

    def write(self, path: Path, *, half: bool = False) -> None:
        """Write the file in one atomic move; equal models give equal bytes. half: in float16. Raises DiskError."""
        architecture = self.network.architecture
        metadata = {
            **self.metadata,
            "format": FORMAT,
            "format_version": str(FORMAT_VERSION),
            "styles": json.dumps(list(self.names)),
            "width": str(architecture.width),
            "blocks": str(architecture.blocks),
            "design": architecture.design,
            "look": json.dumps(self.look.to_dict()),
        }
        icons = {f"icons.{number}": to_uint8(icon) for number, icon in enumerate(self.icons)}
        dtype = torch.float16 if half else torch.float32
        numbers = {name: values.detach().cpu().to(dtype) for name, values in self.network.state_dict().items()}
        replace_file(path, own.encode_tensors({**numbers, **icons}, metadata))

    def style_of(self, sha256: str, file: str) -> str:
        """Return the style of a painting: that trained from it, else that of its file's name, else the first."""
        found = [name for name, known in self._paintings() if known == sha256] + [Path(file).stem]
        return next((name for name in found if name in self.names), self.names[0])

    def _paintings(self) -> list[tuple[str, str]]:
        """Return name and SHA-256 of each painting on the cards; none of a card that is damaged."""
        try:
            cards = [json.loads(text) for key, text in self.metadata.items() if key.split("+")[0] == "data"]
            return [(str(style["name"]), str(style["sha256"])) for card in cards for style in card["styles"]]
        except (ValueError, TypeError, KeyError):
            return []


def to_icon(style_image: Tensor) -> Tensor:
    """Return a style image, (1, 3, H, W) in [0, 1], as small as the file has it."""
    return resize_image(style_image, fit_long_edge(style_image.shape[-2], style_image.shape[-1], ICON))


def read_model(source: str | os.PathLike[str], hint: str = "") -> Model:
    """Read a network that `impasto train` wrote. Nothing in the file is ever executed. Raises WeightsError.

    hint: for a file that does not exist.
    """
    from safetensors import SafetensorError, safe_open

    path = to_path(source, "model", WeightsError)
    label = f"model {str(path)!r}"
    if not path.is_file():
        raise WeightsError(f"{label} does not exist; {KIND}.", hint or path_hint(path, "Check the path."))
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, ValueError, OSError, RuntimeError) as error:
        raise WeightsError(
            f"{label} is no safetensors file, or damaged ({' '.join(str(error).split())[:100]}); {KIND}.",
            "Other files, pickles among them, are not opened. Get it again.",
        ) from error
    if metadata.get("format") != FORMAT:
        raise WeightsError(f"{label} is another kind of file; {KIND}.", "Give such a file, or train one.")
    if metadata.get("format_version") != str(FORMAT_VERSION):
        raise WeightsError(
            f"{label} has format_version {metadata.get('format_version')}; this impasto reads {FORMAT_VERSION}.",
            "Install a newer impasto to use it.",
        )
    try:
        return _build(tensors, metadata, path)
    except (KeyError, ValueError, TypeError, RuntimeError, RecursionError) as error:
        raise WeightsError(
            f"{label} is damaged ({type(error).__name__}: {' '.join(str(error).split())[:100]}); {KIND}.",
            "Get it again.",
        ) from error


def read_style_or_model(source: str | os.PathLike[str]) -> Model:
    """Read the network of a shipped style, by its name, or one that `impasto train` wrote.

    A text that names a style wins over a file of that name; "./starry-night" is the file. The style becomes the first
    of its network, which is painted by default. Raises WeightsError.
    """
    styles = shipped_styles()
    style = styles.get(source) if isinstance(source, str) else None
    if style is not None:
        model = read_model(style.path)
        others = [name for name in model.names if name != style.name]
        return replace(model.select([style.name, *others]), name=style.name)
    return read_model(source, nearest_name(os.fspath(source), [*styles]))


def _build(tensors: dict[str, Tensor], metadata: dict[str, str], path: Path) -> Model:
    names = tuple(map(str, json.loads(metadata["styles"])))
    design = to_design(metadata.get("design", "separable"))
    architecture = Architecture(width=int(metadata["width"]), blocks=int(metadata["blocks"]), design=design)
    if not (0 < architecture.width <= 256 and 0 < architecture.blocks <= 64 and names):
        raise ValueError(f"{architecture} with {len(names)} styles")
    icons = tuple(tensors.pop(f"icons.{number}").permute(2, 0, 1)[None].float() / 255 for number in range(len(names)))
    network = Network(architecture, len(names))
    network.load_state_dict({name: values.float() for name, values in tensors.items()})
    if not all(bool(torch.isfinite(values).all()) for values in network.state_dict().values()):
        raise ValueError("some of its numbers are not finite")
    look: dict[str, Any] = json.loads(metadata["look"])
    known = {"format", "format_version", "styles", "width", "blocks", "design", "look"}
    return Model(
        network=network.eval(),
        names=names,
        icons=icons,
        look=Recipe.from_dict(look),
        metadata={name: text for name, text in metadata.items() if name not in known},
        name=path.name,
        sha256=file_sha256(path),
    )

"""Samples: free photographs and a painting made by code, for whoever has no picture at hand."""

import hashlib
import importlib
import importlib.util
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from impasto.errors import ImpastoError
from impasto.studio.refusal import Refusal
from impasto.studio.uploads import EVERYBODY, Pictures

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A picture of a package. use: as photograph or as painting. path: its file."""

    name: str
    use: Literal["contents", "styles"]
    path: Path

    @property
    def id(self) -> str:
        """The id of the picture, the same in every studio."""
        return sample_id(self.name)


def sample_id(name: str) -> str:
    """Return the id of the sample of a name."""
    return hashlib.sha256(f"sample {name}".encode()).hexdigest()[:32]


@cache
def shipped_styles() -> Mapping[str, Any]:
    """Return the styles of trained networks that come with the package, by name; none where it has none."""
    try:
        module: Any = importlib.import_module("impasto.recipe.shipped")
    except ImportError:
        return {}
    return {name: style for name, style in module.shipped_styles().items() if style.path.is_file()}


def find_samples() -> list[Sample]:
    """Return the samples that are there: those of scikit-image only where it is installed."""
    found = [Sample(name=f"{name}.jpg", use="styles", path=style.picture) for name, style in shipped_styles().items()]
    painting = Path(str(resources.files("impasto.experiments") / "demo_style.jpg"))
    found.append(Sample(name="impasto.jpg", use="styles", path=painting))
    spec = importlib.util.find_spec("skimage")  # not imported, which would take a second
    for folder in (spec.submodule_search_locations if spec is not None else None) or []:
        data = Path(folder) / "data"
        photographs = ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png")
        found += [Sample(name=name, use="contents", path=data / name) for name in photographs]
        found += [Sample(name=name, use="styles", path=data / name) for name in ("ihc.png", "brick.png")]
    return [sample for sample in found if sample.path.is_file()]


def store_samples(pictures: Pictures) -> None:
    """Store the samples that are not in the studio yet, for all galleries; what fails is left out, with a warning."""
    for sample in find_samples():
        try:
            pictures.get(sample.id)
        except Refusal:
            try:
                with open(sample.path, "rb") as file:
                    pictures.store(file, sample.name, EVERYBODY, id=sample.id)
            except (ImpastoError, OSError) as error:
                logger.warning("the sample %s is left out: %s", sample.name, error)


def describe_samples(pictures: Pictures) -> dict[str, Any]:
    """Return the stored samples as the API shows them."""
    shown: dict[str, list[dict[str, Any]]] = {"contents": [], "styles": []}
    for sample in find_samples():
        try:
            shown[sample.use].append(pictures.get(sample.id).to_dict())
        except Refusal:
            continue
    return shown

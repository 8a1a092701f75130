"""The result of painting in one pass: the pastiche, and the network that painted it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from impasto.runs.finished import FinishedPicture


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OnePassResult(FinishedPicture):
    """A pastiche painted by a network in one pass, and what is known about it.

    network: the network's name. sha256: of its file or files. styles: the shares of its own styles, by name, of a
    network that has some.
    """

    network: str
    sha256: str
    styles: Mapping[str, float] = field(default_factory=dict)

    @property
    def metadata(self) -> dict[str, Any]:
        """What is written into the picture: recipe, seed, version, network and inputs.

        Files are named without their folders; if the recipe says `strip`, inputs have neither names nor SHA-256.
        """
        return self._origin({"network": self._network})

    def to_dict(self) -> dict[str, Any]:
        """Size, seconds, peak_bytes, network and recipe, as JSON values."""
        height, width = self.pastiche.shape[-2:]
        return {
            "size": {"width": width, "height": height},
            "seconds": round(self.seconds, 3),
            "peak_bytes": self.peak_bytes,
            "network": self._network,
            "recipe": self.recipe.to_dict(),
        }

    def __repr__(self) -> str:
        height, width = self.pastiche.shape[-2:]
        return f"<OnePassResult {width}x{height}, network {self.network!r}>"

    @property
    def _network(self) -> dict[str, Any]:
        styles = {"styles": dict(self.styles)} if self.styles else {}
        return {"name": self.network, "sha256": self.sha256, **styles}

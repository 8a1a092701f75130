"""The result of painting in one pass: the pastiche, and the network that painted it."""

from dataclasses import dataclass
from typing import Any

from impasto.runs.finished import FinishedPicture


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OnePassResult(FinishedPicture):
    """A pastiche painted by a network in one pass, and what is known about it.

    network: the network's name. sha256: of its file or files.
    """

    network: str
    sha256: str

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
    def _network(self) -> dict[str, str]:
        return {"name": self.network, "sha256": self.sha256}

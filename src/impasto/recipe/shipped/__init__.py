"""The styles that come with impasto: trained networks, and what is known of their paintings, in this folder."""

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

FOLDER = Path(str(resources.files(__name__)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedStyle:
    """A style and its painting. network: the name of the file that knows it, and some other styles.

    year: of the painting, about.
    """

    name: str
    title: str
    artist: str
    year: int
    network: str

    @property
    def path(self) -> Path:
        """The network's file."""
        return FOLDER / f"{self.network}.safetensors"

    @property
    def picture(self) -> Path:
        """The file of a small copy of the painting, 512 pixels at its long edge."""
        return FOLDER / f"{self.name}.jpg"

    def describe(self) -> str:
        """Return artist, title and year."""
        return f"{self.artist}, {self.title} ({self.year})"

    def to_dict(self) -> dict[str, object]:
        """Return what is known as JSON values."""
        return {
            "name": self.name,
            "title": self.title,
            "painting": self.describe(),
            "artist": self.artist,
            "year": self.year,
            "picture": str(self.picture),
            "network": str(self.path),
        }


def shipped_styles() -> dict[str, ShippedStyle]:
    """Return the styles by name."""
    entries = tomllib.loads((FOLDER / "styles.toml").read_text("utf-8"))
    return {name: ShippedStyle(name=name, **values) for name, values in entries.items()}

"""A finished picture: the pastiche and what is known about it, however it was painted."""

import dataclasses
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image
from torch import Tensor

from impasto import __version__
from impasto.images.carried import NOTHING, Carried, Depth
from impasto.images.io import write_image
from impasto.images.pixels import encode_shown, image_to_picture
from impasto.recipe.files import recipe_in_picture
from impasto.recipe.recipe import Recipe
from impasto.runs.record import Input


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FinishedPicture(ABC):
    """A pastiche and what is known about it. A notebook shows the picture.

    pastiche: (1, 3, H, W) float32 in [0, 1], sRGB, on the CPU. seconds: that painting took. peak_bytes: most memory
    used. carried: the photograph's alpha, EXIF, ICC profile and depth, for `save`.
    """

    pastiche: Tensor
    recipe: Recipe
    seconds: float
    peak_bytes: int
    inputs: tuple[Input, ...]
    carried: Carried = NOTHING

    @property
    @abstractmethod
    def metadata(self) -> dict[str, Any]:
        """What is written into the picture, as JSON values."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """What a command reports with --json, as JSON values."""

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        depth: Depth | None = None,
        keep_profile: bool | None = None,
        strip: bool | None = None,
    ) -> None:
        """Writes the pastiche, with its metadata inside, in one atomic move. The suffix says the format.

        With the photograph's alpha, and its EXIF, GPS included, and the inputs' names and SHA-256, unless `strip`.
        depth: 8 or 16 bits a channel, 16 for PNG and TIFF. keep_profile: in the photograph's ICC profile instead of
        sRGB. What is None is as the recipe says; what is given is written into the file's recipe.
        Raises OutputError, DiskError.
        """
        given = {"depth": depth, "keep_profile": keep_profile, "strip": strip}
        recipe = self.recipe.replace(**{name: value for name, value in given.items() if value is not None})
        write_image(
            self.pastiche,
            path,
            metadata=dataclasses.replace(self, recipe=recipe).metadata,
            carried=self.carried,
            depth=recipe.depth,
            keep_profile=recipe.keep_profile,
            strip=recipe.strip,
            dpi=recipe.dpi,
        )

    def to_picture(self) -> Image.Image:
        """Return the pastiche as a PIL picture, RGB of 8 bits."""
        return image_to_picture(self.pastiche)

    def _repr_png_(self) -> bytes:
        return encode_shown(self.pastiche)

    def _origin(self, network: Mapping[str, Any]) -> dict[str, Any]:
        """Return the metadata that every picture has. network: that of its network."""
        return {
            "software": "impasto",
            "version": __version__,
            "recipe": recipe_in_picture(self.recipe).to_dict(),
            "seed": self.recipe.seed,
            **network,
            "inputs": [entry.to_dict(strip=self.recipe.strip) for entry in self.inputs],
        }

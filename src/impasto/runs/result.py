"""The result of a run: the pastiche, and all that is known about how it was made."""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image
from torch import Tensor

from impasto import __version__
from impasto.features.weights import WeightsRecord
from impasto.images.carried import NOTHING, Carried, Depth
from impasto.images.io import write_image
from impasto.images.pixels import encode_shown, image_to_picture
from impasto.optimize.schedule import MemoryPlan, RunPlan
from impasto.recipe.files import recipe_in_picture
from impasto.recipe.recipe import Recipe
from impasto.runs.record import Input


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Which picture of a morph: its number, from 1, how many there are, and the shares of the styles in it."""

    number: int
    of: int
    style_blend: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Result:
    """A pastiche and what is known about it. A notebook shows the picture.

    pastiche: (1, 3, H, W) float32 in [0, 1], sRGB, on the CPU. losses: the weighted terms by name, and "total", of this
    picture as painted, before `finish_colors`. steps, seconds: of the whole run. peak_bytes: most memory used. end: why
    it ended: "steps", "tolerance", "stopped" (by a callback or Ctrl-C) or "diverged" (after too many roll-backs).
    plan: the parts as they were run; `stylize(..., plan=result.plan)` repeats them.
    carried: the photograph's alpha, EXIF, ICC profile and depth, for `save`. frame: of a morph; recipe is the morph's.
    """

    pastiche: Tensor
    recipe: Recipe
    losses: Mapping[str, float]
    steps: int
    seconds: float
    peak_bytes: int
    end: Literal["steps", "tolerance", "stopped", "diverged"]
    weights: WeightsRecord
    inputs: tuple[Input, ...]
    plan: RunPlan
    carried: Carried = NOTHING
    frame: Frame | None = None

    @property
    def memory(self) -> MemoryPlan:
        """The plan of the last part."""
        return self.plan.parts[-1].memory

    @property
    def run(self) -> dict[str, Any]:
        """How it was run, as far as it shows in the last digits: what `RunPlan.from_dict` takes."""
        return self.plan.to_dict()

    @property
    def metadata(self) -> dict[str, Any]:
        """What is written into the picture: recipe, seed, version, weights, inputs and how it was run.

        Files are named without their folders; if the recipe says `strip`, inputs have neither names nor SHA-256.
        """
        return {
            "software": "impasto",
            "version": __version__,
            "recipe": recipe_in_picture(self.recipe).to_dict(),
            "seed": self.recipe.seed,
            "weights": {"name": self.weights.name, "sha256": self.weights.sha256},
            "inputs": [entry.to_dict(strip=self.recipe.strip) for entry in self.inputs],
            "run": self.run,
            **self._frame,
        }

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

    def __repr__(self) -> str:
        height, width = self.pastiche.shape[-2:]
        return f"<Result {width}x{height}, {self.steps} steps, loss {self.losses['total']:.4g}, end {self.end!r}>"

    def to_dict(self) -> dict[str, Any]:
        """Size, steps, seconds, losses, peak_bytes, end, run and recipe, as JSON values."""
        height, width = self.pastiche.shape[-2:]
        return {
            "size": {"width": width, "height": height},
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "losses": dict(self.losses),
            "peak_bytes": self.peak_bytes,
            "end": self.end,
            "run": self.run,
            "recipe": self.recipe.to_dict(),
            **self._frame,
        }

    @property
    def _frame(self) -> dict[str, Any]:
        return {} if self.frame is None else {"frame": dataclasses.asdict(self.frame)}

"""One recipe painted with several networks, side by side."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from impasto.errors import RecipeError
from impasto.experiments.grid_cell import CellPainter, GridCell, Paint, check_cells
from impasto.experiments.sheet import compose_sheet
from impasto.features.weights import WeightsRecord
from impasto.images.io import ImageSource
from impasto.recipe.files import recipe_files
from impasto.recipe.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One network and what it painted. name: as it was given."""

    name: str
    record: WeightsRecord
    cell: GridCell

    @property
    def caption(self) -> str:
        """The label over the picture: `my`, and below it `vgg13, width 0.25`."""
        width = "" if self.record.width == 1 else f", width {self.record.width:.3g}"
        return f"{Path(self.name).name.removesuffix('.safetensors')}\n{self.record.architecture}{width}"

    def to_dict(self) -> dict[str, Any]:
        """Return name, architecture, width, license, sha256, panel and losses, as JSON values."""
        return {
            "name": self.name,
            "architecture": self.record.architecture,
            "width": self.record.width,
            "license": self.record.license,
            "sha256": self.record.sha256,
            "panel": str(self.cell.path),
            "losses": dict(self.cell.losses),
        }


def plan_comparison(backbones: Sequence[str], recipe: Recipe) -> list[Recipe]:
    """Return the recipe for every network: the same but for the weights, and rescaled to a mean activation of 1.

    Rescaled, because features of another size would weigh the losses differently. Raises RecipeError where one is given
    twice.
    """
    for name in backbones:
        if backbones.count(name) > 1:
            raise RecipeError(f"the network {name!r} is given {backbones.count(name)} times.", "Give each once.")
    return [recipe.replace(weights=name, rescaled_network=True) for name in backbones]


def compare_backbones(
    backbones: Sequence[str],
    recipe: Recipe,
    folder: str | os.PathLike[str],
    sources: Sequence[ImageSource],
    paint: Paint,
    check: Callable[[Recipe], WeightsRecord],
    *,
    painter: CellPainter,
    on_cell: Callable[[int, int], object] | None = None,
) -> list[Compared]:
    """Paint with each network: weights files, or names such as "oxford" and "random", a file each in `folder`.

    sources: the inputs, by which finished cells are recognized. paint: a recipe -> its result. check: raises what
    `paint` would raise before slow work, and returns the record of the recipe's weights; all are checked first.
    on_cell: called with the number of the cell that begins, and of all. Raises also RecipeError, OutputError.
    """
    recipes = plan_comparison(backbones, recipe)
    paths = [cell_path(folder, number, name) for number, name in enumerate(backbones, start=1)]
    check_cells(paths, [*sources, *(name for chosen in recipes for name in recipe_files(chosen))])
    records = [check(chosen) for chosen in recipes]
    compared: list[Compared] = []
    for name, path, chosen, record in zip(backbones, paths, recipes, records, strict=True):
        if on_cell is not None:
            on_cell(len(compared) + 1, len(recipes))
        cell = painter.paint(path, chosen, sources, paint)
        compared.append(Compared(name=name, record=record, cell=cell))
    return compared


def cell_path(folder: str | os.PathLike[str], number: int, name: str) -> Path:
    """Return the path of a network's cell: `2_random.png`."""
    return Path(folder) / f"{number}_{re.sub(r'[^A-Za-z0-9.-]+', '_', Path(name).name)}.png"


def compose_comparison(compared: Sequence[Compared], content_image: Tensor, style_image: Tensor) -> Tensor:
    """Return the sheet: photograph, painting and the pastiches in a row, (1, 3, H, W).

    content_image, style_image: (1, 3, H, W) in [0, 1], sRGB.
    """
    pastiches = [each.cell.pastiche for each in compared]
    return compose_sheet(
        [[content_image, style_image, *pastiches]],
        column_labels=["photograph", "painting", *(each.caption for each in compared)],
        cell_size=max(max(pastiche.shape[-2:]) for pastiche in pastiches),
    )

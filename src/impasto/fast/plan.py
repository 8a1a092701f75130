"""The plan of a training: its paintings, photographs, names and places, checked before slow work; and its estimate."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from impasto.control.sizes import check_sizes
from impasto.errors import OutputError, RecipeError
from impasto.fast import instant
from impasto.fast.model import Model, read_model
from impasto.fast.photos import FEW, Photos
from impasto.fast.recipe import TrainingRecipe
from impasto.images.io import read_picture
from impasto.images.picture import Picture
from impasto.optimize.precision import check_precision, resolve_precision
from impasto.painting.inputs import check_given, to_list
from impasto.painting.options import ImageSources
from impasto.system.device import resolve_device
from impasto.system.disk import check_file_place, check_not_input, is_folder, to_path
from impasto.training.card import Card

logger = logging.getLogger(__name__)


def _check_output(output: str | os.PathLike[str], inputs: Sequence[object]) -> Path:
    """Return the path of a network to write, after checking that it can be. Raises OutputError."""
    path = to_path(output, "output")
    label = f"output {str(path)!r}"
    if is_folder(path, label) or path.suffix.lower() != ".safetensors":
        raise OutputError(f"{label} is no .safetensors; expected one.", f"Give -o {path.with_suffix('.safetensors')}.")
    check_file_place(path, label)
    check_not_input(path, label, inputs)
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """A training after every check that is possible before slow work."""

    recipe: TrainingRecipe
    path: Path
    folder: Path
    pictures: Sequence[Picture]
    names: Sequence[str]
    base: Model | None
    photos: Photos
    device: torch.device

    def card(self, device: torch.device) -> Card:
        """Return the card of the run on this device."""
        styles = [
            {"name": name, "sha256": picture.sha256} for name, picture in zip(self.names, self.pictures, strict=True)
        ]
        add_to = "" if self.base is None else self.base.sha256
        is_begun = self.recipe.init == instant.NAME
        init = {"init": {"name": instant.NAME, "sha256": instant.SHA256}} if is_begun else {}
        return Card(
            recipe=self.recipe.to_dict(),
            data={"photos": self.photos.describe(), "styles": styles, "add_to": add_to, **init},
            precision=resolve_precision(self.recipe.precision, device),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingEstimate:
    """What a training, or the rest of it, will cost on this machine, by two steps of it.

    steps: those left. seconds: of these. peak_bytes: most memory of this process, or of torch on a GPU.
    """

    steps: int
    seconds: float
    seconds_per_step: float
    peak_bytes: int
    precision: str
    photos: int


def plan_training(
    style_images: ImageSources,
    photos: str | os.PathLike[str],
    output: str | os.PathLike[str],
    recipe: TrainingRecipe | None,
    names: Sequence[str],
    add_to: str | os.PathLike[str] | None,
    run_dir: str | os.PathLike[str] | None,
    device: str,
) -> TrainingPlan:
    """Return the plan, after checking the arguments, those of `train_painter`, with its errors."""
    recipe = TrainingRecipe() if recipe is None else recipe
    check_given("style image", style_images)
    sources = to_list(style_images)
    if recipe.init == instant.NAME:
        instant.find_files()
        if add_to is not None:
            raise RecipeError(
                f"init is {recipe.init!r} with the network {os.fspath(add_to)!r} to add to; expected one of them.",
                "Leave --init or --add-to out.",
            )
    path = _check_output(output, [*sources, *([] if add_to is None else [add_to])])
    folder = path.with_name(f"{path.stem}_run") if run_dir is None else Path(run_dir)
    pictures = [read_picture(source, name="style_image") for source in sources]
    base = None if add_to is None else read_model(add_to)
    named = _name_styles(pictures, names, () if base is None else base.names)
    window = (recipe.crop, recipe.crop)
    check_sizes(recipe.look, window, [picture.size for picture in pictures], window)
    found = Photos.find(photos, folder)
    if len(found.paths) < FEW:
        logger.warning(
            "%d photographs; expect visible faults in others: %d make a usable network, thousands a good one.",
            *(len(found.paths), FEW),
        )
    place = resolve_device(device)
    check_precision(recipe.precision, place)
    return TrainingPlan(
        recipe=recipe,
        path=path,
        folder=folder,
        pictures=pictures,
        names=named,
        base=base,
        photos=found,
        device=place,
    )


def _name_styles(pictures: Sequence[Picture], names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Return a name for each style. Raises RecipeError."""
    if names and len(names) != len(pictures):
        raise RecipeError(
            f"{len(names)} names are given for {len(pictures)} styles; expected as many.", "Or leave them out."
        )
    named = list(names) or [
        Path(picture.name).stem or f"style-{number}" for number, picture in enumerate(pictures, start=1 + len(taken))
    ]
    for number, name in enumerate(named):
        if name in (*taken, *named[:number]):
            raise RecipeError(f"two styles have the name {name!r}; expected different ones.", "Give --name for each.")
    return named
